"""Figures for Prometheus, gathered at one loopback address by the monitor (docs/metrics.md).

requests (in each web process) and the heartbeats of ingest → collector → exposition.
"""
