"""File formats: written a block at a time into a temporary folder, which is gone with the answer."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
from psycopg2 import sql
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import write_arrow

from layers.crs import CRS84
from layers.errors import BadQuery
from layers.exporting.arrow import GEOMETRY, Column, batches, columns_of, schema_of
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

_GDAL_ERRORS = (CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, pa.ArrowInvalid)
_GDAL_TYPES = {
    name.upper().replace(" ", ""): name
    for name in ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
}


@contextmanager
def made_file(name: str, source: Source) -> Iterator[Path]:
    """The file of an export (`gpkg`, `shp`, `fgb`, `parquet`, `kml`), there as long as the context is.

    Raises BadQuery when the format cannot hold the layer.
    """
    with TemporaryDirectory(prefix="geoportal-export-") as folder:
        try:
            path = _MAKERS[name](source, Path(folder))
        except _GDAL_ERRORS as error:
            raise BadQuery("f", f"these features cannot be written as {name}: {str(error)[:200]}") from error
        yield path


def file_export(name: str, source: Source) -> Iterator[bytes]:
    """The bytes of an export's file. Closing the iterator removes the file."""
    with made_file(name, source) as path, path.open("rb") as file:
        while part := file.read(CHUNK):
            yield part


def _gpkg(source: Source, folder: Path) -> Path:
    return _by_gdal(source, folder / f"{source.layer.slug}.gpkg", "GPKG", columns_of(source))


def _fgb(source: Source, folder: Path) -> Path:
    # The index is made from a copy: beside the target, not in memory.
    path = folder / f"{source.layer.slug}.fgb"
    return _by_gdal(source, path, "FlatGeobuf", columns_of(source), TEMPORARY_DIR=str(folder))


def _kml(source: Source, folder: Path) -> Path:
    kept = {pa.int64(), pa.float64(), pa.string()}
    columns = [entry if entry.type in kept else _as_text(entry) for entry in columns_of(source)]
    return _by_gdal(source, folder / f"{source.layer.slug}.kml", "KML", columns)


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
    place: dict[str, Any] = {}
    if source.has_geometry:
        place = {"geometry_name": GEOMETRY, "geometry_type": gdal_type(source), "crs": _authority(source)}
    try:
        write_arrow(reader, path, layer=source.layer.slug, driver=driver, **place, layer_options=options)
    except Exception:
        if read.error is not None:
            raise read.error from None
        raise
    finally:
        read.close()  # GDAL may stop before the end: the query must not wait for it
    return path


def gdal_type(source: Source) -> str:
    """The geometry type as GDAL spells it; "Unknown" for mixed or rare ones."""
    kind = source.layer.geometry_type.upper().replace(" ", "").removesuffix("M").removesuffix("Z")
    found = _GDAL_TYPES.get(kind, "Unknown")
    return f"{found} Z" if source.layer.has_z and found != "Unknown" else found


def _authority(source: Source) -> str:
    return f"EPSG:{source.query.crs.srid}"


def _parquet(source: Source, folder: Path) -> Path:
    """GeoParquet 1.1: WKB, easting first, the CRS as PROJJSON (left out for the default, CRS84)."""
    path, columns = folder / f"{source.layer.slug}.parquet", columns_of(source)
    schema = schema_of(source, columns)
    if source.has_geometry:
        kind = gdal_type(source)
        about: dict[str, Any] = {"encoding": "WKB", "geometry_types": [] if kind == "Unknown" else [kind]}
        if source.query.crs.uri != CRS84:
            about["crs"] = pyproj.CRS.from_epsg(source.query.crs.srid).to_json_dict()
        geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: about}}
        schema = schema.with_metadata({"geo": json.dumps(geo)})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches(source, columns):
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
    return path


_MAKERS: dict[str, Callable[[Source, Path], Path]] = {
    "gpkg": _gpkg,
    "fgb": _fgb,
    "kml": _kml,
    "shp": _shp,
    "parquet": _parquet,
}
