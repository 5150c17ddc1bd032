"""Tiles from afar, prepared: beside the table of a large layer one that holds its shapes as tiles of zoom 0 to 13 do.

A worker makes it when a layer's data have changed, and it is read only while it is of the data as they are: the
statement of a tile says so itself. Until then tiles are made of the table. `models` says what there is, `build` makes
it, `jobs` says when.
"""
