"""What sets two states of a raster apart: figures of a band, transitions of classes, and a picture of the difference.

Both are read onto one grid, within a cap of cells: pixel by pixel where they lie on the same grid and are small enough,
else at the overview that fits. Arrays are (row, col).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from layers.catalogue import LayerEntry
from layers.errors import BadQuery, RasterUnreadable
from layers.raster import OpenRaster, colour_bands, encoded, opened, read_masked
from layers.versions.past import at_version
from layers.versions.raster_changes import on_one_grid, without_nan

CELLS_MAX = 4_000_000
"""Cells of each state that a comparison looks at."""
PICTURE_PX = 900
TRANSITIONS = 20
ADDED, REMOVED, SAME, OTHER = (26, 122, 66), (110, 110, 110), (228, 231, 235), (176, 42, 122)
"""Colours: values that came, that went, that stayed, classes that are others now."""
LESS, MORE = np.array((33, 102, 172)), np.array((178, 24, 43))
_MIDDLE = np.array((247, 247, 247))

Values = np.ma.MaskedArray[Any, Any]


@dataclass(frozen=True, slots=True)
class Transition:
    """So many cells were of one class and are of another."""

    old: int
    new: int
    cells: int


@dataclass(frozen=True, slots=True)
class RasterComparison:
    """Figures of one band. Cells are pixels where `is_exact`; differences are after minus before."""

    band: int
    bands: int
    """Bands that both states have."""
    is_exact: bool
    same_grid: bool
    cell: float
    """Of the grid compared on, in units of the CRS of the later state."""
    srid: int | None
    both: int
    added: int
    removed: int
    changed: int
    least: float | None
    greatest: float | None
    mean: float | None
    std: float | None
    rmse: float | None
    transitions: tuple[Transition, ...] | None
    """Of classes (a palette), the most frequent first; None for measurements."""


@dataclass(frozen=True, slots=True)
class _Grid:
    crs: CRS
    transform: Affine
    width: int
    height: int


def compare_rasters(layer: LayerEntry, numbers: tuple[int, int], band: int) -> RasterComparison:
    """From one version to another. Raises LookupError, BadQuery and RasterUnreadable."""
    try:
        before, after = (opened(at_version(layer, number)) for number in numbers)
        bands = _check_band(before, after, band)
        same = on_one_grid(before.source, after.source)
        grid = _grid(before.source, after.source, CELLS_MAX)
        is_exact = same and (grid.width, grid.height) == (after.source.width, after.source.height)
        old, new = (_on(grid, held, band, Resampling.nearest) for held in (before, after))
    except (RasterioError, OSError) as error:
        raise _unreadable(layer, error) from error
    had, has = ~np.ma.getmaskarray(old), ~np.ma.getmaskarray(new)
    both = had & has
    was, now = old.data[both], new.data[both]
    is_classes = before.palette is not None and after.palette is not None
    return RasterComparison(
        band=band,
        bands=bands,
        is_exact=is_exact,
        same_grid=same,
        cell=abs(grid.transform.a),
        srid=grid.crs.to_epsg(),
        both=int(both.sum()),
        added=int((has & ~had).sum()),
        removed=int((had & ~has).sum()),
        changed=int((was != now).sum()),
        transitions=_transitions(was, now) if is_classes else None,
        **_figures(was, now, is_classes),
    )


def difference_picture(layer: LayerEntry, numbers: tuple[int, int], band: int) -> tuple[bytes, float]:
    """A PNG of what differs, and the difference that gets the strongest colours (0 for classes).

    Raises LookupError, BadQuery and RasterUnreadable.
    """
    try:
        before, after = (opened(at_version(layer, number)) for number in numbers)
        _check_band(before, after, band)
        grid = _grid(before.source, after.source, PICTURE_PX * PICTURE_PX, PICTURE_PX)
        is_classes = before.palette is not None and after.palette is not None
        how = Resampling.nearest if is_classes else Resampling.bilinear
        old, new = (_on(grid, held, band, how) for held in (before, after))
    except (RasterioError, OSError) as error:
        raise _unreadable(layer, error) from error
    had, has = ~np.ma.getmaskarray(old), ~np.ma.getmaskarray(new)
    pixels = np.zeros((4, grid.height, grid.width), dtype=np.uint8)
    pixels[3] = np.where(had | has, 255, 0)
    limit = 0.0
    if is_classes:
        _paint(pixels, had & has, SAME)
        _paint(pixels, had & has & (old.data != new.data), OTHER)
    else:
        limit = _diverging(pixels, old, new, had & has)
    _paint(pixels, has & ~had, ADDED)
    _paint(pixels, had & ~has, REMOVED)
    return encoded(pixels, "png"), limit


def _check_band(before: OpenRaster, after: OpenRaster, band: int) -> int:
    bands = min(len(colour_bands(before)), len(colour_bands(after)))
    if not 1 <= band <= bands:
        raise BadQuery("banda", f"{band}: 1–{bands}.")
    return bands


def _grid(before: DatasetReader, after: DatasetReader, cells_most: int, side_most: int = 1 << 30) -> _Grid:
    """The cells of the later state over what both cover, as much coarser as it takes."""
    transform = after.transform
    left, top, right, bottom = 0, 0, after.width, after.height
    if not on_one_grid(before, after):
        west, south, east, north = transform_bounds(before.crs, after.crs, *before.bounds, densify_pts=21)
        if all(map(math.isfinite, (west, south, east, north))):
            (x0, y0), (x1, y1) = ~transform @ (west, north), ~transform @ (east, south)
            left, top = min(left, math.floor(min(x0, x1))), min(top, math.floor(min(y0, y1)))
            right, bottom = max(right, math.ceil(max(x0, x1))), max(bottom, math.ceil(max(y0, y1)))
    width, height = right - left, bottom - top
    factor = max(1.0, math.sqrt(width * height / cells_most), width / side_most, height / side_most)
    columns, rows = max(1, round(width / factor)), max(1, round(height / factor))
    placed = transform @ Affine.translation(left, top) @ Affine.scale(width / columns, height / rows)
    return _Grid(after.crs, placed, columns, rows)


def _on(grid: _Grid, held: OpenRaster, band: int, how: Resampling) -> Values:
    """A band of a state on a grid."""
    source, number = held.source, colour_bands(held)[band - 1]
    if source.crs == grid.crs and source.transform == grid.transform and source.shape == (grid.height, grid.width):
        return without_nan(source.read(number, masked=True))
    west, south, east, north = transform_bounds(source.crs, grid.crs, *source.bounds, densify_pts=21)
    own_cell = math.sqrt(abs((east - west) * (north - south)) / (source.width * source.height))
    ratio = abs(grid.transform.a) / own_cell if math.isfinite(own_cell) and own_cell else 1.0
    with WarpedVRT(
        held.level_for(ratio),
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=Resampling.nearest if held.palette is not None else how,
        add_alpha=source.nodata is None and not held.has_alpha,
        warp_mem_limit=64,
    ) as view:
        values, seen = read_masked(view, [number], out_shape=(grid.height, grid.width))
    return np.ma.MaskedArray(values[0], ~seen)


def _figures(was: NDArray[Any], now: NDArray[Any], is_classes: bool) -> dict[str, float | None]:
    names = ("least", "greatest", "mean", "std", "rmse")
    if is_classes or not len(was):
        return dict.fromkeys(names)
    by = now.astype(np.float64) - was.astype(np.float64)
    found = (by.min(), by.max(), by.mean(), by.std(), math.sqrt(float(np.square(by).mean())))
    return {name: float(value) for name, value in zip(names, found, strict=True)}


def _transitions(was: NDArray[Any], now: NDArray[Any]) -> tuple[Transition, ...]:
    differs = was != now
    pairs, counts = np.unique(np.stack([was[differs], now[differs]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:TRANSITIONS]
    return tuple(Transition(int(pairs[0, at]), int(pairs[1, at]), int(counts[at])) for at in order)


def _diverging(pixels: NDArray[np.uint8], old: Values, new: Values, both: NDArray[np.bool_]) -> float:
    """Blue where it is less now, red where it is more, up to what few differences exceed."""
    by = np.where(both, new.data.astype(np.float64) - old.data.astype(np.float64), 0.0)
    other = np.abs(by[by != 0])
    limit = float(np.quantile(other, 0.98)) if len(other) else 0.0
    part = np.clip(by / limit, -1, 1) if limit else by
    for at in range(3):
        end = np.where(part < 0, LESS[at], MORE[at])
        colour = _MIDDLE[at] + (end - _MIDDLE[at]) * np.sqrt(np.abs(part))
        pixels[at][both] = np.round(colour[both]).astype(np.uint8)
    return limit


def _paint(pixels: NDArray[np.uint8], where: NDArray[np.bool_], colour: tuple[int, int, int]) -> None:
    for at, value in enumerate(colour):
        pixels[at][where] = value


def _unreadable(layer: LayerEntry, error: Exception) -> RasterUnreadable:
    return RasterUnreadable(f"A state of raster layer {layer.slug!r} cannot be read: {str(error)[:200]}")
