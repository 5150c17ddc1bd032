"""The sample city: made by a seeded generator, plausible to the eye, labelled *dati di esempio* wherever it shows.

`plan` lays out land, river, roads and blocks; `streets` names them; `plots` cuts blocks into parcels with buildings
and house numbers; `extras` adds trees, schools, stops, water and terrain; `files` writes GeoPackages and a GeoTIFF,
which go in through the same import as anyone's files; `descriptions` holds what the catalogue says of them.
Coordinates are EPSG:32632 metres, easting first.
"""
