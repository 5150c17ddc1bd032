"""The page of sources: who feeds which layer, and how each is doing."""
