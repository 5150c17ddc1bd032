"""What a picture shows: a box in a CRS on so many pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from pyproj.exceptions import ProjError

from layers.crs import Crs, transformer
from layers.errors import BadQuery

MAX_SIDE_PX = 8192
MAX_PIXELS = 16_777_216
"""64 MB of RGBA: an A3 sheet at 300 dots an inch, and no more than one worker can hold."""
METRES_PER_DEGREE = 111_320.0
ZOOM_0_CELL = 156_543.03392804097
"""Metres of EPSG:3857 that one pixel of zoom 0 covers, with tiles of 256 pixels."""

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class View:
    """`box` is west, south, east, north in units of `crs`, easting or longitude first whatever its axis order says."""

    crs: Crs
    box: Bounds
    width: int
    height: int

    @classmethod
    def asked(cls, crs: Crs, box: Bounds, width: int, height: int) -> View:
        """What a request asks for. Raises BadQuery for a box without area and for too many pixels."""
        if not (1 <= width <= MAX_SIDE_PX and 1 <= height <= MAX_SIDE_PX):
            raise BadQuery("width, height", f"found {width} x {height}; each is 1 to {MAX_SIDE_PX} pixels.")
        if width * height > MAX_PIXELS:
            raise BadQuery("width, height", f"{width} x {height} is more than {MAX_PIXELS} pixels in all.")
        if not all(math.isfinite(number) for number in box) or box[0] >= box[2] or box[1] >= box[3]:
            raise BadQuery("bbox", "its first corner must be less than its second one, on both axes.")
        return cls(crs, box, width, height)

    @property
    def cell(self) -> float:
        """Units of the CRS that one pixel covers, along the longer of its sides."""
        west, south, east, north = self.box
        return max((east - west) / self.width, (north - south) / self.height)

    @property
    def cell_m(self) -> float:
        """Metres on the ground, about, that one pixel covers."""
        if self.crs.is_geographic:
            return self.cell * METRES_PER_DEGREE
        return self.cell * (math.cos(math.radians(self.latitude)) if self.crs.srid == 3857 else 1.0)

    @property
    def scale_denominator(self) -> float:
        """As OGC services count scale: a pixel is 0.28 mm (WMS 1.3.0, 7.2.4.6.9)."""
        return self.cell * (METRES_PER_DEGREE if self.crs.is_geographic else 1.0) / 0.00028

    @property
    def zoom(self) -> float:
        """The zoom of WebMercatorQuad tiles of 256 pixels that show as much ground on a pixel."""
        return math.log2(ZOOM_0_CELL * max(math.cos(math.radians(self.latitude)), 0.01) / max(self.cell_m, 1e-9))

    @cached_property
    def degrees(self) -> Bounds | None:
        """The box in degrees; None when it lies where the CRS means nothing."""
        return bounds_between(self.crs.srid, 4326, self.box)

    @property
    def latitude(self) -> float:
        """Of the middle, in degrees."""
        box = self.degrees
        return max(-85.0, min(85.0, (box[1] + box[3]) / 2)) if box else 45.0

    def grown(self, pixels: float) -> View:
        """The same with so many pixels more on each side."""
        west, south, east, north = self.box
        x, y = (east - west) / self.width * pixels, (north - south) / self.height * pixels
        more = round(2 * pixels)
        return View(self.crs, (west - x, south - y, east + x, north + y), self.width + more, self.height + more)


def bounds_between(source: int, target: int, box: Bounds) -> Bounds | None:
    """A box in another CRS, by EPSG codes, easting first on both sides; None when it has no finite one."""
    if source == target:
        return box
    try:
        found = transformer(source, target).transform_bounds(*box, densify_pts=21)
    except ProjError:
        return None
    if not all(math.isfinite(number) for number in found) or found[0] > found[2]:
        return None
    return found[0], found[1], found[2], found[3]
