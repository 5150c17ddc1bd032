"""The catalogue for people: layers by theme, one layer in full, its description and metadata, what to review."""
