"""The catalogue of layers and the spatial data behind it."""
