"""Work that outlives a request: rows of one table, done by `manage.py worker`, each in a child process of its own."""
