"""Layers drawn into pictures on the server: Mapnik for tables, rasterio for rasters, one thematic style for both."""
