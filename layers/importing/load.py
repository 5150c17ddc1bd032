"""Filling a new table of `geodata` from a source: one COPY, fed by a reading process, memory flat.

The table is made under a passing name and takes its own at the end, all inside the caller's transaction: whatever
fails leaves nothing behind. COPY runs while the reader makes the next batch, so the two cores work at once.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import psycopg2
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.sql import queries
from layers.importing.columns import Column
from layers.importing.errors import ImportRefused
from layers.importing.reader.client import RowFeed
from layers.models import geodata_identifier

SQL = queries("layers.importing", "load")
_COPY_BYTES = 256 * 1024
"""Handed to PostgreSQL at a time: with psycopg2's 8 kB a million rows take 30,000 calls."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A filled, indexed table under its passing name."""

    table: str
    geometries: tuple[str, ...]
    rows: int

    @property
    def has_3857(self) -> bool:
        return "geom_3857" in self.geometries


@dataclass(frozen=True, slots=True)
class TableShape:
    """What the new table looks like."""

    geometry_type: str
    """With its dimension suffix: POINT, MULTIPOLYGONZ …; empty for a table without places."""
    srid: int
    columns: list[Column]
    has_3857: bool

    @property
    def geometries(self) -> tuple[str, ...]:
        """The columns of geometry."""
        if not self.geometry_type:
            return ()
        return ("geom", "geom_3857") if self.has_3857 else ("geom",)


def load_table(feed: RowFeed, shape: TableShape) -> Loaded:
    """Create, fill, index and analyse a table. Must run inside a transaction. Raises ImportRefused, NeedsMulti."""
    name = f"import_{uuid.uuid4().hex[:16]}"
    table = sql.Identifier(*geodata_identifier(name))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(create_table(table, shape))
        names = [column.name for column in shape.columns]
        copy = sql.SQL(SQL["copy_into"]).format(
            table=table, columns=sql.SQL(", ").join(map(sql.Identifier, [*shape.geometries[:1], *names]))
        )
        try:
            cursor.copy_expert(copy.as_string(cursor.connection), feed, _COPY_BYTES)
        except psycopg2.Error as error:
            raise feed.failure or ImportRefused(_database_reason(error)) from error
        finish_table(cursor, name, table, shape)
    return Loaded(name, shape.geometries, feed.rows)


def create_table(table: sql.Identifier, shape: TableShape) -> sql.Composed:
    columns = sql.SQL("").join(
        sql.SQL(",\n    {} {}").format(sql.Identifier(column.name), sql.SQL(column.sql_type))
        for column in shape.columns
    )
    kinds = {(): "create_table_without_geometry", ("geom",): "create_table_without_copy"}
    statement = SQL[kinds.get(shape.geometries, "create_table")]
    return sql.SQL(statement).format(
        table=table, geometry_type=sql.SQL(shape.geometry_type), srid=sql.Literal(shape.srid), columns=columns
    )


def finish_table(cursor: object, name: str, table: sql.Identifier, shape: TableShape) -> None:
    # Indexes after the rows: building once is several times faster than growing.
    execute = cursor.execute  # type: ignore[attr-defined]
    execute(sql.SQL(SQL["add_key"]).format(table=table, name=sql.Identifier(f"{name}_pkey")))
    for column in shape.geometries:
        index = sql.Identifier(f"{name}_{column}")
        execute(sql.SQL(SQL["add_spatial_index"]).format(table=table, name=index, column=sql.Identifier(column)))
    execute(sql.SQL(SQL["analyze"]).format(table=table))


def take_name(loaded: Loaded, name: str) -> None:
    """Give the filled table its own name, which must be free, and its trigger."""
    old, new = sql.Identifier(*geodata_identifier(loaded.table)), sql.Identifier(*geodata_identifier(name))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["rename_table"]).format(table=old, name=sql.Identifier(name)))
        for part in ("pkey", *loaded.geometries):
            index = sql.Identifier(*geodata_identifier(f"{loaded.table}_{part}"))
            cursor.execute(sql.SQL(SQL["rename_constraint"]).format(table=index, name=sql.Identifier(f"{name}_{part}")))
        cursor.execute(sql.SQL(SQL["add_trigger"]).format(table=new))


def drop_table(loaded: Loaded) -> None:
    """Let go of a filled table that nobody needs."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*geodata_identifier(loaded.table))))


def _database_reason(error: psycopg2.Error) -> str:
    detail = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    return _("Il database non accetta i dati: %(detail)s") % {"detail": detail[:300]}
