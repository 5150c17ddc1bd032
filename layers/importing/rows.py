"""Batches of a source as the text that COPY reads (CSV, made by Arrow in C++). Runs in a reading process."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from layers.importing.columns import Column
from layers.importing.geometry import GeometryPlan
from layers.importing.sources import Batch
from layers.importing.texts import json_texts


def csv_rows(batch: Batch, columns: list[Column], plan: GeometryPlan | None) -> memoryview:
    """The geometry in hexadecimal WKB (None: none) and the columns in their order, one line a row, no header."""
    wkb = batch.wkb.combine_chunks() if isinstance(batch.wkb, pa.ChunkedArray) else batch.wkb
    arrays = [plan.hex_wkb(wkb)] if plan else []
    arrays += [_cell_texts(batch.attributes.column(column.source), column) for column in columns]
    table = pa.Table.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])
    out = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, out, pyarrow.csv.WriteOptions(include_header=False))
    return memoryview(out.getvalue())


def _cell_texts(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        values = values.cast(kind.value_type)
        kind = values.type
    if pa.types.is_nested(kind):
        return json_texts(values)
    if pa.types.is_floating(kind):
        # NaN is no value in JSON, nor in a class of a style.
        return pc.if_else(pc.is_finite(values), values, pa.scalar(None, type=kind))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # PostgreSQL's text cannot hold NUL.
        return pc.replace_substring(values, "\0", "")
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    return values
