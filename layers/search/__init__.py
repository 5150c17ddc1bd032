"""Find: one search over addresses, streets, parcels, features, layers and coordinates; and what is at a place."""
