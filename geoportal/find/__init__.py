"""The addresses of the search: `/api/cerca` and `/api/qui`."""
