"""Pictures hold what the style says where the data is, in every CRS, and the process stays as it was."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.transform import from_origin

from layers.crs import SERVED_SRIDS, crs84, epsg
from layers.drawing.draw import Drawn, draw
from layers.drawing.scale import POINT_GROWTH, factor
from layers.drawing.view import Bounds, View, bounds_between
from layers.errors import BadQuery, StyleNotFound
from layers.rights import EVERYTHING, PUBLIC
from layers.styles.model import parse
from layers.styles.offered import style_named
from tests.drawing.conftest import BLUE, GREEN, RED, SOUTH, WEST, entry, solid
from tests.drawing.pixels import CLEAR, at, decoded, near

AROUND = (WEST - 50, SOUTH - 50, WEST + 350, SOUTH + 150)


def bounds(srid: int, box: Bounds = AROUND) -> Bounds:
    found = bounds_between(32632, srid, box)
    assert found is not None
    return found


def view(srid: int = 32632, width: int = 400, height: int = 200, box=AROUND) -> View:
    return View(epsg(srid), bounds(srid, box), width, height)


def drawn(slug: str, style: str = "", **spec: Any) -> Drawn:
    layer = entry(slug)
    return Drawn(layer, parse(spec) if spec else style_named(layer, EVERYTHING, style).spec)


@pytest.mark.parametrize("srid", SERVED_SRIDS)
def test_classes_stand_where_the_data_is_in_every_crs(plot: SimpleNamespace, srid: int) -> None:
    seen = view(srid)
    image = decoded(draw([drawn("quadrati")], seen, "png"))
    to = pyproj.Transformer.from_crs(32632, srid, always_xy=True)
    west, south, east, north = seen.box

    def colour(easting: float, northing: float) -> tuple[int, ...]:
        x, y = to.transform(easting, northing)
        return at(image, (x - west) / (east - west), (north - y) / (north - south))

    assert near(colour(WEST + 50, SOUTH + 20), RED)
    assert near(colour(WEST + 150, SOUTH + 80), GREEN)
    assert near(colour(WEST + 250, SOUTH + 50), BLUE)
    assert colour(WEST - 30, SOUTH + 50) == CLEAR and colour(WEST + 50, SOUTH + 130) == CLEAR


def test_crs84_is_longitude_first(plot: SimpleNamespace) -> None:
    box = bounds(4326)
    image = decoded(draw([drawn("quadrati")], View(crs84(), box, 400, 200), "png"))
    assert near(at(image, 0.25, 0.5), RED) and near(at(image, 0.75, 0.5), BLUE)


def test_graduated_classes_and_what_fits_none(plot: SimpleNamespace) -> None:
    image = decoded(draw([drawn("quadrati", "piani")], view(), "png"))
    assert [near(at(image, x, 0.5), colour) for x, colour in ((0.25, RED), (0.5, GREEN), (0.75, BLUE))] == [True] * 3


@pytest.mark.parametrize("form", ["png", "png8", "webp", "jpeg"])
def test_every_format(plot: SimpleNamespace, form: str) -> None:
    image = decoded(draw([drawn("quadrati")], view(), form))
    assert image.shape == (200, 400, 4)
    assert near(at(image, 0.25, 0.5), RED, slack=20)
    assert at(image, 0.02, 0.5)[3] == (255 if form == "jpeg" else 0)
    filled = decoded(draw([drawn("quadrati")], view(), form, "#808080"))
    assert near(at(filled, 0.02, 0.5), "#808080")


def test_later_layers_lie_on_top(plot: SimpleNamespace) -> None:
    order = [drawn("quadrati"), drawn("linea"), drawn("punto")]
    image = decoded(draw(order, view(), "png"))
    assert near(at(image, 0.25, 0.5), BLUE), "the line"
    assert near(at(image, 0.5, 0.5), RED), "the point"
    below = decoded(draw(order[::-1], view(), "png"))
    assert near(at(below, 0.25, 0.5), RED) and near(at(below, 0.5, 0.5), GREEN)


@pytest.mark.parametrize("shape", ["circle", "square", "triangle", "diamond", "cross"])
def test_every_shape_is_drawn_at_its_size(plot: SimpleNamespace, shape: str) -> None:
    symbol = solid(RED, shape=shape, size=30)
    image = decoded(draw([drawn("punto", symbol=symbol)], view(), "png"))
    assert near(at(image, 0.5, 0.5), RED)
    rows, columns = np.nonzero(image[..., 3] > 128)
    grown = factor(POINT_GROWTH, view().zoom - 1)
    assert 1.0 < grown < 1.3, "a metre a pixel is a little nearer than zoom 15"
    assert abs((rows.max() - rows.min()) - 30 * grown) <= 3 and abs((columns.max() - columns.min()) - 30 * grown) <= 3


@pytest.mark.parametrize("hatch", ["diagonal", "cross", "horizontal"])
def test_a_hatch_leaves_gaps(plot: SimpleNamespace, hatch: str) -> None:
    symbol = solid(RED, hatch=hatch)
    image = decoded(draw([drawn("quadrati", symbol=symbol)], view(), "png"))
    inside = image[60:140, 60:140, 3]
    assert 0.05 < (inside > 128).mean() < 0.6
    # A line goes on from one tile of the pattern into the next: every stretch of 16 pixels is like the one after it.
    assert np.abs(inside[:, 16:].astype(int) - inside[:, :-16]).max() <= 2
    if hatch == "diagonal":
        assert (inside > 60).sum(axis=1).min() >= 0.9 * (inside > 60).sum(axis=1).max()


def test_a_dash_leaves_gaps_and_opacity_lets_through(plot: SimpleNamespace) -> None:
    symbol = solid(BLUE, stroke_width=4, stroke_dash=(10, 10))
    row = decoded(draw([drawn("linea", symbol=symbol)], view(), "png"))[100, 60:340, 3]
    assert 0.3 < (row > 128).mean() < 0.7
    image = decoded(draw([drawn("quadrati", symbol=solid(RED), opacity=0.5)], view(), "png"))
    assert abs(at(image, 0.25, 0.5)[3] - 128) <= 3


def test_labels_are_written_from_their_zoom_on(plot: SimpleNamespace) -> None:
    spec: dict[str, Any] = {"symbol": solid("#ffffff"), "label": {"field": "uso", "colour": "#000000", "min_zoom": 15}}
    near_by = decoded(draw([drawn("quadrati", **spec)], view(), "png"))
    assert (near_by[60:140, 55:145, :3] < 100).all(axis=2).any(), "black letters in the first square"
    far = (WEST - 5000, SOUTH - 5000, WEST + 5300, SOUTH + 5100)
    image = decoded(draw([drawn("quadrati", **spec)], view(box=far), "png"))
    assert not (image[..., :3][image[..., 3] > 128] < 100).any()


def test_a_layer_outside_its_scale_or_its_place_is_not_drawn(plot: SimpleNamespace) -> None:
    one = drawn("quadrati")
    small = Drawn(replace(one.layer, min_zoom=22), one.style)
    assert not decoded(draw([small], view(width=100, height=50), "png")).any()
    elsewhere = view(box=(700_000, 4_900_000, 700_400, 4_900_200))
    assert not decoded(draw([one], elsewhere, "png")).any()
    world = View(epsg(3857), (-2e7, -2e7, 2e7, 2e7), 256, 256)
    draw([one], world, "png")
    draw([one], View(epsg(4326), (-1e9, -1e9, 1e9, 1e9), 64, 64), "png")
    draw([one], View(epsg(32632), (-1e12, -1e12, 1e12, 1e12), 64, 64), "png")


def test_a_raster_lies_where_it_is_under_a_table(plot: SimpleNamespace, settings) -> None:
    path = Path(settings.RASTER_DIR) / "quarti.tif"
    profile = {"width": 100, "height": 100, "count": 3, "dtype": "uint8", "nodata": 0, "crs": "EPSG:32632"}
    place = from_origin(WEST, SOUTH + 100, 1, 1)
    with rasterio.open(path, "w", driver="GTiff", transform=place, **profile) as file:
        file.write(np.stack([np.full((100, 100), value, "uint8") for value in (10, 200, 30)]))
    raster = replace(entry("quadrati"), kind="raster", raster_path=path.name, geometry_field="", slug="foto")
    spec = parse({"symbol": solid(RED)})
    for srid in (32632, 3857, 4326, 3003):
        image = decoded(draw([Drawn(raster, spec), drawn("linea")], view(srid), "png"))
        assert near(at(image, 0.25, 0.4), "#0ac81e", slack=6)
        assert near(at(image, 0.25, 0.5), BLUE, slack=40) and at(image, 0.05, 0.1) == CLEAR
    half = decoded(draw([Drawn(raster, parse({"opacity": 0.5}))], view(), "png"))
    assert abs(at(half, 0.25, 0.4)[3] - 128) <= 3 and abs(at(half, 0.25, 0.4)[1] - 200) <= 6


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [(0, 10, AROUND), (10, -1, AROUND), (8193, 1, AROUND), (8000, 8000, AROUND), (9, 9, (1.0, 1.0, 1.0, 2.0)),
     (9, 9, (2.0, 1.0, 1.0, 2.0)), (9, 9, (float("nan"), 1.0, 2.0, 2.0)), (9, 9, (float("-inf"), 1.0, 2.0, 2.0))],
)  # fmt: skip
def test_pictures_without_area_or_past_the_cap_are_refused(width: int, height: int, box) -> None:
    with pytest.raises(BadQuery):
        View.asked(epsg(32632), box, width, height)


def test_styles_that_tell_a_hidden_attribute_are_not_offered(plot: SimpleNamespace) -> None:
    assert style_named(entry("quadrati"), EVERYTHING, "segreto").spec.field == "segreto"
    for name in ("segreto", "../uso", "'"):
        with pytest.raises(StyleNotFound):
            style_named(entry("quadrati"), PUBLIC, name)


def test_loading_mapnik_leaves_the_process_as_it_was() -> None:
    """In a process of its own: GeoDjango, rasterio and pyproj still find their grids and each axis order holds."""
    code = """
import os
before = dict(os.environ)
from layers.drawing.engine import mapnik
mapnik()
assert dict(os.environ) == before, set(os.environ.items()) ^ set(before.items())
from django.contrib.gis.geos import Point
from rasterio.warp import transform
import pyproj
for srid in (32632, 3003, 6707, 7791):
    point = Point(10.0242, 45.1335, srid=4326)
    point.transform(srid)
    (x,), (y,) = transform("EPSG:4326", f"EPSG:{srid}", [10.0242], [45.1335])
    px, py = pyproj.Transformer.from_crs(4326, srid, always_xy=True).transform(10.0242, 45.1335)
    print(srid, point.x, point.y, x, y, px, py)
    assert abs(x - px) < 5 and abs(y - py) < 5 and abs(point.x - px) < 5 and abs(point.y - py) < 5, srid
"""
    root = Path(__file__).resolve().parent.parent.parent
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=dict(os.environ), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
