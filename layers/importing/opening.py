"""The source layers of a file, each with its way of being opened. Runs in a reading process."""

from __future__ import annotations

import contextlib
import gzip
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from layers.importing import archives
from layers.importing.detect import SHEETS, FileKind, detect
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.geopackage import endless_views, refusal
from layers.importing.geoparquet import GeoParquetSource
from layers.importing.options import LIMITS
from layers.importing.sheets import Cells, SheetSource, sheets_of
from layers.importing.sources import VectorSource
from layers.importing.tabular import CsvSource
from layers.importing.transcoding import in_utf8


@dataclass(frozen=True, slots=True)
class Opener:
    """One source layer not opened yet: its name is known, its reading may still fail."""

    layer: str
    title: str
    open: Callable[[int | None, str], VectorSource]
    """Inspect the layer, with the EPSG code and the encoding that the person chose (None, "": found out)."""
    open_table: Callable[[str], VectorSource] | None = None
    """The same for rows without places, where the format is one of tables."""


def openers(path: Path, kind: FileKind, stem: str, folder: Path) -> Iterator[Opener]:
    """The source layers of a file; an archive is taken apart into `folder` first. Raises ImportRefused."""
    if kind is FileKind.CSV:
        yield Opener(stem, stem, partial(_csv, path, stem), partial(_csv, path, stem, None, is_table=True))
    elif kind in SHEETS:
        yield from _sheets(path, kind, stem)
    elif kind is FileKind.MVT:
        yield from _tile(path, stem, folder)
    elif kind is FileKind.GEOPARQUET:
        yield Opener(stem, stem, lambda srid, _encoding: GeoParquetSource(path, name=stem, srid=srid))
    elif kind is FileKind.GTFS:
        stops = archives.extract_one(path, ["stops.txt"], folder)[0]
        yield Opener("stops", f"{stem} stops", partial(_csv, stops, "stops"))
    elif kind is FileKind.SHAPEFILE_ZIP:
        shapes = archives.extract_shapefiles(path, folder)
        for name, shape in shapes:
            title = stem if len(shapes) == 1 else f"{stem} {name}"
            yield Opener(name, title, partial(_ogr, shape, FileKind.SHAPEFILE, shape.stem, name))
    elif kind is FileKind.SHAPEFILE and not path.with_suffix(".shx").exists():
        for part in map(path.with_suffix, archives.SHAPE_PARTS):
            if part.exists():
                shutil.copyfile(part, folder / part.name)
        yield from _by_gdal(folder / path.name, kind, stem)
    elif kind is FileKind.FILE_GEODATABASE:
        for database in archives.extract_geodatabase(path, folder):
            yield from _by_gdal(database, kind, stem)
    elif kind is FileKind.KMZ:
        document, found = in_utf8(_document(path, folder), FileKind.KML, folder / "testo.kml")
        yield from _by_gdal(document, FileKind.KML, stem, text=found)
    elif kind is FileKind.GML:
        # GDAL writes what it found out beside the file: not into the person's folder.
        copy, found = in_utf8(path, kind, folder / "copia.gml")
        if copy == path:
            copy = Path(shutil.copyfile(path, folder / "copia.gml"))
        yield from _by_gdal(copy, kind, stem, text=found)
    else:
        copy, found = in_utf8(path, kind, folder / f"testo{path.suffix.lower()}")
        yield from _by_gdal(copy, kind, stem, text=found, original=path)


def _document(path: Path, folder: Path) -> Path:
    """The KML inside a KMZ, looked at as any file."""
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if not archives.is_shadow(name)]
    names = [name.rsplit("/", 1)[-1].lower() for name in members if name.lower().endswith(".kml")]
    name = "doc.kml" if "doc.kml" in names else sorted(names)[0]
    if not re.fullmatch(r"[\w. -]{1,100}", name):
        raise ImportRefused(_("Il KML dentro il KMZ ha un nome che non si accetta: chiamarlo doc.kml."))
    document = archives.extract_one(path, [name], folder)[0]
    if detect(document) is not FileKind.KML:
        raise ImportRefused(_("Il KMZ non contiene un KML."))
    return document


def _sheets(path: Path, kind: FileKind, stem: str) -> Iterator[Opener]:
    """The sheets that have coordinates; where none has, all of them."""
    found = {}
    sheets = sheets_of(path, is_open_document=kind is FileKind.ODS)
    for name, cells in sheets.items():
        with contextlib.suppress(ImportRefused):
            SheetSource(path, name, cells)
            found[name] = cells
    if not sheets:
        raise ImportRefused(_("Il foglio di calcolo non contiene righe."))
    found = found or sheets
    for name, cells in found.items():
        title = stem if len(found) == 1 else f"{stem} {name}"
        as_table = partial(_sheet, path, name, cells, None, is_table=True)
        yield Opener(name, title, partial(_sheet, path, name, cells), as_table)


def _sheet(
    path: Path, name: str, cells: Cells, srid: int | None, _encoding: str, *, is_table: bool = False
) -> VectorSource:
    return SheetSource(path, name, cells, srid=srid, is_table=is_table)


def _tile(path: Path, stem: str, folder: Path) -> Iterator[Opener]:
    """The layers of one vector tile, whose place its name tells: zoom, column, row."""
    place = re.search(r"(?<!\d)(\d{1,2})[-_./ ](\d{1,8})[-_./ ](\d{1,8})$", stem)
    if place is None:
        raise ImportRefused(
            _("Una tessera MVT non dice dove sta: il nome deve finire con zoom, colonna e riga, come 14-8651-5894.mvt.")
        )
    z, x, y = map(int, place.groups())
    copy = folder / "tessera.mvt"
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as stream, copy.open("xb") as out:
        try:
            data = stream.read(LIMITS.tile_bytes + 1)
        except (OSError, EOFError) as error:
            raise ImportRefused(_("Il file gzip è rovinato: %(error)s") % {"error": error}) from error
        if len(data) > LIMITS.tile_bytes:
            raise ImportRefused(_("Il file estratto supera la dimensione massima ammessa."))
        out.write(data)
    yield from _by_gdal(copy, FileKind.MVT, stem, opened_with={"Z": z, "X": x, "Y": y})


def _by_gdal(path: Path, kind: FileKind, stem: str, **how: Any) -> Iterator[Opener]:
    # GDAL comes last and here: a reader chooses its drivers before the first import.
    from layers.importing.ogr import layer_names

    endless = endless_views(path) if kind is FileKind.GEOPACKAGE else set()
    names = layer_names(path, kind)
    for name in names:
        title = stem if len(names) == 1 else f"{stem} {name}"
        if name.lower() in endless:
            yield Opener(name, title, partial(_refused_view, name))
            continue
        yield Opener(name, title, partial(_ogr, path, kind, name, name, **how))


def _refused_view(name: str, _srid: int | None, _encoding: str) -> VectorSource:
    raise refusal(name)


def _csv(path: Path, name: str, srid: int | None, encoding: str, *, is_table: bool = False) -> VectorSource:
    return CsvSource(path, name=name, srid=srid, encoding=encoding, is_table=is_table)


def _ogr(
    path: Path,
    kind: FileKind,
    layer: str,
    name: str,
    srid: int | None,
    encoding: str,
    *,
    opened_with: dict[str, int] | None = None,
    text: FoundEncoding | None = None,
    original: Path | None = None,
) -> VectorSource:
    """`text`: the encoding that `path` was made from; `original`: what to make it from again when another is chosen."""
    from layers.importing.ogr import OgrSource

    if text and original and encoding:
        path, text = in_utf8(original, kind, path.with_stem("scelto"), encoding)
    source = OgrSource(path, kind, layer, name=name, srid=srid, encoding=encoding, opened_with=opened_with)
    source.encoding = source.encoding or text
    return source
