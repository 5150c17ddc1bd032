"""The source layers of a file, each with its way of being opened. Runs in a reading process."""

from __future__ import annotations

import contextlib
import gzip
import re
import shutil
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
from layers.importing.zipped import Member

_SUFFIXES = {FileKind.GML: ".gml", FileKind.KML: ".kml", FileKind.GEOPACKAGE: ".gpkg"}
"""Where GDAL's drivers want the right name too, whatever the file was called."""
_OPENED_AS_ARCHIVES = {".zip", ".kmz", ".gz", ".tgz", ".tar", ".7z", ".rar", ".shz"}
"""Under these names GDAL looks for an archive, whatever the bytes are."""


@dataclass(frozen=True, slots=True)
class Opener:
    """One source layer not opened yet: its name is known, its reading may still fail."""

    layer: str
    title: str
    open: Callable[[int | None, str], VectorSource]
    """Inspect the layer, with the EPSG code and the encoding that the person chose (None, "": found out)."""
    open_table: Callable[[str], VectorSource] | None = None
    """The same for rows without places, where the format leaves it to the person."""
    is_extra: bool = False
    """Whether it goes in only when it is asked for: a table beside layers that have places."""


def openers(member: Member, folder: Path, notes: list[str]) -> Iterator[Opener]:
    """The source layers of a file; `notes` gets what is left out. Raises ImportRefused."""
    path, kind, stem = member.path, member.kind, member.title or member.stem
    if kind is FileKind.CSV:
        yield Opener(member.stem, stem, partial(_csv, path, member.stem), partial(_csv_table, path, member.stem))
    elif kind in SHEETS:
        yield from _sheets(path, kind, stem, notes)
    elif kind is FileKind.MVT:
        yield from _tile(path, member.stem, folder)
    elif kind is FileKind.GEOPARQUET:
        yield Opener(stem, stem, lambda srid, _encoding: GeoParquetSource(path, name=stem, srid=srid))
    elif kind is FileKind.GTFS:
        stops = archives.extract_one(path, ["stops.txt"], folder)[0]
        yield Opener("stops", f"{stem} stops", partial(_csv, stops, "stops"))
    elif kind is FileKind.SHAPEFILE:
        yield from _shapefile(member, folder)
    elif kind is FileKind.KMZ:
        document, found = in_utf8(_document(path, folder, notes), FileKind.KML, folder / "testo.kml")
        yield from _by_gdal(document, FileKind.KML, stem, text=found)
    else:
        copy, found = in_utf8(path, kind, folder / f"testo{path.suffix.lower()}")
        # GDAL writes what it found out beside a GML, not into the person's folder; and it goes by the other names.
        suffix = _SUFFIXES.get(kind, ".dati" if copy.suffix.lower() in _OPENED_AS_ARCHIVES else "")
        original = None if kind is FileKind.GML else path
        if suffix and (copy.suffix.lower() != suffix or (kind is FileKind.GML and copy == path)):
            copy = Path(shutil.copyfile(copy, folder / f"copia{suffix}"))
        yield from _by_gdal(copy, kind, stem, text=found, original=original)


def _shapefile(member: Member, folder: Path) -> Iterator[Opener]:
    path, name = member.path, member.stem
    if member.is_copy:
        yield Opener(name, member.title or name, partial(_ogr, path, FileKind.SHAPEFILE, path.stem, name))
        return
    if not path.with_suffix(".shx").exists():
        # Its index is made, beside it.
        for part in map(path.with_suffix, archives.SHAPE_PARTS):
            if part.exists():
                shutil.copyfile(part, folder / part.name)
        path = folder / path.name
    yield from _by_gdal(path, FileKind.SHAPEFILE, name)


def _document(path: Path, folder: Path, notes: list[str]) -> Path:
    """The KML inside a KMZ, looked at as any file."""
    members = [name for name in archives.names_of(path) if name.lower().endswith(".kml")]
    names = sorted(name.rsplit("/", 1)[-1].lower() for name in members)
    name = "doc.kml" if "doc.kml" in names else names[0]
    if len(names) > 1:
        left = ", ".join(one for one in names if one != name)[:300]
        notes.append(_("altri KML nel KMZ, non letti: %(names)s") % {"names": left})
    if not re.fullmatch(r"[\w. -]{1,100}", name):
        raise ImportRefused(_("Il KML dentro il KMZ ha un nome che non si accetta: chiamarlo doc.kml."))
    document = archives.extract_one(path, [name], folder)[0]
    if detect(document) is not FileKind.KML:
        raise ImportRefused(_("Il KMZ non contiene un KML."))
    return document


def _sheets(path: Path, kind: FileKind, stem: str, notes: list[str]) -> Iterator[Opener]:
    """The sheets that have coordinates, then those that are tables without."""
    placed: set[str] = set()
    sheets = sheets_of(path, is_open_document=kind is FileKind.ODS)
    if not sheets:
        raise ImportRefused(_("Il foglio di calcolo non contiene righe."))
    for name, cells in sheets.items():
        with contextlib.suppress(ImportRefused):
            SheetSource(path, name, cells)
            placed.add(name)
    for name, cells in sorted(sheets.items(), key=lambda pair: pair[0] not in placed):
        title = stem if len(sheets) == 1 else f"{stem} {name}"
        open_table = partial(_sheet, path, name, cells, None, is_table=True)
        if placed and name not in placed:
            try:
                open_table("")
            except ImportRefused as error:
                notes.append(_("foglio %(name)s, non letto: %(reason)s") % {"name": name[:80], "reason": error})
                continue
            yield Opener(name, title, partial(as_table, open_table), is_extra=True)
        else:
            yield Opener(name, title, partial(_sheet, path, name, cells), open_table)


def as_table(open_table: Callable[[str], VectorSource], _srid: int | None, encoding: str) -> VectorSource:
    """How a layer is opened of which it is settled that it is a table."""
    return open_table(encoding)


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
    placed = [name for name, is_table in names.items() if not is_table]
    for name, is_table in sorted(names.items(), key=lambda pair: pair[1]):
        title = stem if len(placed or names) == 1 and name in (placed or names) else f"{stem} {name}"
        if name.lower() in endless:
            yield Opener(name, title, partial(_refused_view, name))
            continue
        yield Opener(name, title, partial(_ogr, path, kind, name, name, **how), is_extra=bool(is_table and placed))


def _refused_view(name: str, _srid: int | None, _encoding: str) -> VectorSource:
    raise refusal(name)


def _csv(path: Path, name: str, srid: int | None, encoding: str) -> VectorSource:
    return CsvSource(path, name=name, srid=srid, encoding=encoding)


def _csv_table(path: Path, name: str, encoding: str) -> VectorSource:
    return CsvSource(path, name=name, encoding=encoding, is_table=True)


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
