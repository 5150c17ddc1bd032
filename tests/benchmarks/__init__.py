"""Requests per second of the services, each next to the same SQL run by pgbench in the same run: `make bench`."""
