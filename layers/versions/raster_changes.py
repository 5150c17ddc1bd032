"""How many pixels of a raster another one adds, changes and removes, read a few blocks at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

PixelCounts = tuple[int, int, int]
"""Pixels added, changed and removed: a pixel has a value where any of its bands has."""

_AT_ONCE = 4_000_000
"""Values of all bands that are held of each raster."""


def changes_between(was: Path, now: Path, pixels_was: int, pixels_now: int) -> PixelCounts:
    """Counted exactly where both lie on one grid; else all of one go and all of the other come.

    Raises RasterioError and OSError.
    """
    with rasterio.open(was, driver="GTiff") as before, rasterio.open(now, driver="GTiff") as after:
        if not on_one_grid(before, after) or before.count != after.count:
            return pixels_now, 0, pixels_was
        added = changed = removed = 0
        for window in parts(after):
            (old, had), (new, has) = _values(before, window), _values(after, window)
            added += int(np.count_nonzero(has & ~had))
            removed += int(np.count_nonzero(had & ~has))
            changed += int(np.count_nonzero(had & has & differing(old, new)))
        return added, changed, removed


def on_one_grid(one: DatasetReader, other: DatasetReader) -> bool:
    """Whether each pixel of one lies exactly on a pixel of the other."""
    same = one.crs == other.crs and one.shape == other.shape
    # Less than a thousandth of a pixel at the far corner is how the same file is written by two programs.
    near = one.transform.almost_equals(other.transform, precision=abs(one.transform.a) * 1e-3 / max(one.shape))
    return bool(same and near)


def differing(old: np.ma.MaskedArray[Any, Any], new: np.ma.MaskedArray[Any, Any]) -> NDArray[np.bool_]:
    """Where any band of two (band, row, col) arrays has another value, or has one in one of them only."""
    hidden_old, hidden_new = np.ma.getmaskarray(old), np.ma.getmaskarray(new)
    other = (hidden_old != hidden_new) | (~hidden_old & (old.data != new.data))
    found: NDArray[np.bool_] = other.any(axis=0)
    return found


def without_nan(values: np.ma.MaskedArray[Any, Any]) -> np.ma.MaskedArray[Any, Any]:
    """Values that are no numbers taken for none at all."""
    if np.issubdtype(values.dtype, np.inexact):
        return np.ma.MaskedArray(values.data, np.ma.getmaskarray(values) | ~np.isfinite(values.data))
    return values


def pixels_of(info: dict[str, Any]) -> int:
    """How many pixels have a value, as the catalogue knows it."""
    bands = info.get("bands") or []
    counted = [int(band["valid_pixels"]) for band in bands if band.get("valid_pixels") is not None]
    return max(counted, default=int(info.get("width") or 0) * int(info.get("height") or 0))


def parts(source: DatasetReader) -> Iterator[Window]:
    """Windows of whole blocks that together are all of it, each of so many values as fit in memory."""
    high, wide = source.block_shapes[0]
    columns = max(wide, min(source.width, math.isqrt(_AT_ONCE)) // wide * wide)
    rows = max(high, _AT_ONCE // (columns * source.count) // high * high)
    for top in range(0, source.height, rows):
        for left in range(0, source.width, columns):
            yield Window(left, top, min(columns, source.width - left), min(rows, source.height - top))


def _values(source: DatasetReader, window: Window) -> tuple[np.ma.MaskedArray[Any, Any], NDArray[np.bool_]]:
    values = without_nan(source.read(window=window, masked=True))
    return values, ~np.ma.getmaskarray(values).all(axis=0)
