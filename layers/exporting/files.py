"""File formats: written a block at a time into a temporary folder, which is gone with the answer."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from psycopg2 import sql

from layers.errors import BadQuery
from layers.exporting.arrow import Column, batches, columns_of, schema_of
from layers.exporting.gdal import gdal_type, write
from layers.exporting.rows import Source

SHAPEFILE_NAME, SHAPEFILE_TEXT = 10, 254
CHUNK = 256 * 1024
README = """\
Attributi di questo shapefile / Attributes of this shapefile

Nello shapefile un nome ha al massimo dieci caratteri e un testo {text} byte: i testi più lunghi sono troncati.
I testi sono in UTF-8, come dice il file .cpg. Gli altri formati (GeoPackage, GeoParquet) non hanno questi limiti.
In a shapefile a name has ten characters at most and a text {text} bytes: longer texts are cut.
Texts are in UTF-8, as the .cpg file says. Other formats (GeoPackage, GeoParquet) have no such limits.

nel file    nel catalogo
{lines}
"""


@contextmanager
def made_file(name: str, source: Source) -> Iterator[Path]:
    """The file of an export (`gpkg`, `shp`), there as long as the context is."""
    with TemporaryDirectory(prefix="geoportal-export-") as folder:
        yield FILES[name](source, Path(folder))


def file_export(name: str, source: Source) -> Iterator[bytes]:
    """The bytes of an export's file. Closing the iterator removes the file."""
    with made_file(name, source) as path, path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _gpkg(source: Source, folder: Path) -> Path:
    return _by_gdal(source, folder / f"{source.layer.slug}.gpkg", "GPKG", columns_of(source))


def _shp(source: Source, folder: Path) -> Path:
    slug, originals = source.layer.slug, columns_of(source)
    if gdal_type(source) == "Unknown":
        raise BadQuery("f", "a shapefile holds one type of geometry, this layer has another or several; use f=gpkg.")
    names = short_names([entry.name for entry in originals])
    columns = [_for_shapefile(entry, name) for entry, name in zip(originals, names, strict=True)]
    inner = folder / slug
    inner.mkdir()
    _by_gdal(source, inner / f"{slug}.shp", "ESRI Shapefile", columns, ENCODING="UTF-8")
    lines = "\n".join(f"{new.name:<12}{old.name}" for new, old in zip(columns, originals, strict=True))
    (inner / "LEGGIMI.txt").write_text(README.format(lines=lines, text=SHAPEFILE_TEXT), encoding="utf-8")
    packed = folder / f"{slug}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for path in sorted(inner.iterdir()):
            archive.write(path, path.name)
            path.unlink()
    return packed


def short_names(names: list[str]) -> list[str]:
    """Names of ten characters at most, each once: what would be cut to the same gets a number."""
    found: list[str] = []
    for name in names:
        short, number = name[:SHAPEFILE_NAME], 1
        while short in found:
            number += 1
            short = f"{name[: SHAPEFILE_NAME - 1 - len(str(number))]}_{number}"
        found.append(short)
    return found


def _for_shapefile(entry: Column, name: str) -> Column:
    if pa.types.is_timestamp(entry.type):
        entry = _as_text(entry)
    elif pa.types.is_boolean(entry.type):
        entry = replace(entry, type=pa.int16(), value=sql.SQL("({})::int").format(entry.value))
    return replace(entry, name=name)


def _as_text(entry: Column) -> Column:
    return replace(entry, type=pa.string(), value=sql.SQL("({})::text").format(entry.value))


class _Kept:
    """An iterator that remembers why it ended: GDAL tells only that it did."""

    def __init__(self, read: Generator[pa.RecordBatch]) -> None:
        self._read = read
        self.error: Exception | None = None

    def __iter__(self) -> _Kept:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            return next(self._read)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise

    def close(self) -> None:
        """End the query."""
        self._read.close()


def _by_gdal(source: Source, path: Path, driver: str, columns: list[Column], **options: str) -> Path:
    read = _Kept(batches(source, columns))
    reader = pa.RecordBatchReader.from_batches(schema_of(source, columns), read)
    try:
        write(reader, path, source, driver, **options)
    except Exception:
        if read.error is not None:
            raise read.error from None
        raise
    finally:
        read.close()  # GDAL may stop before the end: the query must not wait for it
    return path


FILES: dict[str, Callable[[Source, Path], Path]] = {
    "gpkg": _gpkg,
    "shp": _shp,
}
