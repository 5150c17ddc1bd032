"""The eleven scenarios from a device's measurement to the call of a technician, in simulated time.

clock.py            a clock moved by hand, and an event loop whose timers follow it
world.py            sample devices on the agents' client, the real broker, the real ingest and the real monitor
tales.py            what each scenario must show: the eleven by name
test_scenarios.py   plays them
"""
