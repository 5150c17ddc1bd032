"""Map tiles of rasters: right place, right colours, transparent where there is nothing, files that lie or are gone."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from django.conf import settings
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from layers import catalogue
from layers.catalogue import LayerEntry
from layers.crs import epsg
from layers.drawing.rasters import raster_png
from layers.drawing.view import View
from layers.errors import RasterUnreadable
from layers.models import Layer
from layers.raster import map_tile
from layers.tile_grids import WORLD_M, TileAddress

WEST, NORTH, CELL = 580000.0, 5000000.0, 5.0
TO_3857 = pyproj.Transformer.from_crs(32632, 3857, always_xy=True)


def write(name: str, bands: np.ndarray, colormap: Mapping[int, tuple[int, ...]] | None = None, **profile: Any) -> str:
    folder = Path(settings.RASTER_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype.name}
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, CELL, CELL)}
    with rasterio.open(folder / name, "w", driver="GTiff", **shape, **place, **profile) as target:
        target.write(bands)
        if colormap:
            target.write_colormap(1, colormap)
    return name


@pytest.fixture
def entry(db: None) -> LayerEntry:
    Layer.objects.create(slug="quadro", title_it="Quadro", kind="raster", raster_path="x.tif", srid=32632)
    return catalogue._load().layers["quadro"]


def pixel(layer: LayerEntry, easting: float, northing: float, z: int = 15, form: str = "png") -> tuple[int, ...]:
    """Colour of a place of EPSG:32632 in the tile that holds it."""
    x, y = TO_3857.transform(easting, northing)
    column, row = (x / WORLD_M + 0.5) * 2**z, (0.5 - y / WORLD_M) * 2**z
    tile = map_tile(layer, TileAddress(z, math.floor(row), math.floor(column)), form)
    with MemoryFile(tile) as memory, memory.open() as picture:
        image = picture.read()
    assert image.shape == (4, 256, 256)
    return tuple(int(v) for v in image[:, int(row % 1 * 256), int(column % 1 * 256)])


def quarters(dtype: str, a: float, b: float, c: float, d: float, size: int = 200) -> np.ndarray:
    """North-west, north-east, south-west, south-east."""
    half = np.zeros((1, size, size), dtype=dtype)
    middle = size // 2
    half[0, :middle, :middle], half[0, :middle, middle:] = a, b
    half[0, middle:, :middle], half[0, middle:, middle:] = c, d
    return half


def centre(column: int, row: int, size: int = 200) -> tuple[float, float]:
    """Middle of a quarter, EPSG:32632."""
    return WEST + CELL * size * (0.25 + column / 2), NORTH - CELL * size * (0.25 + row / 2)


@pytest.mark.parametrize("z", [13, 15, 17])
def test_a_palette_keeps_its_colours_and_nodata_is_transparent(entry: LayerEntry, z: int) -> None:
    colours = {1: (200, 10, 20, 255), 2: (10, 200, 30, 255), 3: (5, 6, 250, 255)}
    name = write("palette.tif", quarters("uint8", 0, 1, 2, 3), colours, nodata=0)
    layer = replace(entry, raster_path=name)
    assert pixel(layer, *centre(0, 0), z)[3] == 0
    assert [pixel(layer, *centre(*at), z) for at in ((1, 0), (0, 1), (1, 1))] == list(colours.values())


def test_outside_the_raster_is_transparent(entry: LayerEntry) -> None:
    layer = replace(entry, raster_path=write("small.tif", quarters("uint8", 1, 2, 3, 4)))
    assert pixel(layer, WEST - 30, NORTH + 30, 17)[3] == 0
    assert pixel(layer, WEST + 30, NORTH - 30, 17)[3] == 255
    assert not any(pixel(layer, 700000, 4800000, 10))


@pytest.mark.parametrize(("z", "is_far"), [(17, False), (15, False), (14, False), (13, True), (12, True)])
def test_from_afar_the_overviews_are_read_and_nothing_finer(entry: LayerEntry, z: int, is_far: bool) -> None:
    name = write("overviews.tif", np.full((3, 800, 800), 30, dtype="uint8"), tiled=True, blockxsize=256, blockysize=256)
    with rasterio.open(Path(settings.RASTER_DIR) / name, "r+") as target:
        target.build_overviews([2, 4, 8])
        # Only the overviews are dark now.
        target.write(np.full((3, 800, 800), 220, dtype="uint8"))
    layer = replace(entry, raster_path=name)
    assert pixel(layer, WEST + 2000, NORTH - 2000, z)[:3] == ((30, 30, 30) if is_far else (220, 220, 220))
    view = View(epsg(32632), (WEST, NORTH - 4000, WEST + 4000, NORTH), 100 if is_far else 1000, 100 if is_far else 1000)
    picture = raster_png(layer, view)
    assert picture is not None
    with MemoryFile(picture) as memory, memory.open() as image:
        assert int(image.read(1)[50, 50]) == (30 if is_far else 220)


def test_one_band_is_stretched_over_its_statistics(entry: LayerEntry) -> None:
    layer = replace(entry, raster_path=write("grey.tif", quarters("float32", 100, 200, 300, 400)))
    dark, light = pixel(layer, *centre(0, 0)), pixel(layer, *centre(1, 1))
    assert sum(dark[:3]) < sum(light[:3]) and dark[3] == light[3] == 255


def test_values_that_are_not_numbers_are_transparent(entry: LayerEntry) -> None:
    layer = replace(entry, raster_path=write("nan.tif", quarters("float32", np.nan, 2, 3, 4)))
    assert pixel(layer, *centre(0, 0))[3] == 0 and pixel(layer, *centre(1, 1))[3] == 255


def test_three_bands_of_bytes_are_red_green_and_blue(entry: LayerEntry) -> None:
    bands = np.concatenate(
        [quarters("uint8", 250, 9, 1, 1), quarters("uint8", 8, 240, 1, 1), quarters("uint8", 7, 6, 1, 1)]
    )
    layer = replace(entry, raster_path=write("rgb.tif", bands))
    assert pixel(layer, *centre(0, 0)) == (250, 8, 7, 255) and pixel(layer, *centre(1, 0)) == (9, 240, 6, 255)
    assert pixel(layer, *centre(0, 0), form="webp")[0] > 230


def test_a_slope_towards_the_light_is_brighter_than_one_away_from_it(entry: LayerEntry) -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    ridge = (500 - 5 * np.abs(columns + rows - 199))[None].astype("float32")  # runs from south-west to north-east
    layer = replace(entry, slug="dtm-di-prova", raster_path=write("dtm.tif", ridge))
    north_west, south_east = pixel(layer, *_at(80, 80), 16), pixel(layer, *_at(119, 119), 16)
    assert sum(north_west[:3]) > sum(south_east[:3]) + 60


def _at(column: int, row: int) -> tuple[float, float]:
    return WEST + CELL * (column + 0.5), NORTH - CELL * (row + 0.5)


@pytest.mark.parametrize("path", ["gone.tif", "../../etc/passwd", "/etc/passwd", "", "text.tif"])
def test_a_file_that_is_gone_elsewhere_or_no_raster_is_refused(entry: LayerEntry, path: str) -> None:
    (Path(settings.RASTER_DIR) / "text.tif").write_text("<VRTDataset/>")
    with pytest.raises(RasterUnreadable):
        map_tile(replace(entry, raster_path=path), TileAddress(1, 0, 1), "png")


@pytest.mark.parametrize(
    "name", ["cog_palette_3857", "povo_dtm_1m_25832", "sentinel2_l2a_fishbourne_32630", "landsat_rgb_byte_32618",
             "cog_landsat_uint16_32621"])  # fmt: skip
def test_real_rasters_draw_where_they_are(entry: LayerEntry, real_data: Path, name: str, settings: Any) -> None:
    settings.RASTER_DIR = real_data / "raster"
    layer = replace(entry, slug=name.replace("_", "-"), raster_path=f"{name}.tif")
    with rasterio.open(settings.RASTER_DIR / layer.raster_path) as source:
        to_3857 = pyproj.Transformer.from_crs(source.crs, 3857, always_xy=True)
        x, y = to_3857.transform(*source.transform @ (source.width / 2, source.height / 2))
    for z in (8, 12, 15):
        row, column = math.floor((0.5 - y / WORLD_M) * 2**z), math.floor((x / WORLD_M + 0.5) * 2**z)
        with MemoryFile(map_tile(layer, TileAddress(z, row, column), "png")) as memory, memory.open() as picture:
            assert picture.read(4).any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_picture_is_transparent_outside_a_raster_that_declares_no_nodata(entry: LayerEntry, dtype: str) -> None:
    path = Path(settings.RASTER_DIR) / f"pieno-{dtype}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": dtype, "crs": "EPSG:32632"}
    with rasterio.open(path, "w", transform=from_origin(580000, 4998640, 10, 10), **profile) as file:
        file.write(np.full((64, 64), 7, dtype=dtype), 1)
    box = (579360, 4997360, 581280, 4999280)
    picture = raster_png(replace(entry, raster_path=path.name), View(epsg(32632), box, 96, 96))
    assert picture is not None
    with MemoryFile(picture) as memory, memory.open() as image:
        alpha = image.read(4)
    assert alpha[48, 48] == 255 and alpha[5, 5] == 0
    assert (alpha == 255).mean() == pytest.approx(1 / 9, abs=0.01)
    path.unlink()
