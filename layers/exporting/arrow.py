"""Features as Arrow record batches: what file formats are written from, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from layers.columns import has_integer_id
from layers.exporting.rows import Source, blocks
from layers.filters import column
from layers.models import Field

GEOMETRY = "geom"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: its name there, its Arrow type, and the SQL of its values."""

    name: str
    type: pa.DataType
    value: sql.Composable


_TYPES: dict[str, tuple[Callable[[], pa.DataType], str]] = {
    Field.Type.STRING: (pa.string, "{}::text"),
    Field.Type.INTEGER: (pa.int64, "{}::bigint"),
    Field.Type.NUMBER: (pa.float64, "{}::float8"),
    Field.Type.BOOLEAN: (pa.bool_, "{}"),
    Field.Type.DATE: (pa.date32, "{}::date"),
    Field.Type.DATETIME: (lambda: pa.timestamp("us", tz="UTC"), "{}::timestamptz"),
    Field.Type.JSON: (pa.string, "{}::text"),
}


def columns_of(source: Source) -> list[Column]:
    """The identifier and the attributes asked for. An identifier that is not an integer goes as text."""
    layer = source.layer
    kinds = {entry.name: entry.type for entry in layer.fields}
    found = []
    for name in source.names:
        kind = kinds.get(name) or (Field.Type.INTEGER if has_integer_id(layer) else Field.Type.STRING)
        type_, value = _TYPES[kind]
        found.append(Column(name, type_(), sql.SQL(value).format(column(name))))
    return found


def geometry_value(source: Source) -> sql.Composable:
    """The geometry in the CRS asked for, easting or longitude first as files keep it, as WKB."""
    layer, crs = source.layer, source.query.crs
    shape: sql.Composable = column(layer.geometry_field)
    if (layer.srid or 4326) != crs.srid:
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(crs.srid))
    return sql.SQL("ST_AsBinary({})").format(shape)


def batches(source: Source, columns: list[Column]) -> Generator[pa.RecordBatch]:
    """The features as record batches; the geometry comes last, as WKB, when the layer has one."""
    values = [entry.value for entry in columns]
    if source.has_geometry:
        values.append(geometry_value(source))
    schema = schema_of(source, columns)
    for rows in blocks(source, sql.SQL(", ").join(values)):
        arrays = [
            pa.array(_plain(cells), type=entry.type)
            for entry, cells in zip(schema, zip(*rows, strict=True), strict=True)
        ]
        yield pa.record_batch(arrays, schema=schema)


def schema_of(source: Source, columns: list[Column]) -> pa.Schema:
    fields = [pa.field(entry.name, entry.type) for entry in columns]
    if source.has_geometry:
        # GDAL finds the geometry of an Arrow stream by this mark.
        mark = {"ARROW:extension:name": "geoarrow.wkb"}
        fields.append(pa.field(GEOMETRY, pa.binary(), metadata=mark))
    return pa.schema(fields)


def _plain(cells: tuple[Any, ...]) -> list[Any]:
    return [bytes(cell) if isinstance(cell, memoryview) else cell for cell in cells]
