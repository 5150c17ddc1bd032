"""How a moment is written in the contract. No import at all: agents and centre use it."""

MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
"""RFC 3339: date, time to the second or finer, and the offset from UTC."""
