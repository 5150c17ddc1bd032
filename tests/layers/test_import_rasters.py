"""Rasters that lie askew, upside down or on control points, and that do not say which value stands for none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_origin

from layers.importing.errors import ImportRefused
from layers.importing.raster import convert

WEST, NORTH, SIZE = 580000.0, 5000000.0, 40
LOWEST = float(np.finfo("float32").min)


def values() -> np.ndarray:
    """Larger to the north and to the east."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    found: np.ndarray = ((SIZE - rows) * 100 + columns).astype("float32")
    return found


def written(path: Path, data: np.ndarray, gcps: list[GroundControlPoint] | None = None, **place: Any) -> Path:
    shape = {"count": 1, "height": data.shape[0], "width": data.shape[1], "dtype": data.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(data, 1)
        if gcps:
            file.gcps = (gcps, CRS.from_epsg(32632))
    return path


def at(path: Path, easting: float, northing: float) -> float:
    with rasterio.open(path) as file:
        assert file.transform.a > 0 > file.transform.e and not file.transform.b
        return float(next(file.sample([(easting, northing)]))[0])


def made(source: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    target = tmp_path / "fatto.tif"
    return target, convert(source, "GTiff", [], target, None)


def test_one_that_lies_askew_is_put_upright(tmp_path: Path) -> None:
    place = Affine.translation(WEST, NORTH) @ Affine.rotation(30) @ Affine.scale(5, -5)
    target, found = made(written(tmp_path / "r.tif", values(), crs="EPSG:32632", transform=place), tmp_path)
    assert "era ruotato: raddrizzato" in found["notes"]
    for row, column in ((10, 10), (20, 31), (35, 5)):
        expected = (SIZE - row) * 100 + column
        # New pixels lie between the old ones: less than one row further.
        assert abs(at(target, *(place @ (column + 0.5, row + 0.5))) - expected) < 60
    with rasterio.open(target) as file:
        assert np.isnan(file.read(1)[0, 0])


def test_one_that_is_upside_down_keeps_its_values(tmp_path: Path) -> None:
    place = Affine(5, 0, WEST, 0, 5, NORTH - SIZE * 5)
    source = written(tmp_path / "s.tif", values()[::-1], crs="EPSG:32632", transform=place)
    target, found = made(source, tmp_path)
    with rasterio.open(target) as file:
        assert (file.read(1) == values()).all() and file.transform == from_origin(WEST, NORTH, 5, 5)
    assert found["bounds"] == (WEST, NORTH - SIZE * 5, WEST + SIZE * 5, NORTH)


def test_one_on_control_points_gets_its_place_from_them(tmp_path: Path) -> None:
    corners = [(0, 0), (0, SIZE), (SIZE, 0), (SIZE, SIZE)]
    points = [GroundControlPoint(row, column, WEST + column * 5, NORTH - row * 5) for row, column in corners]
    target, found = made(written(tmp_path / "g.tif", values(), points), tmp_path)
    assert found["srid"] == 32632 and "posizionato con i suoi punti di controllo" in found["notes"]
    assert abs(at(target, WEST + 52.5, NORTH - 52.5) - ((SIZE - 10) * 100 + 10)) < 60


def test_the_lowest_number_of_all_is_taken_for_none(tmp_path: Path) -> None:
    data = values()
    data[:10] = LOWEST
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, 5, 5)}
    target, found = made(written(tmp_path / "v.tif", data, **place), tmp_path)
    (band,) = found["info"]["bands"]
    assert (band["min"], band["valid_pixels"]) == (100, 30 * SIZE)
    with rasterio.open(target) as file:
        assert file.nodata == LOWEST and file.read(1, masked=True).min() == 100
    assert [path.name for path in tmp_path.iterdir() if path.name != "v.tif"] == ["fatto.tif"]


def test_complex_numbers_are_refused_in_words(tmp_path: Path) -> None:
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, 5, 5)}
    with pytest.raises(ImportRefused, match="numeri complessi"):
        made(written(tmp_path / "c.tif", values().astype("complex64"), **place), tmp_path)
