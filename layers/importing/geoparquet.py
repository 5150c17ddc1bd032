"""GeoParquet through pyarrow: the wheel's GDAL has no Parquet driver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from django.utils.translation import gettext as _

from layers.importing.crs import Bounds, FoundCrs, checked, chosen, declared, guessed
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.geoarrow import NATIVE, to_wkb
from layers.importing.sources import Batch, Rejected

_BATCH_ROWS = 20_000


class GeoParquetSource:
    """A GeoParquet file (1.0 and 1.1) with WKB geometry."""

    json_fields: frozenset[str] = frozenset()
    is_table = False
    encoding: FoundEncoding | None = None

    def __init__(self, path: Path, *, name: str, srid: int | None = None) -> None:
        self.name = name
        self.notes: list[str] = []
        self.rejected = Rejected()
        try:
            self._file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as error:
            raise ImportRefused(_("Parquet rovinato: %(error)s") % {"error": str(error).splitlines()[0]}) from error
        column = self._geometry_column()
        schema = self._file.schema_arrow
        self.schema = schema.remove(schema.get_field_index(self._geometry)).remove_metadata()
        self.expected: int | None = self._file.metadata.num_rows
        self.bounds = _bounds(column.get("bbox")) or self._extent()
        self.crs: FoundCrs = self._crs(column, srid)

    def _geometry_column(self) -> dict[str, Any]:
        metadata = self._file.schema_arrow.metadata or {}
        if b"geo" not in metadata:
            raise ImportRefused(_("È Parquet ma non GeoParquet: mancano i metadati «geo»."))
        try:
            geo = json.loads(metadata[b"geo"])
            self._geometry = str(geo["primary_column"])
            column: dict[str, Any] = geo["columns"][self._geometry]
        except (ValueError, KeyError, TypeError) as error:
            raise ImportRefused(_("I metadati «geo» del Parquet non sono leggibili.")) from error
        self._encoding = str(column.get("encoding", "")).lower()
        if self._encoding not in ("wkb", *NATIVE) or self._geometry not in self._file.schema_arrow.names:
            raise ImportRefused(
                _("La geometria è in codifica %(encoding)s; si leggono WKB e quelle di GeoParquet 1.1.")
                % {"encoding": str(column.get("encoding"))[:80]}
            )
        return column

    def _extent(self) -> Bounds | None:
        """Of a file that does not say it."""
        boxes = [
            shapely.total_bounds(shapely.from_wkb(np.asarray(batch.wkb.to_pylist(), dtype=object), on_invalid="ignore"))
            for batch in self._read()
        ]
        boxes = [box for box in boxes if np.all(np.isfinite(box))]
        if not boxes:
            return None
        low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
        return float(low[0]), float(low[1]), float(high[2]), float(high[3])

    def _crs(self, column: dict[str, Any], srid: int | None) -> FoundCrs:
        if srid:
            return chosen(srid)
        if "crs" in column and column["crs"] is None:
            return guessed(self.bounds)
        if column.get("crs"):
            return checked(declared(_text_of(column["crs"]), _("dichiarato nel file")), self.bounds)
        return checked(declared("EPSG:4326", _("GeoParquet senza CRS: lon/lat per la norma")), self.bounds)

    def linearise(self) -> None:
        """GeoParquet allows no curves. Raises ImportRefused."""
        raise ImportRefused(_("Contiene archi o superfici curve, che GeoParquet non ammette."))

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Features in file order, 20,000 at a time."""
        yield self._read()

    def _read(self) -> Iterator[Batch]:
        try:
            for record in self._file.iter_batches(batch_size=_BATCH_ROWS):
                position = record.schema.get_field_index(self._geometry)
                wkb = record.column(position)
                wkb = wkb.storage if isinstance(wkb, pa.ExtensionArray) else wkb
                wkb = wkb if self._encoding == "wkb" else to_wkb(wkb, self._encoding)
                yield Batch(pa.Table.from_batches([record]).remove_column(position), wkb)
        except (pa.ArrowException, OSError) as error:
            raise ImportRefused(_("Lettura interrotta: %(error)s") % {"error": str(error).splitlines()[0]}) from error


def _text_of(crs: Any) -> str:
    """PROJJSON as text; drafts of the norm had well-known text there."""
    return crs if isinstance(crs, str) else json.dumps(crs)


def _bounds(values: Any) -> Bounds | None:
    if not isinstance(values, list) or len(values) not in (4, 6):
        return None
    half = len(values) // 2
    return float(values[0]), float(values[1]), float(values[half]), float(values[half + 1])
