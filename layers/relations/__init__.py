"""How layers belong together: declared once, asked by identify, by `/api/qui`, by search hits and by a process."""
