"""Styles of other programs read into the model, and the model written for QGIS."""
