"""What a file is, from its first bytes as much as from its name: a wrong extension must not choose the reader."""

from __future__ import annotations

import enum
import gzip
import re
import zipfile
from pathlib import Path

from django.utils.translation import gettext as _

from layers.importing.archives import check_entries, is_shadow
from layers.importing.encodings import head_in_utf8
from layers.importing.errors import ImportRefused
from layers.importing.geopackage import sqlite_tables


class FileKind(enum.Enum):
    """What the import can read. The value names it for people."""

    GEOPACKAGE = "GeoPackage"
    SHAPEFILE_ZIP = "Shapefile (zip)"
    SHAPEFILE = "Shapefile"
    GEOJSON = "GeoJSON"
    GEOJSON_SEQ = "GeoJSONSeq"
    TOPOJSON = "TopoJSON"
    FLATGEOBUF = "FlatGeobuf"
    KML = "KML"
    KMZ = "KMZ"
    GPX = "GPX"
    GML = "GML"
    DXF = "DXF"
    FILE_GEODATABASE = "File Geodatabase (zip)"
    PMTILES = "PMTiles"
    MVT = "Mapbox Vector Tile"
    GEOPARQUET = "GeoParquet"
    CSV = "CSV"
    XLSX = "Excel (xlsx)"
    XLS = "Excel (xls)"
    ODS = "OpenDocument (ods)"
    GTFS = "GTFS"
    GEOTIFF = "GeoTIFF"
    ASCII_GRID = "ASCII Grid"
    ARCHIVE = "zip"


DRIVERS: dict[FileKind, tuple[str, ...]] = {
    FileKind.GEOPACKAGE: ("GPKG",),
    FileKind.SHAPEFILE_ZIP: ("ESRI Shapefile",),
    FileKind.SHAPEFILE: ("ESRI Shapefile",),
    FileKind.GEOJSON: ("GeoJSON",),
    FileKind.GEOJSON_SEQ: ("GeoJSONSeq",),
    FileKind.TOPOJSON: ("TopoJSON",),
    FileKind.FLATGEOBUF: ("FlatGeobuf",),
    FileKind.KML: ("LIBKML", "KML"),
    FileKind.KMZ: ("LIBKML", "KML"),
    FileKind.GPX: ("GPX",),
    FileKind.GML: ("GML",),
    FileKind.DXF: ("DXF",),
    FileKind.FILE_GEODATABASE: ("OpenFileGDB",),
    FileKind.PMTILES: ("PMTiles",),
    FileKind.MVT: ("MVT",),
}
"""The only GDAL drivers that may open a vector file, by what its bytes say it is."""

RASTER_DRIVERS: dict[FileKind, str] = {FileKind.GEOTIFF: "GTiff", FileKind.ASCII_GRID: "AAIGrid"}
"""The only GDAL driver that may open a raster, likewise."""

ARCHIVES = frozenset({FileKind.SHAPEFILE_ZIP, FileKind.FILE_GEODATABASE, FileKind.GTFS, FileKind.ARCHIVE})
"""Read by what is inside them."""

DATA_SUFFIXES = frozenset(
    {
        ".gpkg", ".geojson", ".json", ".geojsonl", ".geojsons", ".ndjson", ".topojson", ".fgb",
        ".parquet", ".geoparquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods",
        ".kml", ".kmz", ".gml", ".gpx", ".dxf", ".pmtiles", ".mvt", ".pbf", ".tif", ".tiff", ".asc", ".grd",
    }
)  # fmt: skip
"""What is looked at inside an archive, beside shapefiles and geodatabases."""
MAYBE_DATA = frozenset({".txt", ".xml"})

SHEETS = frozenset({FileKind.XLSX, FileKind.XLS, FileKind.ODS})

HELPER_DRIVERS: dict[FileKind, tuple[str, ...]] = {FileKind.PMTILES: ("MVT",)}
"""Drivers that another one needs to read what is inside its files; they may open none themselves."""

_SIDECARS = {
    ".dbf",
    ".shx",
    ".prj",
    ".cpg",
    ".sbn",
    ".sbx",
    ".qix",
    ".qpj",
    ".tfw",
    ".aux.xml",
    ".gpkg-wal",
    ".gpkg-shm",
}
_TEXT_SUFFIXES = {".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"}
_GEOJSON_TYPE = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|Point|MultiPoint|LineString|MultiLineString|Polygon|MultiPolygon|'
    rb'GeometryCollection)"'
)
_TOPOLOGY = re.compile(rb'"type"\s*:\s*"Topology"')
_DXF = re.compile(rb"^\s*(999[^\n]*\n[^\n]*\n\s*)*0[ \t\r]*\n\s*SECTION\s")
_ASCII_GRID = re.compile(rb"^\s*ncols\s+\d+\s+nrows\s+\d+\s", re.IGNORECASE)
_FEATURE = re.compile(rb'"type"\s*:\s*"Feature"')
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPEN_DOCUMENT_SHEET = b"application/vnd.oasis.opendocument.spreadsheet"
_SEQUENCES = {".geojsonl", ".geojsons", ".ndjson"}
_TILE_SUFFIXES = {".mvt", ".pbf"}
_HEAD = 65_536


def is_sidecar(path: Path) -> bool:
    """A part of another file (the .dbf of a shapefile, a world file), not a file to import by itself."""
    name = path.name.lower()
    return any(name.endswith(suffix) for suffix in _SIDECARS)


def suffix_of(path: Path) -> str:
    """The extension in lower case, `.gz` together with what it compresses."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return "".join(suffixes[-2:]) if suffixes[-1:] == [".gz"] else "".join(suffixes[-1:])


def detect(path: Path) -> FileKind:
    """The kind of a file. Raises ImportRefused saying what it seems to be instead."""
    if path.is_symlink() or not path.is_file():
        raise ImportRefused(_("%(name)s non è un file normale.") % {"name": path.name})
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise ImportRefused(_("Il file è vuoto."))
    return _by_signature(path, head) or _by_text(path, head)


def _by_signature(path: Path, head: bytes) -> FileKind | None:
    if head.startswith(b"SQLite format 3\0"):
        return _sqlite(path, head)
    if head.startswith(b"fgb"):
        return FileKind.FLATGEOBUF
    if head.startswith(b"PMTiles"):
        return FileKind.PMTILES
    if head.startswith(b"PAR1"):
        return FileKind.GEOPARQUET
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return FileKind.GEOTIFF
    if head.startswith(b"PK\x03\x04"):
        return _zip(path)
    if head.startswith(_OLE) and path.suffix.lower() == ".xls":
        return FileKind.XLS
    if path.suffix.lower() in _TILE_SUFFIXES and head[:1] in (b"\x1a", b"\x1f"):
        # A tile is layers (field 3 of its message), or those packed with gzip.
        return FileKind.MVT
    if head.startswith(b"\x00\x00\x27\x0a") and path.suffix.lower() == ".shp":
        return FileKind.SHAPEFILE
    if head.startswith(b"\x1f\x8b"):
        return _gzip(path)
    return None


def _sqlite(path: Path, head: bytes) -> FileKind:
    # Bytes 68–72 are SQLite's application id. Some programs leave it empty: the tables tell as well.
    if head[68:72] in (b"GPKG", b"GP10", b"GP11"):
        return FileKind.GEOPACKAGE
    tables = sqlite_tables(path)
    if {"gpkg_contents", "gpkg_geometry_columns"} <= tables:
        return FileKind.GEOPACKAGE
    what = _("un database SQLite")
    if {"tiles", "metadata"} <= tables:
        what = _("un MBTiles (per i vettori e le mappe a tessere si legge il PMTiles)")
    elif "geometry_columns" in tables:
        what = _("un database SpatiaLite")
    raise ImportRefused(_("È %(what)s ma non un GeoPackage: esportarlo come GeoPackage.") % {"what": what})


def _gzip(path: Path) -> FileKind:
    if suffix_of(path) not in _TEXT_SUFFIXES:
        raise ImportRefused(_("È compresso con gzip: si leggono così solo i CSV (.csv.gz); gli altri vanno estratti."))
    try:
        with gzip.open(path) as stream:
            head = stream.read(_HEAD)
    except (OSError, EOFError) as error:
        raise ImportRefused(_("Il file gzip è rovinato: %(error)s") % {"error": error}) from error
    return _by_text(path, head)


def _zip(path: Path) -> FileKind:
    check_entries(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.lower() for name in archive.namelist() if not is_shadow(name)]
            said = b""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
                said = archive.read("mimetype").strip()
    except (zipfile.BadZipFile, OSError, KeyError, RuntimeError, NotImplementedError) as error:
        raise ImportRefused(_("Lo zip è rovinato: %(error)s") % {"error": error}) from error
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return FileKind.XLSX
    if said == _OPEN_DOCUMENT_SHEET:
        return FileKind.ODS
    return _by_members(path, names)


def _by_members(path: Path, names: list[str]) -> FileKind:
    shapes = any(name.endswith(".shp") for name in names)
    tables = any(name.endswith(".gdbtable") for name in names)
    whole = [name for name in names if suffix_of(Path(name)) in DATA_SUFFIXES]
    if not shapes and any(name.rsplit("/", 1)[-1] == "stops.txt" for name in names):
        return FileKind.GTFS
    if shapes and not tables and not whole:
        return FileKind.SHAPEFILE_ZIP
    if tables and not shapes and not whole:
        return FileKind.FILE_GEODATABASE
    documents = [name for name in whole if name.endswith(".kml")]
    if documents and (path.suffix.lower() == ".kmz" or (whole == documents == ["doc.kml"] and not shapes)):
        return FileKind.KMZ
    return FileKind.ARCHIVE


def _by_text(path: Path, head: bytes) -> FileKind:
    head = head_in_utf8(head)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"[", b"\x1e"):
        return _json(path, text)
    if text[:1] == b"<":
        return _xml(text)
    if _ASCII_GRID.match(text):
        return FileKind.ASCII_GRID
    if suffix_of(path) == ".dxf" and _DXF.match(head):
        return FileKind.DXF
    if suffix_of(path) in _TEXT_SUFFIXES and b"\0" not in head:
        return FileKind.CSV
    if suffix_of(path) in _TEXT_SUFFIXES:
        raise ImportRefused(_("Contiene byte che non sono testo (forse UTF-16 senza segno): salvarlo in UTF-8."))
    raise ImportRefused(_unknown(path))


def _unknown(path: Path) -> str:
    text = _("Formato non riconosciuto (estensione %(suffix)s).") % {"suffix": path.suffix or _("assente")}
    advice = {
        _("salvare il disegno come DXF."): (".dwg", ".dgn"),
        _("usare un archivio .zip."): (".rar", ".7z", ".tar", ".tgz"),
        _("caricarlo insieme al suo .shp."): (".dbf", ".shx", ".prj", ".cpg", ".sbn"),
        _("esportarlo come GeoPackage o Shapefile."): (".mdb", ".accdb", ".tab", ".mif", ".e00", ".cxf", ".gdbtable"),
        _("esportarlo come GeoTIFF."): (".img", ".ecw", ".sid", ".jp2", ".bil", ".xyz", ".png", ".jpg", ".hgt", ".nc"),
    }
    found = [what for what, suffixes in advice.items() if path.suffix.lower() in suffixes]
    return " ".join([text, *(_("Che fare: %(advice)s") % {"advice": what} for what in found)])


def _begins_with_a_feature(text: bytes) -> bool:
    """Whether the first line is a whole feature and another object begins after it."""
    line, _end, rest = text.partition(b"\n")
    is_object = line.startswith(b"{") and line.rstrip().endswith(b"}")
    return is_object and rest.lstrip().startswith(b"{") and _FEATURE.search(line) is not None


def _json(path: Path, text: bytes) -> FileKind:
    # A sequence of one feature is what a file of one feature is, and GDAL takes it for nothing else.
    is_one_line = path.stat().st_size < _HEAD and b"\n" not in text.strip()
    if (suffix_of(path) in _SEQUENCES and not is_one_line) or text[:1] == b"\x1e" or _begins_with_a_feature(text):
        return FileKind.GEOJSON_SEQ
    if _TOPOLOGY.search(text):
        return FileKind.TOPOJSON
    if text[:1] == b"{" and (_GEOJSON_TYPE.search(text) or _GEOJSON_TYPE.search(_tail(path))):
        return FileKind.GEOJSON
    raise ImportRefused(_("È JSON ma non GeoJSON né TopoJSON: non ha elementi con una geometria."))


def _tail(path: Path) -> bytes:
    # Some writers put "type" after "features".
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        return stream.read()


def _xml(text: bytes) -> FileKind:
    if re.search(rb"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise ImportRefused(_("L'XML dichiara un DOCTYPE o entità: per sicurezza non viene letto."))
    if re.search(rb"<(\w+:)?kml[\s>]", text):
        return FileKind.KML
    if re.search(rb"<gpx[\s>]", text):
        return FileKind.GPX
    root = re.search(rb"<([A-Za-z_][\w:.-]*)", text)
    name = root.group(1).decode("ascii", "replace") if root else "?"
    collection = re.search(rb"<(\w+:)?FeatureCollection[\s>]", text) and b"opengis.net/" in text
    # Other roots too hold features of GML (INSPIRE's SpatialDataSet); a schema of them holds none.
    if collection or (b"opengis.net/gml" in text and not name.endswith("schema")):
        return FileKind.GML
    raise ImportRefused(_("È XML ma non KML, GML né GPX (radice: %(root)s).") % {"root": name})
