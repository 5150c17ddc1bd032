"""A believable city of devices, speaking through the agents' own client.

noise.py      randomness as a function of seed, name and time
city.py       weather, hours, market days and matches of Cremona
metrics.py    what an access point and a totem measure at a moment
life.py       what happens by itself: cuts, restarts, leaks, wrong clocks, matches
scenarios.py  scripted troubles, by name
fleet.py      many devices on one loop

The model is pure: the same seed, device and moment give the same measurements. Ranges: docs/agents.md.
"""
