"""Work that outlives a request: rows of one table, done by `manage.py worker`, each in a process forked for it."""
