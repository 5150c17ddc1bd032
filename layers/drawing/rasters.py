"""A raster layer as a picture of any view: warped by GDAL straight onto the picture's pixels, from overviews."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from layers.catalogue import LayerEntry
from layers.drawing.view import View
from layers.errors import RasterUnreadable
from layers.raster import SOURCE_PIXELS_CAP, OpenRaster, encoded, opened, painted, read_masked, warping
from layers.styles.model import RasterLook


def raster_png(layer: LayerEntry, view: View, look: RasterLook | None = None) -> bytes | None:
    """The whole picture in a look (None: its own) as PNG; None when nothing of the raster is in it.

    Raises RasterUnreadable.
    """
    try:
        held = opened(layer)
        if not _meets(layer, held, view):
            return None
        pixels = painted(layer, held, lambda bands, margin: _read(held, view, bands, margin), view.cell_m, look)
        return encoded(pixels, "png")
    except (RasterioError, OSError) as error:
        raise RasterUnreadable(f"The raster of layer {layer.slug!r} cannot be read: {str(error)[:200]}") from error


def _meets(layer: LayerEntry, held: OpenRaster, view: View) -> bool:
    """Whether the picture shows any of it. Raises RasterUnreadable when it would have to be read whole."""
    source = held.source
    west, south, east, north = transform_bounds(source.crs, f"EPSG:{view.crs.srid}", *source.bounds, densify_pts=21)
    left, bottom, right, top = view.box
    part = max(west, left), max(south, bottom), min(east, right), min(north, top)
    if part[0] >= part[2] or part[1] >= part[3]:
        return False
    share = (part[2] - part[0]) * (part[3] - part[1]) / ((east - west) * (north - south))
    if share * source.width * source.height > SOURCE_PIXELS_CAP and not source.overviews(1):
        raise RasterUnreadable(
            f"Raster layer {layer.slug!r} has no overviews to be seen from so far; ask for a smaller area."
        )
    return True


def _read(held: OpenRaster, view: View, bands: list[int], margin: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    wider = view.grown(margin) if margin else view
    source, crs = held.source, CRS.from_epsg(view.crs.srid)
    west, south, east, north = transform_bounds(source.crs, crs, *source.bounds, densify_pts=21)
    cell = math.sqrt((east - west) * (north - south) / (source.width * source.height))
    level = held.level_for((view.box[2] - view.box[0]) / view.width / cell)
    grid = from_bounds(*wider.box, wider.width, wider.height)
    with WarpedVRT(level, transform=grid, width=wider.width, height=wider.height, **warping(source, crs)) as warped:
        return read_masked(warped, bands, out_shape=(wider.height, wider.width))
