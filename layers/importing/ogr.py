"""Vector formats that GDAL reads, through pyogrio's Arrow stream (GDAL of its wheel, not the system's)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from django.utils.translation import gettext as _
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import open_arrow

from layers.importing import encodings
from layers.importing.crs import Bounds, FoundCrs, checked, chosen, declared, guessed
from layers.importing.detect import DRIVERS, FileKind
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.sources import Batch, Rejected

_BATCH_ROWS = 20_000
_PATH = re.compile(r"(/[^/\s'\"`]+)+/")
_ERRORS = (DataSourceError, DataLayerError, RuntimeError, ValueError, OSError)
_LONGITUDE_FIRST_BY_STANDARD = {FileKind.TOPOJSON, FileKind.GEOJSON, FileKind.GEOJSON_SEQ, FileKind.KML}

# What a file may make GDAL do beyond reading it: nothing on the network, no SQL a GeoPackage brings along.
pyogrio.set_gdal_config_options(
    {
        "CPL_CURL_ENABLE_VSIMEM": "NO",
        "GDAL_HTTP_MAX_RETRY": "0",
        "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "400",
        "GDAL_VRT_ENABLE_PYTHON": "NO",
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    }
)


def layer_names(path: Path, kind: FileKind) -> list[str]:
    """The layers of a file that one of the kind's drivers opens. Raises ImportRefused."""
    try:
        found = pyogrio.list_layers(safe_path(path))
    except _ERRORS as error:
        raise ImportRefused(_("GDAL non riesce ad aprirlo: %(error)s") % {"error": plain(error)}) from error
    names = [str(name) for name, geometry in found if geometry is not None or kind is not FileKind.GEOPACKAGE]
    if not names:
        raise ImportRefused(_("Non contiene alcun livello con geometria."))
    return names


def safe_path(path: Path) -> str:
    """An absolute path that GDAL cannot take for one of its own prefixes or connection strings."""
    text = str(path.resolve())
    if text.startswith("/vsi") or "://" in text or "\0" in text:
        raise ImportRefused(_("Il nome del file non è ammesso."))
    return text


def plain(error: BaseException) -> str:
    """The first line of a GDAL error, without this machine's paths."""
    lines = str(error).strip().splitlines()
    return _PATH.sub("", lines[0])[:300] if lines else type(error).__name__


class OgrSource:
    """One layer of a file that GDAL reads."""

    def __init__(
        self, path: Path, kind: FileKind, layer: str, *, name: str = "", srid: int | None = None, encoding: str = ""
    ) -> None:
        self._path = safe_path(path)
        self._layer = layer
        self.name = name or layer
        self.notes: list[str] = []
        self.rejected = Rejected()
        self.encoding = self._encoding(path, kind, encoding)
        info = self._inspect(kind)
        self.expected: int | None = int(info["features"]) if info["features"] >= 0 else None
        self.bounds = _bounds(info["total_bounds"])
        self.json_fields = _json_fields(info)
        self.schema = self._schema()
        self.crs: FoundCrs = self._crs(info["crs"], kind, srid)

    def _encoding(self, path: Path, kind: FileKind, wanted: str) -> FoundEncoding | None:
        if kind not in (FileKind.SHAPEFILE, FileKind.SHAPEFILE_ZIP):
            return None
        return encodings.chosen(wanted) if wanted else encodings.of_shapefile(path)

    def _options(self) -> dict[str, Any]:
        return {"encoding": self.encoding.name} if self.encoding else {}

    def _inspect(self, kind: FileKind) -> dict[str, Any]:
        try:
            info: dict[str, Any] = pyogrio.read_info(
                self._path, layer=self._layer, force_feature_count=True, force_total_bounds=True, **self._options()
            )
        except _ERRORS as error:
            raise ImportRefused(_("GDAL non riesce a leggerlo: %(error)s") % {"error": plain(error)}) from error
        if info["driver"] not in DRIVERS[kind]:
            raise ImportRefused(
                _("Sembra %(kind)s ma GDAL lo apre come %(driver)s: non viene letto.")
                % {"kind": kind.value, "driver": info["driver"]}
            )
        if info["geometry_type"] is None:
            raise ImportRefused(_("Il livello non ha geometria."))
        return info

    def _schema(self) -> pa.Schema:
        with self._stream() as reader:
            position = _geometry_position(reader.schema)
            return reader.schema.remove(position)

    def _crs(self, crs: str | None, kind: FileKind, srid: int | None) -> FoundCrs:
        if srid:
            return chosen(srid)
        if crs:
            how = _("dal formato") if kind in _LONGITUDE_FIRST_BY_STANDARD else _("dichiarato nel file")
            return checked(declared(crs, how), self.bounds)
        return guessed(self.bounds)

    @contextmanager
    def _stream(self) -> Iterator[pa.RecordBatchReader]:
        try:
            with open_arrow(
                self._path, layer=self._layer, use_pyarrow=True, batch_size=_BATCH_ROWS, **self._options()
            ) as (_meta, reader):
                yield reader
        except (*_ERRORS, pa.ArrowException) as error:
            raise ImportRefused(_("Lettura interrotta: %(error)s") % {"error": plain(error)}) from error

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Features in file order, 20,000 at a time."""
        with self._stream() as reader:
            yield (_batch(record) for record in reader)


def _batch(record: pa.RecordBatch) -> Batch:
    position = _geometry_position(record.schema)
    attributes = pa.Table.from_batches([record]).remove_column(position)
    wkb = record.column(position)
    return Batch(attributes, wkb.storage if isinstance(wkb, pa.ExtensionArray) else wkb)


def _geometry_position(schema: pa.Schema) -> int:
    for position, field in enumerate(schema):
        if (field.metadata or {}).get(b"ARROW:extension:name", b"").endswith(b"wkb"):
            return position
    raise ImportRefused(_("Il livello non ha geometria."))


def _bounds(values: Any) -> Bounds | None:
    if values is None or not np.all(np.isfinite(values)):
        return None
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])


def _json_fields(info: dict[str, Any]) -> frozenset[str]:
    subtypes = zip(info["fields"], info["ogr_subtypes"], strict=True)
    return frozenset(str(name) for name, subtype in subtypes if subtype == "OFSTJSON")
