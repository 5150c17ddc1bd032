"""The agent of access points: one process asks one or several over SNMP and ping. Runs without Django; docs/agents.md.

Only counts of users are read, never the address of a person's device.
"""
