"""OGC API - Features Part 2 (18-058r1): CRS. Coordinates are compared with pyproj's, which never saw our code."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from django.db import connection
from django.test import Client
from psycopg2.extras import execute_values

from layers.crs import SERVED_SRIDS
from tests.geodata import make_layer

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
URIS = [CRS84, *(f"{EPSG}{srid}" for srid in SERVED_SRIDS)]
CENTIMETRE_M = 0.01


def get(client: Client, path: str, **params: Any) -> tuple[dict[str, Any], str]:
    response = client.get(f"/ogc{path}", params)
    assert response.status_code == 200, response.content
    return json.loads(response.content), response.get("Content-Crs", "")


def expected(points: np.ndarray, srid: int, uri: str) -> np.ndarray:
    """Points of the storage CRS as the authority's axis order wants them (always_xy off), longitude first in CRS84."""
    target = pyproj.CRS.from_user_input("OGC:CRS84" if uri == CRS84 else int(uri.rsplit("/", 1)[1]))
    transformer = pyproj.Transformer.from_crs(srid, target, always_xy=False)
    return np.column_stack(transformer.transform(points[:, 0], points[:, 1]))


def distance_m(found: np.ndarray, wanted: np.ndarray, uri: str) -> float:
    """Greatest distance of two sets of points; a degree is taken as long as at the equator."""
    target = pyproj.CRS.from_user_input("OGC:CRS84" if uri == CRS84 else int(uri.rsplit("/", 1)[1]))
    return float(np.abs(found - wanted).max()) * (111_320 if target.is_geographic else 1)


def coordinates(features: list[dict[str, Any]]) -> np.ndarray:
    return np.array([feature["geometry"]["coordinates"] for feature in features])


def test_a_collection_names_its_crs_the_default_first(client: Client, city: SimpleNamespace) -> None:
    made, _ = get(client, "/collections/civici")
    assert made["crs"][0] == CRS84 and set(URIS) == set(made["crs"])
    assert made["storageCrs"] == f"{EPSG}32632"


@pytest.mark.parametrize("uri", URIS)
def test_every_crs_has_its_axis_order_and_says_so(client: Client, city: SimpleNamespace, uri: str) -> None:
    stored, _ = get(client, "/collections/civici/items", limit=1000, crs=f"{EPSG}32632")
    page, content_crs = get(client, "/collections/civici/items", limit=1000, crs=uri)
    assert content_crs == f"<{uri}>"
    points = coordinates(stored["features"])
    off = distance_m(coordinates(page["features"]), expected(points, 32632, uri), uri)
    assert off < CENTIMETRE_M
    one, content_crs = get(client, f"/collections/civici/items/{page['features'][0]['id']}", crs=uri)
    assert one["geometry"] == page["features"][0]["geometry"] and content_crs == f"<{uri}>"


def test_without_crs_coordinates_are_longitude_latitude(client: Client, city: SimpleNamespace) -> None:
    page, content_crs = get(client, "/collections/civici/items")
    assert content_crs == f"<{CRS84}>"
    longitude, latitude = page["features"][0]["geometry"]["coordinates"]
    assert 9 < longitude < 11 and 44 < latitude < 46


@pytest.mark.parametrize("uri", URIS)
def test_a_bbox_in_any_crs_selects_the_same_features(client: Client, city: SimpleNamespace, uri: str) -> None:
    page, _ = get(client, "/collections/civici/items", limit=1000, crs=uri)
    points = coordinates(page["features"])
    middle = np.median(points, axis=0)
    inside = {f["id"] for f, p in zip(page["features"], points, strict=True) if (p <= middle).all()}
    bbox = ",".join(
        str(number)
        for number in (*(points.min(axis=0) - 1e-3), *(middle + 1e-3 * (1 if abs(middle[0]) > 360 else 1e-4)))
    )
    found, _ = get(client, "/collections/civici/items", limit=1000, bbox=bbox, **{"bbox-crs": uri})
    # The sides of a box bend between two CRS: a point on the very edge may fall on either side.
    assert len(inside ^ {feature["id"] for feature in found["features"]}) <= 2


def test_urn_and_curie_name_a_crs_too(client: Client, city: SimpleNamespace) -> None:
    for name in ("urn:ogc:def:crs:EPSG::6707", "[EPSG:6707]"):
        assert get(client, "/collections/civici/items", crs=name)[1] == f"<{EPSG}6707>"


@pytest.fixture
def house_numbers(db: None, real_data: Path) -> np.ndarray:
    """The 26,119 real house numbers as the layer `numeri`, and their coordinates in file order."""
    _, _, shapes, _ = pyogrio.raw.read(real_data / "derived" / "anncsu_cremona_civici_2025-12-02.gpkg", columns=[])
    make_layer("numeri", "POINT", 32632, {"nome": "string"}, "SELECT 1")
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO geodata.numeri (geom) VALUES %s",
            [(bytes(shape),) for shape in shapes],
            template="(ST_SetSRID(%s::bytea::geometry, 32632))",
            page_size=5000,
        )
    return shapely.get_coordinates(shapely.from_wkb(shapes))


@pytest.mark.parametrize("uri", URIS)
def test_the_real_house_numbers_fall_within_a_centimetre(client: Client, house_numbers: np.ndarray, uri: str) -> None:
    found: list[dict[str, Any]] = []
    address: str | None = f"/ogc/collections/numeri/items?limit=10000&crs={uri}"
    while address:
        page = json.loads(client.get(address).content)
        found += page["features"]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert [feature["id"] for feature in found] == list(range(1, 26_120))
    assert distance_m(coordinates(found), expected(house_numbers, 32632, uri), uri) < CENTIMETRE_M
