"""Who read restricted data: `note` writes it down, the administration lists it."""

from layers.audit.recorder import flush, note

__all__ = ["flush", "note"]
