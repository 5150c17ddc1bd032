"""Vector formats that GDAL reads, through pyogrio's Arrow stream (GDAL of its wheel, not the system's).

Imported in a reading process only, after `reader.gdal_drivers.keep_only` chose what GDAL may register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyogrio
from django.utils.translation import gettext as _
from pyogrio.errors import DataLayerError, DataSourceError
from pyogrio.raw import open_arrow
from pyogrio.raw import read as read_features

from layers.importing import encodings
from layers.importing.crs import NOWHERE, Bounds, FoundCrs, checked, chosen, declared, guessed
from layers.importing.detect import DRIVERS, FileKind
from layers.importing.dxf import text_encoding, unescaped
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.kml import field_names, named
from layers.importing.sources import Batch, Rejected
from layers.importing.texts import all_json, decoded, plain, plain_field, readable_texts, safe_path, unique_names

_BATCH_ROWS = 10_000
_SHP_HEADER_BYTES, _SHX_HEADER_BYTES, _SHX_ENTRY_BYTES = 100, 100, 8
"""ESRI Shapefile Technical Description (1998), pages 3, 24 and 25."""
_ERRORS = (DataSourceError, DataLayerError, RuntimeError, ValueError, OSError)
_HOUSEKEEPING = frozenset({"layer_styles", "qgis_projects", "ogr_empty_table"})
"""Tables that QGIS and GDAL keep for themselves in a GeoPackage."""
_LONGITUDE_FIRST_BY_STANDARD = {FileKind.TOPOJSON, FileKind.GEOJSON, FileKind.GEOJSON_SEQ, FileKind.KML, FileKind.GPX}


def _mend_index(path: Path, kind: FileKind) -> None:
    """Have a shapefile without its index get one; it lies in a folder of the reader's own then.

    Only where there is none: GDAL would write it again, also into a folder where nothing may be written.
    """
    lacks = kind is FileKind.SHAPEFILE and not path.with_suffix(".shx").exists()
    pyogrio.set_gdal_config_options({"SHAPE_RESTORE_SHX": "YES" if lacks else None})


def layer_names(path: Path, kind: FileKind) -> dict[str, bool]:
    """The layers of a file that one of the kind's drivers opens, and whether each is a table. Raises ImportRefused."""
    _mend_index(path, kind)
    try:
        found = pyogrio.list_layers(safe_path(path))
    except _ERRORS as error:
        raise ImportRefused(_("GDAL non riesce ad aprirlo: %(error)s") % {"error": plain(error)}) from error
    names = {str(name): geometry is None for name, geometry in found if str(name).lower() not in _HOUSEKEEPING}
    if kind is FileKind.GPX:
        # The driver announces every kind of thing a GPX may hold.
        names = {name: is_table for name, is_table in names.items() if _count(path, name)}
    if not names:
        raise ImportRefused(_("Non contiene alcun livello."))
    return names


def _count(path: Path, layer: str) -> int:
    return int(pyogrio.read_info(safe_path(path), layer=layer, force_feature_count=True)["features"])


class OgrSource:
    """One layer of a file that GDAL reads."""

    def __init__(
        self,
        path: Path,
        kind: FileKind,
        layer: str,
        *,
        name: str = "",
        srid: int | None = None,
        encoding: str = "",
        opened_with: dict[str, int] | None = None,
    ) -> None:
        self._opened_with: dict[str, Any] = dict(opened_with or {})
        _mend_index(path, kind)
        self._path = safe_path(path)
        self._layer = layer
        self.name = name or layer
        self.notes: list[str] = []
        self.rejected = Rejected()
        self._linear = False
        self._is_counted = kind is FileKind.FLATGEOBUF
        self._mend: Callable[[pa.Table], pa.Table] | None = None
        self._own_names = field_names(path) if kind is FileKind.KML else {}
        self.encoding = self._encoding(path, kind, encoding)
        if self.encoding and kind is FileKind.DXF:
            pyogrio.set_gdal_config_options({"DXF_ENCODING": self.encoding.name})
        elif self.encoding:
            self._opened_with["encoding"] = self.encoding.name
        info = self._inspect(kind)
        self.is_table = info["geometry_type"] is None
        self.expected: int | None = int(info["features"]) if info["features"] >= 0 else None
        if kind is FileKind.SHAPEFILE:
            self._refuse_cut_off(path)
            self._reject_shapes_without_record(path)
        self.bounds = _bounds(info["total_bounds"])
        self.json_fields = self._json_fields(info)
        self.schema = self._schema()
        self.crs: FoundCrs = self._crs(info["crs"], kind, srid)

    def _encoding(self, path: Path, kind: FileKind, wanted: str) -> FoundEncoding | None:
        if kind is FileKind.DXF:
            self._mend = unescaped
            return encodings.chosen(wanted) if wanted else text_encoding(path)
        if kind not in (FileKind.SHAPEFILE, FileKind.SHAPEFILE_ZIP):
            return None
        return encodings.chosen(wanted) if wanted else encodings.of_shapefile(path)

    def _inspect(self, kind: FileKind) -> dict[str, Any]:
        try:
            info: dict[str, Any] = pyogrio.read_info(
                self._path, layer=self._layer, force_feature_count=True, force_total_bounds=True, **self._opened_with
            )
        except _ERRORS as error:
            raise ImportRefused(_("GDAL non riesce a leggerlo: %(error)s") % {"error": plain(error)}) from error
        if info["driver"] not in DRIVERS[kind]:
            raise ImportRefused(
                _("Sembra %(kind)s ma GDAL lo apre come %(driver)s: non viene letto.")
                % {"kind": kind.value, "driver": info["driver"]}
            )
        return info

    def _refuse_cut_off(self, path: Path) -> None:
        """GDAL gives a row without geometry for the shape that a .shp ends in, or leaves it out; both without a word.

        A header that merely claims more bytes than there are, after whole shapes, is let pass.
        """
        size, place, whole = path.stat().st_size, _SHP_HEADER_BYTES, 0
        with path.open("rb") as shapes:
            if 2 * int.from_bytes(shapes.read(28)[24:], "big") <= size:
                return
            while place < size:
                shapes.seek(place + 4)
                place += 8 + 2 * int.from_bytes(shapes.read(4), "big")
                if place > size:
                    raise _cut_off(max(self.expected or 0, whole + 1), whole)
                whole += 1

    def _reject_shapes_without_record(self, path: Path) -> None:
        """GDAL ends with the last record of the .dbf and leaves the shapes beyond it out without a word."""
        index, table = path.with_suffix(".shx"), path.with_suffix(".dbf")
        if not index.exists() or not table.exists():
            return
        with table.open("rb") as dbf:
            records = int.from_bytes(dbf.read(8)[4:], "little")
        shapes = (index.stat().st_size - _SHX_HEADER_BYTES) // _SHX_ENTRY_BYTES
        for number in range(records + 1, shapes + 1):
            self.rejected.add(
                number, _("forma %(number)s: il .dbf non ne ha la riga, non importata") % {"number": number}
            )

    def _schema(self) -> pa.Schema:
        with self._stream() as reader:
            position = _geometry_position(reader.schema)
            fields = list(reader.schema if position is None else reader.schema.remove(position))
            names = self._names([field.name for field in fields])
            return pa.schema([plain_field(field.with_name(name)) for field, name in zip(fields, names, strict=True)])

    def _names(self, names: list[str]) -> list[str]:
        return unique_names([named(name, self._own_names) for name in names])

    def _json_fields(self, info: dict[str, Any]) -> frozenset[str]:
        """The columns that GDAL calls JSON and are: of mixed numbers and words it says so too."""
        subtypes = zip(info["fields"], info["ogr_subtypes"], strict=True)
        named = {str(name) for name, subtype in subtypes if subtype == "OFSTJSON"}
        if not named:
            return frozenset()
        with self._stream() as reader:
            for record in reader:
                named -= {name for name in named if not all_json(_stored(record.column(name)))}
        return frozenset(named)

    def _crs(self, crs: str | None, kind: FileKind, srid: int | None) -> FoundCrs:
        if self.is_table:
            return NOWHERE
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
                self._path, layer=self._layer, use_pyarrow=True, batch_size=_BATCH_ROWS, **self._opened_with
            ) as (_meta, reader):
                yield reader
        except (*_ERRORS, pa.ArrowException) as error:
            raise ImportRefused(_("Lettura interrotta: %(error)s") % {"error": plain(error)}) from error

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Features in file order, 10,000 at a time."""
        with self._stream() as reader:
            batches: Iterator[Batch] = map(self._batch, reader)
            if self._is_counted:
                batches = self._whole(batches)
            yield self._straightened(batches) if self._linear else batches

    def _whole(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """All features that the file counts: GDAL's stream ends at a broken one as if it were the last."""
        seen = 0
        for batch in batches:
            seen += batch.attributes.num_rows
            yield batch
        if self.expected is not None and seen < self.expected:
            raise _cut_off(self.expected, seen)

    def _batch(self, record: pa.RecordBatch) -> Batch:
        wkb, names, columns = _parts(record)
        attributes = pa.Table.from_arrays(columns, names=self._names(names))
        return Batch(self._mend(attributes) if self._mend else attributes, wkb)

    def linearise(self) -> None:
        """From now on give arcs and curved surfaces as broken lines and plain ones."""
        self._linear = True

    def _straightened(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The same rows with GDAL's linear geometries, which its Arrow stream does not make."""
        start = 0
        for batch in batches:
            count = batch.attributes.num_rows
            try:
                _meta, _fids, shapes, _values = read_features(
                    self._path,
                    layer=self._layer,
                    columns=[],
                    skip_features=start,
                    max_features=count,
                    **self._opened_with,
                )
            except _ERRORS as error:
                raise ImportRefused(_("Lettura interrotta: %(error)s") % {"error": plain(error)}) from error
            yield Batch(batch.attributes, pa.array(shapes, type=pa.binary(), from_pandas=True))
            start += count


def _cut_off(expected: int, seen: int) -> ImportRefused:
    return ImportRefused(
        _("Il file è rovinato o tronco: annuncia %(expected)s elementi e se ne leggono %(seen)s.")
        % {"expected": expected, "seen": seen}
    )


def _parts(record: pa.RecordBatch) -> tuple[pa.Array, list[str], list[pa.Array]]:
    """The shapes of some features, and the names and values of their attributes."""
    position = _geometry_position(record.schema)
    names, columns = list(record.schema.names), list(record.columns)
    wkb = pa.nulls(record.num_rows, pa.binary())
    if position is not None:
        wkb = _stored(columns[position])
        del names[position], columns[position]
    return wkb, names, [_stored(column) for column in columns]


def _stored(column: pa.Array) -> pa.Array:
    """The column as plain values: of an extension what it stores, of a coded domain the words."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if isinstance(column, pa.DictionaryArray):
        return decoded(column)
    return (
        readable_texts(column) if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else column
    )


def _geometry_position(schema: pa.Schema) -> int | None:
    for position, field in enumerate(schema):
        if (field.metadata or {}).get(b"ARROW:extension:name", b"").endswith(b"wkb"):
            return position
    return None


def _bounds(values: Any) -> Bounds | None:
    if values is None or not np.all(np.isfinite(values)):
        return None
    return float(values[0]), float(values[1]), float(values[2]), float(values[3])
