"""Writing by GDAL: what it is told of a source, and what it refuses."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyogrio.errors import CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError
from pyogrio.raw import write_arrow

from layers.exporting.arrow import GEOMETRY
from layers.exporting.rows import Source

GDAL_ERRORS = (CRSError, DataLayerError, DataSourceError, FeatureError, FieldError, GeometryError, pa.ArrowInvalid)
_TYPES = {
    name.upper().replace(" ", ""): name
    for name in ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
}


def write(reader: pa.RecordBatchReader, target: Path | BytesIO, source: Source, driver: str, **options: str) -> None:
    """Write record batches of a source with a driver of GDAL. Raises what is in `GDAL_ERRORS`."""
    place: dict[str, Any] = {}
    if source.has_geometry:
        crs = f"EPSG:{source.query.crs.srid}"
        place = {"geometry_name": GEOMETRY, "geometry_type": gdal_type(source), "crs": crs}
    write_arrow(reader, target, layer=source.layer.slug, driver=driver, **place, layer_options=options)


def gdal_type(source: Source) -> str:
    """The geometry type as GDAL spells it; "Unknown" for mixed or rare ones."""
    kind = source.layer.geometry_type.upper().replace(" ", "").removesuffix("M").removesuffix("Z")
    found = _TYPES.get(kind, "Unknown")
    return f"{found} Z" if source.layer.has_z and found != "Unknown" else found
