"""Read a vector tile back with an independent reader, GDAL's MVT driver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True)
class Decoded:
    """The features of one layer of a tile, in EPSG:3857 metres."""

    ids: list[int]
    geometries: list[BaseGeometry]
    properties: list[dict[str, Any]]


def decode(body: bytes, layer: str, z: int, y: int, x: int, folder: Path) -> Decoded:
    """Decode one layer of a tile. An empty tile has no features."""
    if not body:
        return Decoded([], [], [])
    path = folder / "tile.pbf"
    path.write_bytes(body)
    meta, _, shapes, columns = pyogrio.raw.read(path, layer=layer, X=x, Y=y, Z=z)
    fields = list(meta["fields"])
    rows = [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]
    ids = [int(row.pop("mvt_id")) for row in rows] if "mvt_id" in fields else []
    return Decoded(ids, list(shapely.from_wkb(shapes)), rows)
