"""FlatGeobuf without index: one header, then the features of each block as GDAL encodes them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO

import pyarrow as pa

from layers.exporting.arrow import batches, columns_of, schema_of
from layers.exporting.gdal import write
from layers.exporting.rows import Source

_MAGIC = 8
_ENVELOPE = 1
"""The position of `envelope` among the fields of the table Header in the format's schema (header.fbs)."""


def fgb_export(source: Source) -> Iterator[bytes]:
    """The bytes of a FlatGeobuf.

    A feature's bytes depend on the columns and the type of the geometry alone, which are the same for all blocks.
    How many features come and how far they reach is unknown at the header: it says neither, as the format allows.
    """
    columns = columns_of(source)
    schema = schema_of(source, columns)
    written = _written(source, schema, [])
    head = _without_envelope(written[: _features_at(written)])
    with closing(batches(source, columns)) as read:
        for batch in read:
            written = _written(source, schema, [batch])
            yield head + written[_features_at(written) :]
            head = b""
    if head:
        yield head


def _written(source: Source, schema: pa.Schema, found: list[pa.RecordBatch]) -> bytes:
    file = BytesIO()
    write(pa.RecordBatchReader.from_batches(schema, found), file, source, "FlatGeobuf", SPATIAL_INDEX="NO")
    return file.getvalue()


def _features_at(file: bytes) -> int:
    """Where the header ends: its length follows the magic bytes."""
    (length,) = struct.unpack_from("<I", file, _MAGIC)
    return _MAGIC + 4 + int(length)


def _without_envelope(head: bytes) -> bytes:
    """The header with its envelope marked absent in the table of fields: GDAL writes one of NaN for no features."""
    found = bytearray(head)
    root = _MAGIC + 4
    table = root + struct.unpack_from("<I", found, root)[0]
    fields = table - struct.unpack_from("<i", found, table)[0]
    (size,) = struct.unpack_from("<H", found, fields)
    entry = 4 + 2 * _ENVELOPE  # behind the sizes of this list and of the table
    if entry < size:
        struct.pack_into("<H", found, fields + entry, 0)
    return bytes(found)
