"""Pictures of the bench: a map of 512 pixels, and tiles of a raster beside TiTiler."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy as copy_raster
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from layers.models import Layer
from layers.tile_grids import WEB_MERCATOR, TileAddress
from tests.benchmarks import peers
from tests.benchmarks.measure import Case

SIDE, CELL_M = 8192, 1.0
WEST, NORTH = 575_000.0, 5_004_000.0
MIDDLE = (10.0045, 45.1505)
"""Degrees, within the raster."""
LAYERS = 12
NAME = "bench-ortofoto.tif"
EPSG = quote("http://www.opengis.net/def/crs/EPSG/0/", safe="")


def make_raster(folder: Path) -> Path:
    """A picture of three bands in EPSG:32632 as a COG: gradients and grain, so that it neither packs to nothing nor
    to noise. Made once."""
    path = folder / NAME
    if path.exists():
        return path
    rng = np.random.default_rng(7)
    across, down = np.meshgrid(np.arange(SIDE, dtype="float32"), np.arange(SIDE, dtype="float32"))
    plain = folder / "bench-plain.tif"
    profile = {
        "driver": "GTiff", "width": SIDE, "height": SIDE, "count": 3, "dtype": "uint8", "crs": "EPSG:32632",
        "transform": from_origin(WEST, NORTH, CELL_M, CELL_M), "tiled": True,
    }  # fmt: skip
    with rasterio.open(plain, "w", **profile) as target:
        for band, scale in enumerate((97.0, 211.0, 53.0), 1):
            wave = 110 + 70 * np.sin(across / scale) * np.cos(down / scale)
            target.write((wave + rng.integers(0, 40, wave.shape)).astype("uint8"), band)
        target.build_overviews([2, 4, 8, 16, 32], Resampling.average)
    options = {"COMPRESS": "DEFLATE", "BLOCKSIZE": 512, "OVERVIEWS": "FORCE_USE_EXISTING"}
    copy_raster(str(plain), str(path), driver="COG", **options)
    plain.unlink()
    return path


def publish(path: Path) -> None:
    """The raster as layers, where the served product looks for it: several of one file, so that none of their many
    tiles is asked twice."""
    band = {"dtype": "uint8", "min": 0, "max": 255, "mean": 127, "std": 50}
    for number in range(LAYERS):
        Layer.objects.create(
            slug=f"ortofoto-{number}", title_it="Ortofoto", kind=Layer.Kind.RASTER, raster_path=path.name, srid=32632,
            raster_info={"width": SIDE, "height": SIDE, "bands": [band] * 3}, bbox=[9.955, 45.11, 10.06, 45.185],
        )  # fmt: skip


def map_case() -> Case:
    """Maps of 512 x 512 pixels at about zoom 15, each of another place."""
    half = 1200
    boxes = [
        (x - half, y - half, x + half, y + half)
        for x, y in itertools.product(range(577_000, 584_000, 90), range(4_995_500, 5_001_500, 450))
    ]
    root = "/ogc/collections/edifici/map?f=png&width=512&height=512"
    crs = f"&crs={EPSG}32632&bbox-crs={EPSG}32632"
    paths = tuple(f"{root}{crs}&bbox={','.join(map(str, box))}" for box in boxes)
    return Case("map 512², PNG", paths[0], paths=paths)


def raster_case(form: str, url: str) -> Case:
    """Tiles of zooms 13 to 17 around the middle of the raster, each asked once, in an order without order; `url` is
    what every address of TiTiler ends with, which has no answer for a tile that the raster does not reach."""
    asked = []
    corners = (WEST, NORTH - SIDE * CELL_M, WEST + SIDE * CELL_M, NORTH)
    west, south, east, north = transform_bounds("EPSG:32632", "EPSG:3857", *corners)
    for z in (17, 16, 15, 14, 13):
        side = WEB_MERCATOR.side(z)
        x0, y0 = 1_113_695.0, 5_645_000.0
        column, row = int((x0 - WEB_MERCATOR.left) // side), int((WEB_MERCATOR.top - y0) // side)
        reach = range(-7, 8) if z > 15 else range(-2, 3)
        for number, dy, dx in itertools.product(range(LAYERS), reach, reach):
            at = TileAddress(z, row + dy, column + dx)
            left, top = WEB_MERCATOR.left + at.x * side, WEB_MERCATOR.top - at.y * side
            if left >= east or left + side <= west or top - side >= north or top <= south:
                continue
            ours = f"/ogc/collections/ortofoto-{number}/map/tiles/WebMercatorQuad/{z}/{at.y}/{at.x}?f={form}"
            asked.append((ours, f"/cog/tiles/WebMercatorQuad/{z}/{at.x}/{at.y}.{form}{url}"))
    random.Random(7).shuffle(asked)
    paths, at_titiler = zip(*asked, strict=True)
    name = f"raster tiles z13-17, {form.upper()}"
    return Case(name, paths[0], tipg=at_titiler[0], paths=paths, tipg_paths=at_titiler, targets={"titiler": 4})


@contextmanager
def titiler(path: Path, workers: int) -> Iterator[tuple[str, str]]:
    """TiTiler as its manual runs it. Yields its address and what every address of it needs."""
    with peers.titiler(workers) as root:
        yield root, f"?url={quote(str(path), safe='')}"
