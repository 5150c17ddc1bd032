"""Devices as everyone asks for them: the list, one device, and what changed, all from the same statement."""
