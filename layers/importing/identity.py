"""Features that stay themselves when the table of a layer is replaced by another, told by a key."""

from __future__ import annotations

from django.db import connection
from psycopg2 import sql

from geoportal.sql import queries
from layers.models import Layer, geodata_identifier
from layers.versions.past import columns_at

SQL = queries("layers.importing", "identity")


def keep_identity(layer: Layer, table: str, key: tuple[str, ...]) -> int:
    """Give the rows of a loaded table the identifiers that the rows of the same key have in the layer's.

    Rows whose key is not unique on both sides get new identifiers, above all of either table. Returns how many kept
    theirs; 0 where one side has not all columns of the key.
    """
    old, new = geodata_identifier(layer.table_name), geodata_identifier(table)
    if not all(set(key) <= {name for name, _kind in columns_at(*one)} for one in (old, new)):
        return 0
    parts = {
        "old": sql.Identifier(*old),
        "new": sql.Identifier(*new),
        "id": sql.Identifier(layer.id_field),
        "key": sql.SQL("ROW({})::text").format(sql.SQL(", ").join(map(sql.Identifier, key))),
    }
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["lift"]).format(**parts))
        cursor.execute(sql.SQL(SQL["keep"]).format(**parts))
        kept: int = cursor.rowcount
        cursor.execute(sql.SQL(SQL["go_on"]).format(**parts), {"table": '"{}"."{}"'.format(*new)})
    return kept
