"""Values of a raster as a coverage: any part, scale and CRS, read in windows through overviews, within a pixel cap.

Arrays are (band, row, col). Boxes are minx, miny, maxx, maxy in easting or longitude first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import calculate_default_transform, transform_bounds
from rasterio.windows import Window

from layers.catalogue import LayerEntry
from layers.crs import Crs, crs84
from layers.errors import BadQuery, NothingThere, RasterUnreadable
from layers.raster import OpenRaster, opened

Box = tuple[float, float, float, float]

PIXELS_MAX = 16_000_000
"""Values of all bands together that one answer may hold: about 64 MB as floats."""


@dataclass(slots=True)
class CoverageQuery:
    """What is asked of a raster. `box` is in `box_crs`; sizes are columns and rows."""

    box: Box | None = None
    box_crs: Crs = field(default_factory=crs84)
    crs: Crs | None = None
    """None: the raster's own."""
    width: int | None = None
    height: int | None = None
    factors: tuple[float, float] | None = None
    """How many times coarser than the raster, along its rows and along its columns."""
    bands: tuple[int, ...] | None = None
    """Numbers from 1; None: all."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where values lie: the CRS, the upper left corner and the size of cells, columns and rows."""

    srid: int
    transform: Affine
    width: int
    height: int

    @property
    def box(self) -> Box:
        """The outer edges of the cells."""
        west, north = self.transform @ (0, 0)
        east, south = self.transform @ (self.width, self.height)
        return west, south, east, north


@dataclass(frozen=True, slots=True)
class Coverage:
    """Values with their place; masked where there are none."""

    grid: Grid
    values: np.ma.MaskedArray[Any, Any]
    bands: tuple[int, ...]
    nodata: float | None


def read_coverage(layer: LayerEntry, query: CoverageQuery, most: int = PIXELS_MAX) -> Coverage:
    """The values asked for. Raises BadQuery when they are too many, NothingThere, RasterUnreadable."""
    try:
        held = opened(layer)
        bands = query.bands or data_bands(held)
        grid = grid_of(layer, held, query)
        if grid.width * grid.height * len(bands) > most:
            raise BadQuery(
                "scale-size",
                f"{grid.width} × {grid.height} cells of {len(bands)} bands are more than the {most} values of one "
                "answer; ask for a smaller bbox, fewer properties, or a scale-size or scale-factor.",
            )
        return Coverage(grid, _values(held, grid, bands), bands, held.source.nodata)
    except (RasterioError, OSError) as error:
        raise RasterUnreadable(f"The raster of layer {layer.slug!r} cannot be read: {str(error)[:200]}") from error


def data_bands(held: OpenRaster) -> tuple[int, ...]:
    """Numbers of the bands that hold data rather than transparency."""
    return tuple(at for at, kind in enumerate(held.source.colorinterp, 1) if kind != ColorInterp.alpha)


def grid_of(layer: LayerEntry, held: OpenRaster, query: CoverageQuery) -> Grid:
    """Where the answer's cells lie: unless scaled, those of the raster's own CRS stay in place. Raises BadQuery."""
    source = held.source
    srid = query.crs.srid if query.crs else source_srid(layer, held)
    if srid == source_srid(layer, held):
        transform, width, height = source.transform, source.width, source.height
    else:
        transform, width, height = calculate_default_transform(
            source.crs, f"EPSG:{srid}", source.width, source.height, *source.bounds
        )
    if query.box is not None:
        transform, width, height = _cut(query.box, query.box_crs, srid, transform, width, height)
    return _scaled(query, srid, transform, width, height)


def source_srid(layer: LayerEntry, held: OpenRaster) -> int:
    """EPSG code of the raster's own CRS. Raises RasterUnreadable when it has none."""
    srid = layer.srid or held.source.crs.to_epsg()
    if srid is None:
        raise RasterUnreadable(f"The CRS of raster layer {layer.slug!r} has no EPSG code; import it again with --srid.")
    return int(srid)


def _cut(box: Box, crs: Crs, srid: int, transform: Affine, width: int, height: int) -> tuple[Affine, int, int]:
    """The whole cells that a box meets."""
    if crs.srid != srid:
        box = transform_bounds(f"EPSG:{crs.srid}", f"EPSG:{srid}", *box, densify_pts=21)
    left, top = ~transform @ (box[0], box[3])
    right, bottom = ~transform @ (box[2], box[1])
    edges = (left, top, right, bottom)
    if not all(math.isfinite(edge) for edge in edges):
        raise BadQuery("bbox", "it lies outside the area its CRS can be used in.")
    # A box drawn along the edges of cells must not take the next ones for a rounding error.
    first_column, first_row = max(0, math.floor(left + 1e-6)), max(0, math.floor(top + 1e-6))
    # A slice has no width: the one cell it lies in.
    last_column = max(math.ceil(right - 1e-6), math.floor(left + 1e-6) + 1)
    last_row = max(math.ceil(bottom - 1e-6), math.floor(top + 1e-6) + 1)
    columns, rows = min(width, last_column) - first_column, min(height, last_row) - first_row
    if columns <= 0 or rows <= 0:
        whole = ", ".join(map(str, Grid(srid, transform, width, height).box))
        raise NothingThere("bbox", f"it does not meet the coverage, which is {whole} (EPSG:{srid}).")
    return transform @ Affine.translation(first_column, first_row), columns, rows


def _scaled(query: CoverageQuery, srid: int, transform: Affine, width: int, height: int) -> Grid:
    columns, rows = query.width, query.height
    if query.factors is not None:
        columns, rows = max(1, round(width / query.factors[0])), max(1, round(height / query.factors[1]))
    elif columns is None and rows is not None:
        columns = max(1, round(width * rows / height))
    elif rows is None and columns is not None:
        rows = max(1, round(height * columns / width))
    if columns is None or rows is None:
        return Grid(srid, transform, width, height)
    return Grid(srid, transform @ Affine.scale(width / columns, height / rows), columns, rows)


def _values(held: OpenRaster, grid: Grid, bands: tuple[int, ...]) -> np.ma.MaskedArray[Any, Any]:
    source = held.source
    # Classes must not be averaged; other values are, when many become one.
    resampling = Resampling.nearest if held.palette is not None else Resampling.average
    shape = (len(bands), grid.height, grid.width)
    if source.crs.to_epsg() == grid.srid:
        left, top = ~source.transform @ (grid.transform.c, grid.transform.f)
        window = Window(
            round(left, 6),
            round(top, 6),
            grid.width * grid.transform.a / source.transform.a,
            grid.height * grid.transform.e / source.transform.e,
        )
        found = source.read(bands, window=window, out_shape=shape, masked=True, resampling=resampling)
    else:
        resampling = Resampling.nearest if held.palette is not None else Resampling.bilinear
        with WarpedVRT(
            source,
            crs=f"EPSG:{grid.srid}",
            transform=grid.transform,
            width=grid.width,
            height=grid.height,
            resampling=resampling,
            add_alpha=source.nodata is None and ColorInterp.alpha not in source.colorinterp,
            warp_mem_limit=64,
        ) as view:
            found = view.read(bands, out_shape=shape, masked=True)
    return _finite(found)


def _finite(found: np.ma.MaskedArray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
    if np.issubdtype(found.dtype, np.floating):
        hidden = np.ma.getmaskarray(found) | ~np.isfinite(found.data)
        return np.ma.MaskedArray(found.data, hidden)
    return found


def geotiff(coverage: Coverage) -> bytes:
    """The coverage as a Cloud Optimized GeoTIFF."""
    values, nodata = coverage.values, coverage.nodata
    options: dict[str, Any] = {}
    if nodata is None and np.ma.getmaskarray(values).any():
        nodata = _free_value(values)
    if nodata is not None:
        options["nodata"] = nodata
    with MemoryFile() as memory:
        with memory.open(
            driver="COG",
            width=coverage.grid.width,
            height=coverage.grid.height,
            count=len(coverage.bands),
            dtype=values.dtype,
            crs=f"EPSG:{coverage.grid.srid}",
            transform=coverage.grid.transform,
            COMPRESS="DEFLATE",
            **options,
        ) as target:
            target.write(values.filled(nodata) if nodata is not None else values.data)
        return bytes(memory.read())


def _free_value(values: np.ma.MaskedArray[Any, Any]) -> float | None:
    """A value no cell has, for cells without one: what the warp left out of a raster that names none."""
    if np.issubdtype(values.dtype, np.floating):
        return float("nan")
    limits = np.iinfo(values.dtype)
    used = values.compressed()
    return next((float(one) for one in (limits.max, limits.min) if not (used == one).any()), None)


def numbers(values: np.ma.MaskedArray[Any, Any]) -> list[Any]:
    """Values as JSON numbers, row by row, null where there are none."""
    flat: NDArray[Any] = values.ravel().astype(object)
    flat[np.ma.getmaskarray(values).ravel()] = None
    return list(flat)
