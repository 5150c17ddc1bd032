"""Map tiles of a raster in WebMercatorQuad: windows read through overviews, stretched, encoded. Never a whole file.

Datasets stay open, a few per thread: opening one costs ten times a warped read (performance.md 3.9). Each tile is
warped from the overview next to its own resolution, and no pixel beside it. Arrays are (band, row, col).
"""

from __future__ import annotations

import math
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from django.conf import settings
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from layers.catalogue import LayerEntry
from layers.errors import RasterUnreadable
from layers.raster_colour import hillshade, in_classes, lookup, ramp, stretched
from layers.raster_legend import known_limits, plain_look
from layers.styles.model import RasterLook
from layers.tile_grids import WORLD_M, TileAddress

TILE_PX = 256
OPEN_PER_THREAD = 12
SOURCE_PIXELS_CAP = 64_000_000
"""Most pixels one tile may make GDAL look at; only a raster without overviews, seen from afar, has more."""

OVERSAMPLING = 1.2
"""How much coarser than a picture the overview may be that it is made from: what GDAL takes for its own reads."""

# A picture of a tile has no place in the world of its own: its address says where it is.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=r"rasterio\.io")

Pixels = NDArray[np.uint8]


@dataclass(slots=True)
class OpenRaster:
    """A dataset and its view in EPSG:3857, kept open by the thread that opened them."""

    source: DatasetReader
    warped: WarpedVRT
    palette: Pixels | None
    has_alpha: bool
    levels: dict[int, DatasetReader] = field(default_factory=dict)
    """Its overviews that a tile has asked for, by their number."""

    def level_for(self, ratio: float) -> DatasetReader:
        """The dataset or overview to make a picture from each of whose pixels is so many of the dataset's wide.

        A warped view does not look for overviews itself: from afar it would read everything.
        """
        fitting = [at for at, factor in enumerate(self.source.overviews(1)) if factor <= ratio * OVERSAMPLING]
        if not fitting:
            return self.source
        at = fitting[-1]
        if at not in self.levels:
            self.levels[at] = rasterio.open(self.source.name, driver="GTiff", sharing=False, overview_level=at)
        return self.levels[at]

    def view(self, cell: float, west: float, north: float, size: int) -> WarpedVRT:
        """A square of so many pixels from a corner in EPSG:3857, to be read once and closed."""
        grid = Affine(cell, 0.0, west, 0.0, -cell, north)
        level = self.level_for(cell / self.warped.transform.a)
        return WarpedVRT(level, transform=grid, width=size, height=size, **warping(self.source))

    def close(self) -> None:
        # The views before what they look at; one that does not close must not keep the others open.
        for one in (self.warped, *self.levels.values(), self.source):
            with suppress(RasterioError):
                one.close()


class _Held(threading.local):
    def __init__(self) -> None:
        self.rasters: OrderedDict[tuple[str, int], OpenRaster] = OrderedDict()


_held = _Held()
WEB_MERCATOR_CRS = CRS.from_epsg(3857)


def map_tile(layer: LayerEntry, address: TileAddress, form: str, look: RasterLook | None = None) -> bytes:
    """One tile of 256 x 256 pixels as "png", "webp" or "jpeg" (on white), transparent where the raster has no data.

    `look` is what its style says; without one, palettes keep their colours, three bands are red, green and blue, one
    band gets a ramp over its statistics and, when it is terrain, a hillshade. Raises RasterUnreadable.
    """
    if is_before_all(layer):
        return encoded(np.zeros((4, TILE_PX, TILE_PX), dtype=np.uint8), form)
    try:
        held = opened(layer)
        cell_m = _cell_m(address)
        pixels = painted(layer, held, lambda bands, margin: read_tile(held, address, bands, margin), cell_m, look)
        return encoded(pixels, form)
    except (RasterioError, OSError) as error:
        raise RasterUnreadable(f"The raster of layer {layer.slug!r} cannot be read: {str(error)[:200]}") from error


def is_before_all(layer: LayerEntry) -> bool:
    """Whether a layer is asked for as it was before its first version, when there was nothing to see of it."""
    return layer.past is not None and not layer.raster_path


def raster_file(layer: LayerEntry) -> Path:
    """Where the file is. Raises RasterUnreadable for a path that leaves RASTER_DIR or a file that is not there."""
    root = Path(settings.RASTER_DIR).resolve()
    path = (root / layer.raster_path).resolve()
    if not layer.raster_path or not path.is_relative_to(root) or not path.is_file():
        raise RasterUnreadable(f"The file of raster layer {layer.slug!r} is not in place; import it again.")
    return path


def opened(layer: LayerEntry) -> OpenRaster:
    """The layer's dataset, open in this thread: again when the file changed, least recently used closed first."""
    path = raster_file(layer)
    key = str(path), path.stat().st_mtime_ns
    held = _held.rasters.get(key)
    if held is None:
        held = _held.rasters[key] = _open(path)
        while len(_held.rasters) > OPEN_PER_THREAD:
            _held.rasters.popitem(last=False)[1].close()
    _held.rasters.move_to_end(key)
    return held


def _open(path: Path) -> OpenRaster:
    source = rasterio.open(path, driver="GTiff", sharing=False)
    palette = lookup(source.colormap(1)) if _has_palette(source) else None
    return OpenRaster(source, WarpedVRT(source, **warping(source)), palette, ColorInterp.alpha in source.colorinterp)


def _has_palette(source: DatasetReader) -> bool:
    return bool(source.count == 1 and source.colorinterp[0] == ColorInterp.palette)


def warping(source: DatasetReader, crs: CRS = WEB_MERCATOR_CRS) -> dict[str, Any]:
    """How a raster is brought into another CRS."""
    return {
        "crs": crs,
        # Classes must not be averaged.
        "resampling": Resampling.nearest if _has_palette(source) else Resampling.bilinear,
        "add_alpha": source.nodata is None and ColorInterp.alpha not in source.colorinterp,
        "warp_mem_limit": 64,
    }


Read = Callable[[list[int], int], tuple[NDArray[Any], NDArray[np.bool_]]]
"""Values of some bands with a margin of pixels around, and where there is data."""


def painted(layer: LayerEntry, held: OpenRaster, read: Read, cell_m: float, look: RasterLook | None = None) -> Pixels:
    """RGBA of what `read` gives; `cell_m` is the ground under one of its pixels, in metres."""
    look = look or own_look(layer, held)
    if look is not None:
        return _by_look(layer, held, read, cell_m, look)
    if held.palette is not None:
        values, seen = read([1], 0)
        classes = np.clip(values[0], 0, 255).astype(np.uint8)
        return np.where(seen, held.palette[classes].transpose(2, 0, 1), 0).astype(np.uint8)
    bands = colour_bands(held)[:3]
    values, seen = read(bands, 0)
    if held.source.dtypes[0] == "uint8":
        return _with_alpha(values.astype(np.uint8), seen)
    bytes_ = np.stack([stretched(values[at], *limits(layer, held, band)) for at, band in enumerate(bands)])
    return _with_alpha(bytes_, seen)


def colour_bands(held: OpenRaster) -> list[int]:
    """Numbers of the bands that are not transparency."""
    return [band for band, kind in enumerate(held.source.colorinterp, 1) if kind != ColorInterp.alpha]


def own_look(layer: LayerEntry, held: OpenRaster) -> RasterLook | None:
    """What a raster without a style looks like; None for palettes and colours, which say it themselves."""
    bands = colour_bands(held)
    if held.palette is not None or len(bands) >= 3:
        return None
    return plain_look(layer, bands[0])


def _by_look(layer: LayerEntry, held: OpenRaster, read: Read, cell_m: float, look: RasterLook) -> Pixels:
    if look.band > held.source.count:
        raise RasterUnreadable(f"Layer {layer.slug!r} has {held.source.count} bands; its style asks for {look.band}.")
    # A pixel of margin, so that slopes at the edge are as inside.
    margin = 1 if look.hillshade else 0
    values, seen = read([look.band], margin)
    if look.classes:
        tinted = in_classes(values[0], look.classes)
    else:
        low, high = limits(layer, held, look.band)
        low = low if look.minimum is None else look.minimum
        high = high if look.maximum is None else look.maximum
        tinted = ramp(stretched(values[0], low, high), look.ramp, look.reverse)
    if not look.hillshade:
        return _with_alpha(tinted, seen)
    # Beside a pixel without data there is no slope to speak of: it would draw a dark rim.
    whole = seen.copy()
    whole[1:-1, 1:-1] &= seen[:-2, 1:-1] & seen[2:, 1:-1] & seen[1:-1, :-2] & seen[1:-1, 2:]
    shaded = tinted.astype(np.float32) * np.where(whole, hillshade(values[0], cell_m), 1.0)
    return _with_alpha(np.clip(shaded, 0, 255).astype(np.uint8), seen)[:, 1:-1, 1:-1]


def _cell_m(address: TileAddress) -> float:
    # EPSG:3857 metres are longer than metres on the ground, by the cosine of the latitude.
    north = math.pi * (1 - 2 * (address.y + 0.5) / 2**address.z)
    return address.width_m / TILE_PX * math.cos(math.atan(math.sinh(north)))


def _with_alpha(colours: Pixels, seen: NDArray[np.bool_]) -> Pixels:
    rgba = np.empty((len(colours) + 1, *seen.shape), dtype=np.uint8)
    np.multiply(colours, seen, out=rgba[:-1], casting="unsafe")
    np.multiply(seen, np.uint8(255), out=rgba[-1])
    return rgba


def limits(layer: LayerEntry, held: OpenRaster, band: int) -> tuple[float, float]:
    """The values that become darkest and lightest: two standard deviations round the mean, within the extremes."""
    known = known_limits(layer, band)
    if known is not None:
        return known
    (found,) = held.source.stats(indexes=[band], approx=True)
    return max(found.min, found.mean - 2 * found.std), min(found.max, found.mean + 2 * found.std)


def read_tile(
    held: OpenRaster, address: TileAddress, bands: list[int], margin: int = 0
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values of a tile, and where there is data. Outside the raster there is none. Raises RasterUnreadable."""
    size = TILE_PX + 2 * margin
    cell = address.width_m / TILE_PX
    west = address.x * address.width_m - WORLD_M / 2 - margin * cell
    north = WORLD_M / 2 - address.y * address.width_m + margin * cell
    east, south = west + size * cell, north - size * cell
    whole = held.warped
    left, bottom, right, top = whole.bounds
    if east <= left or west >= right or south >= top or north <= bottom:
        nothing = np.zeros((len(bands), size, size), dtype=whole.dtypes[bands[0] - 1])
        return nothing, np.zeros((size, size), dtype=bool)
    _refuse_from_afar(held, (west, south, east, north))
    with held.view(cell, west, north, size) as view:
        return read_masked(view, bands, out_shape=(size, size))


def read_masked(
    view: WarpedVRT, bands: list[int], *, window: Window | None = None, out_shape: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values of some bands with 0 where there is no data, and where there is.

    GDAL takes all pixels of a warped view for valid when it adds the alpha band itself: what lies outside the source
    is told by that band alone.
    """
    alpha = view.colorinterp.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in view.colorinterp else 0
    asked = [*bands, alpha] if alpha and alpha not in bands else bands
    # The alpha band alone tells it all where there is one; asking for masks would read it again for each band.
    is_told = bool(alpha) and view.nodata is None
    part = view.read(asked, window=window, out_shape=(len(asked), *out_shape), masked=not is_told, boundless=False)
    values = part[: len(bands)]
    if is_told:
        hidden = part[asked.index(alpha)] == 0
    else:
        hidden = np.ma.getmaskarray(values).all(axis=0)
        if alpha:
            hidden |= np.ma.getdata(part)[asked.index(alpha)] == 0
        values = values.filled(0)
    if np.issubdtype(values.dtype, np.floating):
        hidden |= ~np.isfinite(values).all(axis=0)
        values[~np.isfinite(values)] = 0
    if is_told and hidden.any():
        values[:, hidden] = 0
    return values, ~hidden


def _refuse_from_afar(held: OpenRaster, box: tuple[float, float, float, float]) -> None:
    """Raises RasterUnreadable when GDAL would have to look at too many pixels under a box of EPSG:3857."""
    west, south, east, north = box
    bounds, finest = held.warped.bounds, held.warped.transform.a
    columns = (min(east, bounds.right) - max(west, bounds.left)) / finest
    rows = (min(north, bounds.top) - max(south, bounds.bottom)) / finest
    if columns * rows > SOURCE_PIXELS_CAP and not held.source.overviews(1):
        raise RasterUnreadable("This raster has no overviews to be seen from so far; zoom in, or import it again.")


_OPTIONS: dict[str, dict[str, Any]] = {
    "png": {"ZLEVEL": 1},
    "webp": {"QUALITY": 85, "METHOD": 0},
    "jpeg": {"QUALITY": 85},
}


def encoded(pixels: Pixels, form: str) -> bytes:
    """RGBA as PNG or WebP (the quickest way of each: tiles are cached, bytes are cheap), or on white as JPEG."""
    if form != "png" and pixels[3].min() == 255:
        pixels = pixels[:3]  # what is opaque everywhere is packed quicker without saying so
    elif form == "jpeg":
        seen = pixels[3].astype(np.uint16)
        pixels = ((pixels[:3] * seen + 255 * (255 - seen)) // 255).astype(np.uint8)
    profile = {"width": pixels.shape[2], "height": pixels.shape[1], "count": len(pixels), "dtype": "uint8"}
    with MemoryFile() as memory:
        with memory.open(driver=form.upper(), **profile, **_OPTIONS[form]) as target:
            target.write(pixels)
        return bytes(memory.read())
