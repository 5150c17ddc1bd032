"""From values of a band to colours: palettes, ramps, hillshade. Pure arrays, no files."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from layers.styles.model import RasterClass
from layers.styles.palette import colours

SUN_AZIMUTH_DEG, SUN_ALTITUDE_DEG = 315.0, 45.0


@lru_cache(maxsize=64)
def ramp_table(name: str, reverse: bool = False) -> NDArray[np.uint8]:
    """256 colours of a palette of `layers.styles.palette`, as (place, channel)."""
    return _table(colours(name, 256, reverse=reverse))


def ramp(levels: NDArray[np.uint8], name: str, reverse: bool = False) -> NDArray[np.uint8]:
    """(row, col) of 0–255 as (3, row, col) of colours."""
    table: NDArray[np.uint8] = ramp_table(name, reverse)
    return table[levels].transpose(2, 0, 1)


def in_classes(values: NDArray[np.generic], classes: tuple[RasterClass, ...]) -> NDArray[np.uint8]:
    """(row, col) of values as (3, row, col) of the colours of their classes; the last holds all that is above."""
    limits = np.array([entry.maximum for entry in classes[:-1]])
    places = np.searchsorted(limits, values.astype(np.float64), side="right")
    return _table(tuple(entry.colour for entry in classes))[places].transpose(2, 0, 1)


def _table(shades: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in shades], dtype=np.uint8)


def lookup(colormap: dict[int, tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    """A palette as a table of 256 RGBA colours."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for value, colour in colormap.items():
        if 0 <= value < 256:
            table[value] = colour
    return table


def stretched(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values between low and high as 0–255; a band of one value is in the middle."""
    if not high > low:
        return np.full(values.shape, 127, dtype=np.uint8)
    scaled = (values.astype(np.float32) - low) * (255.0 / (high - low))
    clipped: NDArray[np.uint8] = np.clip(scaled, 0, 255).astype(np.uint8)
    return clipped


def hillshade(heights: NDArray[np.generic], cell_m: float) -> NDArray[np.float32]:
    """How much light each pixel gets, about 0.5 to 1.1, from heights in metres on square cells (Horn 1981)."""
    down, right = np.gradient(heights.astype(np.float32), cell_m)
    slope = np.arctan(np.hypot(down, right))
    aspect = np.arctan2(-right, down)
    zenith, azimuth = math.radians(90 - SUN_ALTITUDE_DEG), math.radians(SUN_AZIMUTH_DEG)
    # Angles clockwise from north; `down` grows southward, so the slope faces (east: -right, north: down).
    light = math.cos(zenith) * np.cos(slope) + math.sin(zenith) * np.sin(slope) * np.cos(azimuth - aspect)
    shade: NDArray[np.float32] = (0.45 + 0.8 * np.clip(light, 0, 1)).astype(np.float32)
    return shade
