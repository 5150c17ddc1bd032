"""The device's side of the contract `cremona/v1`: disk spool, MQTT session, commands. No Django, no global state.

config.py    the one-file configuration that enrolment writes
spool.py     what was said and is not yet stored at the centre
payloads.py  birth, will, goodbye, samples, batches
session.py   one device's connection: deliver, resend, listen
commands.py  orders from the centre: each runs at most once
device.py    one device: spool, session and orders tied together
agent.py     the process of an agent: samples at an interval, ends cleanly
check.py     `--check`: what is wrong, in plain words
"""
