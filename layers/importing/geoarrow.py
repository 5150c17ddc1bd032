"""Coordinates in nested Arrow lists, as GeoParquet 1.1 allows instead of WKB. Source: GeoParquet 1.1.0, "Encoding"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import shapely

NATIVE = {
    "point": (shapely.GeometryType.POINT, 0),
    "linestring": (shapely.GeometryType.LINESTRING, 1),
    "multipoint": (shapely.GeometryType.MULTIPOINT, 1),
    "polygon": (shapely.GeometryType.POLYGON, 2),
    "multilinestring": (shapely.GeometryType.MULTILINESTRING, 2),
    "multipolygon": (shapely.GeometryType.MULTIPOLYGON, 3),
}
"""Type and depth of lists of each encoding."""


def to_wkb(values: pa.Array, encoding: str) -> pa.Array:
    """One WKB or null for each value. Raises pa.ArrowInvalid where the values are not nested so."""
    kind, depth = NATIVE[encoding]
    present = np.asarray(values.is_valid())
    inner, offsets = values.drop_null(), []
    for _level in range(depth):
        if not (pa.types.is_list(inner.type) or pa.types.is_large_list(inner.type)):
            raise pa.ArrowInvalid(f"{encoding} is not in lists {depth} deep")
        raw = np.asarray(inner.offsets).astype(np.int64)
        offsets.append(raw - raw[0])
        inner = inner.flatten()
    shapes = np.full(len(values), None, dtype=object)
    shapes[present] = shapely.from_ragged_array(kind, _coordinates(inner), tuple(reversed(offsets)) or None)
    return pa.array(shapely.to_wkb(shapes), type=pa.binary(), from_pandas=True)


def _coordinates(points: pa.Array) -> np.ndarray[Any, Any]:
    if not pa.types.is_struct(points.type) or not {"x", "y"} <= {field.name for field in points.type}:
        raise pa.ArrowInvalid("coordinates without x and y")
    names = ["x", "y", *("z" for field in points.type if field.name == "z")]
    return np.column_stack([np.asarray(points.field(name), dtype=float) for name in names])
