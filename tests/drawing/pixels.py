"""Pictures as pixels, decoded by another library than the one that encoded them."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

CLEAR = (0, 0, 0, 0)


def decoded(body: bytes) -> NDArray[np.uint8]:
    """(row, col, RGBA), palettes looked up, opaque where the format has no alpha."""
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
    with MemoryFile(body) as memory, memory.open() as picture:
        bands = picture.read()
        found: NDArray[np.uint8]
        if picture.count == 1 and picture.colorinterp[0] == ColorInterp.palette:
            table = np.zeros((256, 4), dtype=np.uint8)
            for value, colour in picture.colormap(1).items():
                table[value] = colour
            found = table[bands[0]]
            return found
        if picture.count == 1:
            bands = np.concatenate([bands, bands, bands])
        if picture.count == 2:
            bands = np.concatenate([bands[:1], bands[:1], bands])
    if len(bands) == 3:
        bands = np.concatenate([bands, np.full_like(bands[:1], 255)])
    found = bands.transpose(1, 2, 0)
    return found


def at(image: NDArray[np.uint8], x: float, y: float) -> tuple[int, ...]:
    """The colour at a share of the width from the left and of the height from the top."""
    height, width = image.shape[:2]
    return tuple(int(part) for part in image[int(height * y), int(width * x)])


def near(colour: tuple[int, ...], wanted: str, slack: int = 8) -> bool:
    """Whether an opaque colour is about "#rrggbb"."""
    parts = [int(wanted[place : place + 2], 16) for place in (1, 3, 5)] + [255]
    return all(abs(one - other) <= slack for one, other in zip(colour, parts, strict=True))
