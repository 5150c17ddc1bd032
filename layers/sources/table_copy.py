"""A foreign table copied on a schedule: every row as GeoParquet, so that a slow office database slows no map.

What the reading needs stands in the database only while it lasts: the foreign table is made, read and taken back in
one transaction, in the thread of its source, so that a silent server holds the job no longer than a harvest may take.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2 import sql

from layers.models import Field
from layers.sources import bounded, foreign
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.models import Source
from layers.sources.remote_table import SQL, Attribute, Geometry, Shape, geometry_of

if TYPE_CHECKING:
    from layers.sources.harvest import Asked

ROWS = 5000
GEOMETRY = "geometry"
Type = Field.Type
_ARROW: dict[Type, pa.DataType] = {
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.DATETIME: pa.timestamp("us", tz="UTC"),
}
_CAST = {Type.INTEGER: "bigint", Type.NUMBER: "double precision", Type.BOOLEAN: "boolean", Type.DATE: "date",
         Type.DATETIME: "timestamptz"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """What is read: columns by safe name, and the geometry."""

    fields: dict[str, Attribute]
    geometry: Geometry
    order: tuple[str, ...]
    """Columns over there that tell rows apart."""
    keys: tuple[str, ...]
    """Safe names of them; none where they only number the rows."""

    @property
    def schema(self) -> pa.Schema:
        columns = [(name, _ARROW.get(one.field_type, pa.string())) for name, one in self.fields.items()]
        geo = {"version": "1.0.0", "primary_column": GEOMETRY,
               "columns": {GEOMETRY: {"encoding": "WKB", "geometry_types": []}}}  # fmt: skip
        return pa.schema([*columns, (GEOMETRY, pa.binary())], metadata={b"geo": json.dumps(geo).encode()})

    def statement(self, source: Source) -> sql.Composed:
        parts = [
            sql.SQL("({})::{}").format(one.expression, sql.SQL(_CAST.get(one.field_type, "text")))
            for one in self.fields.values()
        ]
        return sql.SQL(SQL["read_rows"]).format(
            columns=sql.SQL(", ").join(parts),
            geometry=self.geometry.expression,
            table=foreign.table_of_source(source),
            key=sql.SQL(", ").join(sql.Identifier(name) for name in self.order),
        )


def fetch_table(asked: Asked) -> tuple[Path, str, str, str, int | None, tuple[str, ...]]:
    """The file, no ETag and date, no layer's name, the EPSG code and the key. Raises SourceRefused and SourceFailed."""
    source, path = asked.source, asked.folder / "harvest.parquet"
    limit_ms = round(asked.budget.left_s * 1000)
    table = bounded.call(source.pk, limit_ms, lambda: _written(source, path, limit_ms))
    return path, "", "", "", table.geometry.srid, table.keys


def _written(source: Source, path: Path, limit_ms: int) -> _Table:
    try:
        with transaction.atomic():
            table = _described(source, foreign.laid(source, limit_ms))
            _write(source, table, path)
            transaction.set_rollback(True)
    except (DatabaseError, psycopg2.Error) as error:
        raise SourceFailed(foreign.database_reason(error)) from error
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise SourceFailed(_("Una riga non si legge: %(error)s") % {"error": str(error)[:200]}) from error
    return table


def _described(source: Source, shape: Shape) -> _Table:
    geometry = geometry_of(shape, source.options)
    if geometry is None:
        raise SourceRefused(
            _("Si copiano tabelle con una geometria: questa non ne ha, si può leggere a ogni richiesta.")
        )
    asked = [name.strip() for name in str(source.options.get("id_field", "")).split(",")]
    order = tuple(shape.key(name).name for name in asked)
    fields = dict(shape.fields)
    if foreign.numbers_rows(source):
        # The number of a row says nothing of what the row tells of, and another one is no change.
        fields = {name: one for name, one in fields.items() if not one.is_key}
    keys = tuple(name for name, one in fields.items() if one.name in order)
    return _Table(fields, geometry, order, keys)


def _write(source: Source, table: _Table, path: Path) -> None:
    # A named cursor: the rows come in blocks, and none is held longer than its block.
    with (
        connection.connection.cursor(name=f"copy_{source.pk}") as cursor,
        pq.ParquetWriter(path, table.schema, compression="zstd") as writer,
    ):
        cursor.itersize = ROWS
        cursor.execute(table.statement(source))
        while rows := cursor.fetchmany(ROWS):
            writer.write_batch(_batch(rows, table.schema))
            if path.stat().st_size > source.max_megabytes * 2**20:
                raise SourceFailed(_("La risposta supera la dimensione massima."))


def _batch(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.array([bytes(value) if isinstance(value, memoryview) else value for value in values], type=kind)
        for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
