"""CQL2 filters (OGC 21-065r2): parsed by the `cql2` library behind caps, translated by our own whitelist to SQL."""

from layers.cql2.reading import read_filter
from layers.cql2.translation import Translator

__all__ = ["Translator", "read_filter"]
