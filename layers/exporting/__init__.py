"""Features in the formats that offices and programs read: as text while the database reads, or as files."""
