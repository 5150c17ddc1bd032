"""Recordings of other people's devices as messages of our contract (docs/recordings.md).

freifunk, linknyc, tasmota (pure: a file to devices and samples) → replay (inventory, credentials, the real broker).
"""
