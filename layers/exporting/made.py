"""The bytes of features in any format, made by what knows it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from layers.errors import BadQuery
from layers.exporting.files import FILES, file_export
from layers.exporting.flatgeobuf import fgb_export
from layers.exporting.gdal import GDAL_ERRORS
from layers.exporting.kml import kml_export
from layers.exporting.parquet import parquet_export
from layers.exporting.rows import Source
from layers.exporting.text import text_export

_STREAMED: dict[str, Callable[[Source], Iterator[bytes]]] = {
    "fgb": fgb_export,
    "kml": kml_export,
    "parquet": parquet_export,
}


def made(name: str, source: Source) -> Generator[bytes]:
    """The bytes of an export, part by part. Closing the iterator ends the query and removes what was written.

    Raises BadQuery when the format cannot hold the features.
    """
    try:
        yield from _parts(name, source)
    except GDAL_ERRORS as error:
        raise BadQuery("f", f"these features cannot be written as {name}: {str(error)[:200]}") from error


def _parts(name: str, source: Source) -> Iterator[bytes]:
    if name in _STREAMED:
        return _STREAMED[name](source)
    return file_export(name, source) if name in FILES else text_export(name, source)
