"""A raster layer as a picture of any view: warped by GDAL straight onto the picture's pixels, from overviews."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from layers.catalogue import LayerEntry
from layers.drawing.view import Bounds, View
from layers.errors import RasterUnreadable
from layers.raster import SOURCE_PIXELS_CAP, OpenRaster, encoded, is_before_all, opened, painted, read_masked, warping
from layers.styles.model import RasterLook


def raster_png(layer: LayerEntry, view: View, look: RasterLook | None = None) -> bytes | None:
    """The whole picture in a look (None: its own) as PNG; None when nothing of the raster is in it.

    Raises RasterUnreadable.
    """
    if is_before_all(layer):
        return None
    try:
        held = opened(layer)
        part = _part(layer, held.source, view)
        if part is None:
            return None
        _refuse_from_afar(layer, held.source, part)
        pixels = painted(layer, held, lambda bands, margin: _read(held, view, part, bands, margin), view.cell_m, look)
        return encoded(pixels, "png")
    except (RasterioError, OSError) as error:
        raise RasterUnreadable(f"The raster of layer {layer.slug!r} cannot be read: {str(error)[:200]}") from error


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a raster a picture shows."""

    pixels: float
    """How many of the raster's own pixels, about."""
    ratio: float
    """How many of them are side by side in a pixel of the picture."""


def _part(layer: LayerEntry, source: DatasetReader, view: View) -> _Part | None:
    """None when the two do not meet.

    The smaller of the two boxes is taken into the CRS of the other: a large one may reach to where that means nothing,
    and get no box there, or a wrong one.
    """
    ways = (_part_of_raster, _part_of_view)
    found = next(
        (part for way in (ways if _is_wider(layer, view) else ways[::-1]) if (part := way(source, view))), None
    )
    if found is None:
        # Both reach too far: what can be seen of it is warped from far enough away.
        return _Part(source.width * source.height, max(source.width / view.width, source.height / view.height))
    return found if found.pixels else None


def _is_wider(layer: LayerEntry, view: View) -> bool:
    """Whether the picture shows more of the world than the raster covers."""
    seen, covered = view.degrees, layer.bbox
    if seen is None or covered is None:
        return seen is None
    return (seen[2] - seen[0]) * (seen[3] - seen[1]) > (covered[2] - covered[0]) * (covered[3] - covered[1])


def _part_of_raster(source: DatasetReader, view: View) -> _Part | None:
    """By the raster's box in the CRS of the picture; None when it has none there."""
    box = _box_between(source.crs, f"EPSG:{view.crs.srid}", tuple(source.bounds))
    if box is None:
        return None
    pixels = float(source.width) * source.height
    cell = math.sqrt(_area(box) / pixels)
    return _Part(_area(_shared(box, view.box)) / _area(box) * pixels, (view.box[2] - view.box[0]) / view.width / cell)


def _part_of_view(source: DatasetReader, view: View) -> _Part | None:
    """By the picture's box in the CRS of the raster; None when it has none there."""
    box = _box_between(f"EPSG:{view.crs.srid}", source.crs, view.box)
    if box is None:
        return None
    cell = abs(source.transform.a * source.transform.e)
    ratio = math.sqrt(_area(box) / cell / (view.width * view.height))
    return _Part(_area(_shared(box, tuple(source.bounds))) / cell, ratio)


def _box_between(source: CRS | str, target: CRS | str, box: Bounds) -> Bounds | None:
    try:
        west, south, east, north = transform_bounds(source, target, *box, densify_pts=21)
    except (RasterioError, CPLE_BaseError):
        return None
    # Over the antimeridian the east comes before the west.
    if not all(map(math.isfinite, (west, south, east, north))) or west >= east or south >= north:
        return None
    return west, south, east, north


def _shared(one: Bounds, other: Bounds) -> Bounds:
    """What two boxes have in common; without width or height where that is nothing."""
    west, south = max(one[0], other[0]), max(one[1], other[1])
    return west, south, max(west, min(one[2], other[2])), max(south, min(one[3], other[3]))


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _refuse_from_afar(layer: LayerEntry, source: DatasetReader, part: _Part) -> None:
    """Raises RasterUnreadable when it would have to be read whole."""
    if part.pixels > SOURCE_PIXELS_CAP and not source.overviews(1):
        raise RasterUnreadable(
            f"Raster layer {layer.slug!r} has no overviews to be seen from so far; ask for a smaller area."
        )


def _read(
    held: OpenRaster, view: View, part: _Part, bands: list[int], margin: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    wider = view.grown(margin) if margin else view
    level = held.level_for(part.ratio)
    grid = from_bounds(*wider.box, wider.width, wider.height)
    crs = CRS.from_epsg(view.crs.srid)
    with WarpedVRT(
        level, transform=grid, width=wider.width, height=wider.height, **warping(held.source, crs)
    ) as warped:
        return read_masked(warped, bands, out_shape=(wider.height, wider.width))
