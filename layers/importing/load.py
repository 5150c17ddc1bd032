"""Filling a new table of `geodata` from a source: one COPY, fed by a reader thread, memory flat.

The table is made under a passing name and takes its own at the end, all inside the caller's transaction: whatever
fails leaves nothing behind. COPY runs while the next batch is read, so the two cores work at once.
"""

from __future__ import annotations

import io
import queue
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.sql import queries
from layers.importing.columns import Column
from layers.importing.errors import ImportRefused
from layers.importing.geometry import GeometryPlan
from layers.importing.sources import Batch, VectorSource
from layers.importing.texts import json_texts
from layers.models import geodata_identifier

SQL = queries("layers.importing", "load")
_QUEUED_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Loaded:
    """A filled, indexed table under its passing name."""

    table: str
    has_3857: bool
    rows: int


@dataclass(frozen=True, slots=True)
class TableShape:
    """What the new table looks like."""

    geometry_type: str
    """With its dimension suffix: POINT, MULTIPOLYGONZ …"""
    srid: int
    columns: list[Column]
    has_3857: bool


def load_table(source: VectorSource, shape: TableShape, plan: GeometryPlan, progress: Callable[[int], None]) -> Loaded:
    """Create, fill, index and analyse a table. Must run inside a transaction. Raises ImportRefused, NeedsMulti."""
    name = f"import_{uuid.uuid4().hex[:16]}"
    table = sql.Identifier(*geodata_identifier(name))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_create(table, shape))
        names = [column.name for column in shape.columns]
        copy = sql.SQL(SQL["copy_into"]).format(
            table=table, columns=sql.SQL(", ").join(map(sql.Identifier, ["geom", *names]))
        )
        with source.batches() as batches:
            feed = CsvFeed(batches, lambda batch: _csv(batch, shape.columns, plan), progress)
            try:
                cursor.copy_expert(copy.as_string(cursor.connection), feed)
            except psycopg2.Error as error:
                raise feed.failure or ImportRefused(_database_reason(error)) from error
            finally:
                feed.close()
        _finish(cursor, name, table, shape)
    return Loaded(name, shape.has_3857, feed.rows)


def _create(table: sql.Identifier, shape: TableShape) -> sql.Composed:
    columns = sql.SQL("").join(
        sql.SQL(",\n    {} {}").format(sql.Identifier(column.name), sql.SQL(column.sql_type))
        for column in shape.columns
    )
    statement = SQL["create_table" if shape.has_3857 else "create_table_without_copy"]
    return sql.SQL(statement).format(
        table=table, geometry_type=sql.SQL(shape.geometry_type), srid=sql.Literal(shape.srid), columns=columns
    )


def _finish(cursor: object, name: str, table: sql.Identifier, shape: TableShape) -> None:
    # Indexes after the rows: building once is several times faster than growing.
    execute = cursor.execute  # type: ignore[attr-defined]
    execute(sql.SQL(SQL["add_key"]).format(table=table, name=sql.Identifier(f"{name}_pkey")))
    for column in ("geom", "geom_3857") if shape.has_3857 else ("geom",):
        index = sql.Identifier(f"{name}_{column}")
        execute(sql.SQL(SQL["add_spatial_index"]).format(table=table, name=index, column=sql.Identifier(column)))
    execute(sql.SQL(SQL["analyze"]).format(table=table))


def take_name(loaded: Loaded, name: str) -> None:
    """Give the filled table its own name, replacing the one that had it, and its trigger."""
    old, new = sql.Identifier(*geodata_identifier(loaded.table)), sql.Identifier(*geodata_identifier(name))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["drop_table"]).format(table=new))
        cursor.execute(sql.SQL(SQL["rename_table"]).format(table=old, name=sql.Identifier(name)))
        for part in ("pkey", "geom", "geom_3857") if loaded.has_3857 else ("pkey", "geom"):
            index = sql.Identifier(*geodata_identifier(f"{loaded.table}_{part}"))
            cursor.execute(sql.SQL(SQL["rename_constraint"]).format(table=index, name=sql.Identifier(f"{name}_{part}")))
        cursor.execute(sql.SQL(SQL["add_trigger"]).format(table=new))


def _database_reason(error: psycopg2.Error) -> str:
    detail = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    return _("Il database non accetta i dati: %(detail)s") % {"detail": detail[:300]}


class CsvFeed(io.RawIOBase):
    """What COPY reads from: CSV bytes made batch by batch on a thread, at most two batches ahead."""

    def __init__(
        self, batches: Iterator[Batch], encode: Callable[[Batch], bytes], progress: Callable[[int], None]
    ) -> None:
        self.rows = 0
        self.failure: BaseException | None = None
        self._batches, self._encode, self._progress = batches, encode, progress
        self._queue: queue.Queue[tuple[bytes, int] | None] = queue.Queue(_QUEUED_BATCHES)
        self._stop = threading.Event()
        self._buffer = memoryview(b"")
        self._thread = threading.Thread(target=self._produce, name="import-reader", daemon=True)
        self._thread.start()

    def read(self, size: int = -1) -> bytes:
        """The next bytes for COPY, b"" at the end. Raises what the reading thread met."""
        while not self._buffer:
            item = self._queue.get()
            if item is None:
                if self.failure is not None:
                    raise self.failure
                return b""
            self._buffer = memoryview(item[0])
            self.rows += item[1]
            try:
                self._progress(self.rows)
            except BaseException as error:
                self.failure = error
                raise
        size = len(self._buffer) if size < 0 else size
        chunk, self._buffer = self._buffer[:size], self._buffer[size:]
        return bytes(chunk)

    def close(self) -> None:
        """Stop the reading thread, also when COPY gave up half-way."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except queue.Empty:
                continue
        super().close()

    def _produce(self) -> None:
        try:
            for batch in self._batches:
                if self._stop.is_set():
                    return
                self._queue.put((self._encode(batch), batch.attributes.num_rows))
        except BaseException as error:  # handed to the thread that reads
            self.failure = error
        finally:
            self._queue.put(None)


def _csv(batch: Batch, columns: list[Column], plan: GeometryPlan) -> bytes:
    wkb = batch.wkb.combine_chunks() if isinstance(batch.wkb, pa.ChunkedArray) else batch.wkb
    arrays = [plan.hex_wkb(wkb)]
    arrays += [_cell_texts(batch.attributes.column(column.source), column) for column in columns]
    table = pa.Table.from_arrays(arrays, names=[str(number) for number in range(len(arrays))])
    out = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, out, pyarrow.csv.WriteOptions(include_header=False))
    return bytes(out.getvalue())


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
