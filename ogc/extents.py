"""Where things lie and in which CRS they are served: the members `extent`, `crs` and `storageCrs` of descriptions.

Sources: Common Part 2 (20-024), Features Part 2 (18-058r1), 6.1; Maps (20-058), desc-crs and desc-extent of collection
and dataset maps; Coverages (19-087), collection-description.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from layers.catalogue import LayerEntry
from layers.crs import CRS84, Crs, epsg, served
from layers.drawing.view import Bounds, bounds_between
from ogc.pictures import dataset_crs, in_axis_order, native_crs


def completed(made: dict[str, Any], layer: LayerEntry) -> dict[str, Any]:
    """A collection with every CRS of its data and pictures, and its extent in the one its data is kept in."""
    if layer.kind != "vector":
        made |= {"crs": [crs.uri for crs in served(layer.srid)], "storageCrs": native_crs(layer).uri}
    elif not layer.geometry_field:
        return made
    if "extent" in made:
        storage = native_crs(layer)
        box = layer.storage_bbox if layer.srid else None
        box = box or (bounds_between(4326, storage.srid, layer.bbox) if layer.bbox else None)
        made["extent"]["spatial"] |= _stored(box, storage)
    return made


def dataset(layers: Iterable[LayerEntry]) -> dict[str, Any]:
    """The same members for the whole dataset, which its landing page has; `layers`: those that can be drawn."""
    crs = dataset_crs()
    found: dict[str, Any] = {"crs": [one.uri for one in served(crs.srid)], "storageCrs": crs.uri}
    boxes = [layer.bbox for layer in layers if layer.bbox]
    if boxes:
        box = (
            min(one[0] for one in boxes), min(one[1] for one in boxes),
            max(one[2] for one in boxes), max(one[3] for one in boxes),
        )  # fmt: skip
        spatial = {"bbox": [list(box)], "crs": CRS84} | _stored(bounds_between(4326, crs.srid, box), crs)
        found["extent"] = {"spatial": spatial}
    return found


def _stored(box: Bounds | None, crs: Crs) -> dict[str, Any]:
    if box is None or crs.uri == CRS84:
        return {}
    return {"storageCrsBbox": [[round(number, crs.digits) for number in in_axis_order(box, epsg(crs.srid))]]}
