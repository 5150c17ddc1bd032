"""The agent of a totem: what the machine, its display and its parts say. Runs without Django; see docs/agents.md.

A part that cannot be measured is left out of the sample and named `unsupported` in the description: it is never
reported as healthy.
"""
