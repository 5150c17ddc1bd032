"""The style editor: a page for stewards over `layers.styles`, where every compiler and every check is."""
