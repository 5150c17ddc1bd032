"""OGC API Coverages: values where and as they are, subset, scaling, CRS, bands, formats, caps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from django.conf import settings
from django.test import Client
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import transform
from rasterio.windows import Window

from layers import coverage
from layers.models import Access, Layer
from tests.conformance.abstract import abstract
from tests.geodata import forget_catalogue

WEST, NORTH, CELL, SIZE = 580000.0, 5000000.0, 5.0, 300
HERE = "/ogc/collections/quota/coverage"


@pytest.fixture
def values(db: None) -> Iterator[np.ndarray]:
    """A raster of two bands: cell numbers, and their halves with a hole."""
    folder = Path(settings.RASTER_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    cells = np.arange(SIZE * SIZE, dtype="float32").reshape(SIZE, SIZE)
    bands = np.stack([cells, cells / 2])
    bands[1, :10, :10] = -9999
    profile = {"driver": "GTiff", "count": 2, "height": SIZE, "width": SIZE, "dtype": "float32", "nodata": -9999}
    place = {"crs": "EPSG:32632", "transform": from_origin(WEST, NORTH, CELL, CELL)}
    with rasterio.open(folder / "quota.tif", "w", **profile, **place) as target:
        target.write(bands)
        target.descriptions = ("Quota", "Metà quota")
        target.build_overviews([2, 4], Resampling.average)
    bounds = [WEST, NORTH - SIZE * CELL, WEST + SIZE * CELL, NORTH]
    Layer.objects.create(
        slug="quota", title_it="Quota", kind="raster", raster_path="quota.tif", srid=32632,
        storage_bbox=bounds, bbox=[10.01, 45.13, 10.04, 45.15],
    )  # fmt: skip
    forget_catalogue()
    yield bands
    forget_catalogue()


def tiff(client: Client, **params: str) -> tuple[np.ndarray, Any, str]:
    """Values, transform and CRS of a GeoTIFF answer."""
    answer = client.get(HERE, {"f": "tif", **{name.replace("_", "-"): value for name, value in params.items()}})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"].startswith("image/tiff")
    with MemoryFile(answer.content) as memory, memory.open() as found:
        assert found.profile["driver"] == "GTiff" and found.nodata == -9999
        return found.read(), found.transform, found.crs.to_string()


@abstract("coverages", "/conf/core/get-coverage", "/conf/geotiff/content")
def test_the_whole_coverage_is_the_file(client: Client, values: np.ndarray) -> None:
    found, transform_, crs = tiff(client)
    assert np.array_equal(found, values) and crs == "EPSG:32632"
    assert transform_ == from_origin(WEST, NORTH, CELL, CELL)


@abstract("coverages", "/conf/subsetting/bbox-definition", "/conf/subsetting/bbox-crs", "/conf/subsetting/subset")
def test_a_box_in_the_storage_crs_gives_exactly_its_cells(client: Client, values: np.ndarray) -> None:
    uri = "http://www.opengis.net/def/crs/EPSG/0/32632"
    box = f"{WEST + 50},{NORTH - 150},{WEST + 100},{NORTH - 100}"
    found, transform_, _crs = tiff(client, bbox=box, bbox_crs=uri)
    assert np.array_equal(found, values[:, 20:30, 10:20]) and (transform_.c, transform_.f) == (WEST + 50, NORTH - 100)
    again, _, _ = tiff(client, subset=f"E({WEST + 50}:{WEST + 100}),N({NORTH - 150}:{NORTH - 100})")
    assert np.array_equal(again, found)
    rows, _, _ = tiff(client, subset=f"N({NORTH - 150}:{NORTH - 100})")
    assert np.array_equal(rows, values[:, 20:30, :])


@abstract("coverages", "/conf/subsetting/subset-crs")
def test_a_box_in_degrees_holds_the_place_meant(client: Client, values: np.ndarray) -> None:
    (lon,), (lat,) = transform("EPSG:32632", "EPSG:4326", [WEST + 502.5], [NORTH - 402.5])
    found, _transform, _crs = tiff(client, subset=f"Lat({lat - 1e-6}:{lat + 1e-6}),Lon({lon - 1e-6}:{lon + 1e-6})")
    assert found[0, 0, 0] == values[0, 80, 100] and found.shape == (2, 1, 1)


@abstract("coverages", "/conf/scaling/scale-factor", "/conf/scaling/scale-axes", "/conf/scaling/scale-size")
def test_scaling_averages_through_overviews(client: Client, values: np.ndarray) -> None:
    found, transform_, _crs = tiff(client, scale_factor="2", properties="quota")
    assert found.shape == (1, 150, 150) and transform_.a == 10
    assert found[0, 50, 50] == pytest.approx(values[0, 100:102, 100:102].mean(), abs=1)
    flat, transform_, _crs = tiff(client, scale_axes="N(3)")
    assert flat.shape == (2, 100, 300) and (transform_.a, transform_.e) == (5, -15)
    small, transform_, _crs = tiff(client, scale_size="E(30),N(60)")
    assert small.shape == (2, 60, 30) and (transform_.a, transform_.e) == (50, -25)


@abstract(
    "coverages", "/conf/core/collection-description", "/conf/core/response-headers", "/conf/subsetting/slice",
    "/conf/subsetting/multiple-subset", "/conf/subsetting/wildcard-limits", "/conf/subsetting/out-of-bounds",
)  # fmt: skip
def test_slices_several_subsets_and_places_outside(client: Client, values: np.ndarray) -> None:
    collection = client.get("/ogc/collections/quota?f=json").json()
    assert collection["storageCrs"] in collection["crs"] and collection["storageCrs"].endswith("/32632")
    assert collection["extent"]["spatial"]["storageCrsBbox"] == [[WEST, NORTH - SIZE * CELL, WEST + SIZE * CELL, NORTH]]
    for edge in (0, 2.5):  # on the edge between two cells, and inside one
        column, transform_, _crs = tiff(client, subset=f"E({WEST + 50 + edge})")
        assert np.array_equal(column, values[:, :, 10:11]) and transform_.c == WEST + 50
    answer = client.get(f"{HERE}?f=tif&subset=E({WEST}:{WEST + 20})&subset=N({NORTH - 10}:*)")
    assert answer["Content-Crs"].endswith("/32632>")
    assert answer["Content-Bbox"] == f"{WEST:.3f},{NORTH - 10:.3f},{WEST + 20:.3f},{NORTH:.3f}"
    turned = client.get(HERE, {"f": "tif", "crs": "http://www.opengis.net/def/crs/EPSG/0/6707"})
    assert turned["Content-Bbox"].startswith("4998"), "northing first"
    assert client.get(HERE, {"subset": "E(0:10)"}).status_code == 404
    assert client.get(HERE, {"bbox": "20,45,21,46"}).status_code == 404
    assert client.get(HERE, {"subset": "E(*)"}).status_code == client.get(HERE, {"subset": "h(1:2)"}).status_code == 400


@abstract("coverages", "/conf/crs/crs-definition")
def test_another_crs_puts_values_where_they_belong(client: Client, values: np.ndarray) -> None:
    found, transform_, crs = tiff(client, crs="http://www.opengis.net/def/crs/EPSG/0/3857", properties="quota")
    assert crs == "EPSG:3857"
    (x,), (y,) = transform("EPSG:32632", "EPSG:3857", [WEST + 752.5], [NORTH - 752.5])
    column, row = ~transform_ @ (x, y)
    assert found[0, int(row), int(column)] == pytest.approx(values[0, 150, 150], abs=320)


@abstract("coverages", "/conf/core/coverage-fields-schema", "/conf/fieldselection/properties")
def test_bands_are_chosen_by_name(client: Client, values: np.ndarray) -> None:
    schema = client.get(f"{HERE}/rangetype").json()
    assert list(schema["properties"]) == ["quota", "metà_quota"]
    assert schema["properties"]["quota"]["type"] == "number"
    assert client.get("/ogc/collections/quota/schema").json() == schema
    found, _, _ = tiff(client, properties="metà_quota,quota")
    assert np.array_equal(found, values[::-1])
    assert client.get(HERE, {"properties": "x"}).status_code == 400


@abstract("coverages", "/conf/coveragejson/content")
def test_coveragejson_says_the_same(client: Client, values: np.ndarray) -> None:
    subset = f"E({WEST}:{WEST + 60}),N({NORTH - 10}:{NORTH})"
    answer = client.get(HERE, {"f": "covjson", "subset": subset})
    assert answer["Content-Type"] == "application/vnd.cov+json"
    document = json.loads(answer.content)
    axes = document["domain"]["axes"]
    assert axes["x"] == {"start": WEST + 2.5, "stop": WEST + 57.5, "num": 12}
    assert axes["y"] == {"start": NORTH - 2.5, "stop": NORTH - 7.5, "num": 2}
    held = document["ranges"]["metà_quota"]
    assert held["shape"] == [2, 12] and held["values"][:10] == [None] * 10 and held["values"][10] == 5.0
    assert document["ranges"]["quota"]["values"][12] == 300


def test_the_domain_is_described(client: Client, values: np.ndarray) -> None:
    document = client.get(f"{HERE}/domainset").json()
    assert document["grid"][0] == {"cellsCount": SIZE, "resolution": CELL}
    collection = client.get("/ogc/collections/quota?f=json").json()
    definition = json.loads(client.get("/ogc/openapi").content)
    assert {"/collections/quota/coverage", "/collections/quota/schema"} <= set(definition["paths"])
    assert any(link["rel"].endswith("/coverage") for link in collection["links"])


@pytest.mark.parametrize("params", [
    {"bbox": "1,2,3"}, {"bbox-crs": ""}, {"subset-crs": "x"},
    {"subset": "Z(1:2)"}, {"subset": "E(2:1)"}, {"subset": "E(1:2),x(1:2)"}, {"scale-axes": "E(0)"},
    {"subset": "E(nan:1)"}, {"scale-factor": "0"}, {"scale-factor": "inf"}, {"scale-size": "E(0)"},
    {"scale-factor": "2", "scale-size": "E(1)"}, {"crs": "EPSG:1"}, {"f": "png"}, {"band": "1"},
    {"scale-axes": "2"}, {"scale-size": "E(100000),N(100000)"}, {"subset": "E(1:2),Lat(1:2)"},
])  # fmt: skip
def test_what_cannot_be_answered_is_refused(client: Client, values: np.ndarray, params: Any) -> None:
    answer = client.get(HERE, params)
    assert answer.status_code == 400 and answer.json()["description"]


def test_the_cap_is_on_values_not_on_the_file(
    client: Client, values: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage.read_coverage, "__defaults__", (1000,))
    refused = client.get(HERE, {"f": "tif"})
    assert refused.status_code == 400 and "scale-size" in refused.json()["description"]
    assert client.get(HERE, {"f": "tif", "scale-size": "E(20),N(20)"}).status_code == 200


def test_a_raster_is_as_secret_as_its_layer(client: Client, values: np.ndarray) -> None:
    Layer.objects.filter(slug="quota").update(access=Access.INTERNAL)
    forget_catalogue()
    for address in (HERE, f"{HERE}/domainset", f"{HERE}/rangetype"):
        assert client.get(address).status_code == 404


def test_a_coverage_held_already_is_not_read_again(client: Client, values: np.ndarray) -> None:
    first = client.get(HERE, {"scale-factor": "3"})
    assert client.get(HERE, {"scale-factor": "3"}, headers={"If-None-Match": first["ETag"]}).status_code == 304


def test_a_real_terrain_is_read_as_it_is(client: Client, db: None, real_data: Path) -> None:
    source = real_data / "raster" / "povo_dtm_1m_25832.tif"
    target = Path(settings.RASTER_DIR) / "povo.tif"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    Layer.objects.create(slug="povo", title_it="DTM", kind="raster", raster_path="povo.tif", srid=25832)
    forget_catalogue()
    subset = "E(666200:666300),N(5103700:5103800)"  # its cells do not begin at whole metres
    answer = client.get("/ogc/collections/povo/coverage", {"subset": subset})
    with MemoryFile(answer.content) as memory, memory.open() as found, rasterio.open(source) as whole:
        assert np.array_equal(found.read(1), whole.read(1, window=Window(99, 213, 101, 101)))
        assert found.transform.c == pytest.approx(whole.transform.c + 99)
    target.unlink()
    forget_catalogue()
