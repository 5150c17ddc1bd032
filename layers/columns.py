"""What the database knows of a layer's table and the catalogue does not keep: column types, exact count.

Both are asked once per data version and process.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import cast

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import read_row, table_of
from layers.filters import column
from layers.models import geodata_identifier

_counts: dict[int, tuple[int, int]] = {}
_lock = threading.Lock()


def column_types(layer: LayerEntry) -> dict[str, str]:
    """PostgreSQL type of each column by name; empty when the table is not there."""
    if layer.past:
        return _column_types(layer.past.schema, layer.past.table, layer.data_version)
    return _column_types(*geodata_identifier(layer.table_name), layer.data_version)


@lru_cache(maxsize=2048)
def _column_types(schema: str, table: str, _data_version: int) -> dict[str, str]:
    statement = sql.SQL(queries("layers", "items")["columns"]).format()
    (found,) = read_row(statement, {"table": f'"{schema}"."{table}"'})
    return cast(dict[str, str], found)


def text_of(layer: LayerEntry, field: str) -> sql.Composable:
    """A value as text, numbers as a tile would write them."""
    if column_types(layer).get(field) == "numeric":
        return sql.SQL("{}::float8::text").format(column(field))
    return sql.SQL("{}::text").format(column(field))


def has_integer_id(layer: LayerEntry) -> bool:
    """Whether the identifier can be the feature id of a vector tile, which must be a whole number."""
    return column_types(layer).get(layer.id_field) in {"smallint", "integer", "bigint"}


def count_all(layer: LayerEntry) -> int:
    """How many features the layer has: exact, counted once per data version; each time for a live layer."""
    held = _counts.get(layer.id)
    if held is not None and held[0] == layer.data_version and not layer.is_live:
        return held[1]
    statement = sql.SQL(queries("layers", "items")["count_all"]).format(table=table_of(layer))
    (count,) = read_row(statement, {})
    with _lock:
        _counts[layer.id] = (layer.data_version, int(count))
    return int(count)
