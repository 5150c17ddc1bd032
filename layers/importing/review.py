"""What a person should see of a source layer before anything is written. Runs in a reading process.

Counts are over all features; rows and shapes to look at are the first few.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from django.conf import settings
from django.utils.translation import gettext as _
from pyproj import CRS, Transformer

from layers.importing.crs import Bounds, degrees_bounds
from layers.importing.errors import ImportRefused
from layers.importing.reading import Reading
from layers.importing.sources import Batch

ITALY: Bounds = (6.6, 35.4, 18.6, 47.1)
CANDIDATES = (32632, 7791, 25832, 3003, 3004, 4326, 3857, 32633, 23032, 4258)
"""The systems Italian offices use, likeliest first."""
_ROWS = 8
_CELL_CHARS = 80
_SHAPES = 300
_VERTICES = 20_000
_REASONS = 5


def review(reading: Reading) -> dict[str, Any]:
    """The reading's facts, problems by count, sample rows, shapes in degrees, and where other systems put it."""
    counts = _Counts()
    sample: Batch | None = None
    with reading.source.batches() as batches:
        for batch in batches:
            if sample is None:
                sample = batch
            counts.add(batch.wkb)
    degrees = _degrees(reading.source.crs.crs, reading.bounds)
    return reading.facts() | {
        "features": counts.features,
        "types": reading.shapes.names(),
        "has_m": reading.shapes.has_m,
        "curves": reading.shapes.curves,
        "is_table": reading.source.is_table,
        "nulls": 0 if reading.source.is_table else counts.nulls,
        "invalid": counts.invalid,
        "invalid_reasons": counts.reasons,
        "empty": counts.empty,
        "duplicates": counts.features - counts.nulls - len(counts.seen),
        "bounds": reading.bounds,
        "degrees": degrees,
        "place": place(degrees),
        "elsewhere": _elsewhere(reading),
        "rows": _rows(sample, reading) if sample else [],
        "shapes": _shapes(sample, reading) if sample and not reading.source.is_table else [],
    }


def place(degrees: Bounds | None) -> str:
    """`city`, `italy`, `abroad` or `` (unknown): where the middle of an extent lies."""
    if degrees is None:
        return ""
    x, y = (degrees[0] + degrees[2]) / 2, (degrees[1] + degrees[3]) / 2
    for name, box in (("city", settings.MUNICIPALITY_BOUNDS), ("italy", ITALY)):
        if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
            return name
    return "abroad"


class _Counts:
    """Problems, feature by feature."""

    def __init__(self) -> None:
        self.features = self.nulls = self.invalid = self.empty = 0
        self.reasons: list[str] = []
        self.seen: set[int] = set()

    def add(self, wkb: pa.Array | pa.ChunkedArray) -> None:
        values = wkb.to_pylist()
        self.features += len(values)
        # Equal bytes are equal shapes; 64 bits of each are enough to count them.
        self.seen.update(hash(value) for value in values if value is not None)
        geometries = shapely.from_wkb(np.asarray(values, dtype=object), on_invalid="ignore")
        present = np.asarray(pc.is_valid(wkb))
        self.nulls += int(np.count_nonzero(~present))
        bad = present & ~shapely.is_valid(geometries)
        self.invalid += int(np.count_nonzero(bad))
        self.empty += int(np.count_nonzero(shapely.is_empty(geometries)))
        for geometry in geometries[bad][: _REASONS - len(self.reasons)]:
            self.reasons.append(_("anello aperto") if geometry is None else shapely.is_valid_reason(geometry)[:200])


def _degrees(crs: CRS, bounds: Bounds | None) -> Bounds | None:
    try:
        return degrees_bounds(crs, bounds) if bounds else None
    except ImportRefused:
        return None


def _elsewhere(reading: Reading) -> list[dict[str, Any]]:
    """Systems and axis orders under which the same numbers would lie in the city or in Italy."""
    bounds = reading.source.bounds
    if bounds is None:
        return []
    turned = (bounds[1], bounds[0], bounds[3], bounds[2])
    found = []
    for srid in dict.fromkeys((reading.source.crs.srid or 0, *CANDIDATES)):
        for swapped, box in ((False, bounds), (True, turned)):
            where = place(_degrees(CRS.from_epsg(srid), box)) if srid else ""
            if where in ("city", "italy"):
                found.append({"srid": srid, "swapped": swapped, "place": where})
    return sorted(found, key=lambda one: (one["place"], one["swapped"]))


def _rows(sample: Batch, reading: Reading) -> list[list[str]]:
    table = sample.attributes.slice(0, _ROWS)
    cells = [table.column(column.source).to_pylist() for column in reading.columns]
    return [["" if cell is None else str(cell)[:_CELL_CHARS] for cell in row] for row in zip(*cells, strict=True)]


def _shapes(sample: Batch, reading: Reading) -> list[dict[str, Any]]:
    """GeoJSON geometries in degrees, enough to recognise the place by."""
    wkb = np.asarray(sample.wkb.slice(0, _SHAPES).to_pylist(), dtype=object)
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    geometries = geometries[~shapely.is_missing(geometries) & ~shapely.is_empty(geometries)]
    geometries = geometries[np.cumsum(shapely.get_num_coordinates(geometries)) <= _VERTICES]
    to_degrees = Transformer.from_crs(reading.source.crs.crs, "OGC:CRS84", always_xy=True)

    def moved(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = (points[:, 1], points[:, 0]) if reading.swap else (points[:, 0], points[:, 1])
        return np.column_stack(to_degrees.transform(x, y))

    placed = shapely.transform(shapely.force_2d(geometries), moved)
    good = [one for one in placed if np.all(np.isfinite(shapely.bounds(one)))]
    return [json.loads(text) for text in shapely.to_geojson(np.asarray(good, dtype=object)).tolist()] if good else []
