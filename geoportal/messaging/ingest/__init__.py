"""`manage.py ingest`: from the broker to committed rows, nothing acknowledged before it is stored (docs/devices.md).

listener → inbox → batch (pure) → store (one transaction) → acknowledgements; worker ties them together.
"""
