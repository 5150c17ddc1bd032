"""GeoParquet 1.1: the groups of rows leave as they are written, the table of contents follows at the end."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from layers.crs import CRS84
from layers.exporting.arrow import GEOMETRY, batches, columns_of, schema_of
from layers.exporting.gdal import gdal_type
from layers.exporting.rows import Source

GROUP = 10
"""Blocks in a group of rows: a reader skips groups by their statistics, and small ones compress badly."""


def parquet_export(source: Source) -> Iterator[bytes]:
    """The bytes of a GeoParquet file."""
    columns, sink = columns_of(source), BytesIO()
    schema = schema_of(source, columns)
    if source.has_geometry:
        schema = schema.with_metadata({"geo": json.dumps(_geo(source))})
    with closing(batches(source, columns)) as read, pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        taken = 1  # the first block is small, and a group of its own: nobody waits for the others
        while group := list(itertools.islice(read, taken)):
            writer.write_table(pa.Table.from_batches(group).replace_schema_metadata(schema.metadata))
            yield _taken(sink)
            taken = GROUP
        writer.close()
    yield _taken(sink)


def _geo(source: Source) -> dict[str, Any]:
    """What the file says of its geometry: WKB, easting first, the CRS as PROJJSON (left out for the default, CRS84)."""
    kind = gdal_type(source)
    about: dict[str, Any] = {"encoding": "WKB", "geometry_types": [] if kind == "Unknown" else [kind]}
    if source.query.crs.uri != CRS84:
        about["crs"] = pyproj.CRS.from_epsg(source.query.crs.srid).to_json_dict()
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: about}}


def _taken(sink: BytesIO) -> bytes:
    """What was written since the last time; the writer counts by itself how far it is."""
    found = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return found
