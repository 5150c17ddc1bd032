"""From a file to a layer: detect → read → inspect → load → register. `engine.import_file` is the way in.

Each step knows one thing: `detect` what a file is, `sources` how to read it as Arrow batches, `crs` where it lies,
`geometry` how to make its shapes storable, `load` how to fill a table, `register` how the catalogue learns of it.
"""
