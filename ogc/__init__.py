"""OGC API and legacy OGC services over the catalogue."""
