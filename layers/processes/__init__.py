"""Geometry over catalogue layers as processes: what each takes, what it may cost, and the SQL that does it."""
