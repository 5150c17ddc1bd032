"""OGC API Features Part 2: coordinate reference systems by reference."""

from types import SimpleNamespace
from typing import Any

import pyproj
import pytest
from django.test import Client

from layers.crs import CRS84, EPSG, SERVED_SRIDS
from tests.conformance.abstract import abstract
from tests.conformance.conftest import Get

ITEMS = "/collections/civici/items"
URIS = [CRS84, *(f"{EPSG}{srid}" for srid in SERVED_SRIDS)]


@abstract("crs", "/conf/crs/crs-uri", "/conf/crs/fc-md-crs-list", "/conf/crs/fc-md-crs-list-global")
def test_collections_list_the_uris_of_their_crs(get: Get) -> None:
    one = get("/collections/civici")
    assert one["crs"][0] == CRS84 and set(URIS) <= set(one["crs"])
    assert all(uri.startswith("http://www.opengis.net/def/crs/") for uri in one["crs"])


@abstract("crs", "/conf/crs/fc-md-storageCrs", "/conf/crs/fc-md-storageCrs-valid-value")
def test_the_storage_crs_is_one_of_them(get: Get) -> None:
    one = get("/collections/civici")
    assert one["storageCrs"] == f"{EPSG}32632" and one["storageCrs"] in one["crs"]


@abstract("crs", "/conf/crs/fc-bbox-crs-definition", "/conf/crs/fc-crs-definition")
@pytest.mark.parametrize("name", ["bbox-crs", "crs"])
def test_the_parameters_are_defined(parameter: Any, name: str) -> None:
    found = parameter(ITEMS, name)
    assert (found["in"], found["required"], found["style"], found["explode"]) == ("query", False, "form", False)
    assert found["schema"]["type"] == "string" and found["schema"]["format"] == "uri"


def box_in(uri: str) -> str:
    """A quarter of the city in the axis order of a CRS."""
    crs = pyproj.CRS.from_user_input("OGC:CRS84" if uri == CRS84 else f"EPSG:{uri.rsplit('/', 1)[1]}")
    bounds = pyproj.Transformer.from_crs("EPSG:32632", crs, always_xy=False).transform_bounds(
        580000, 4999000, 581500, 5000500
    )
    return ",".join(f"{number:.9f}" for number in bounds)


@abstract("crs", "/conf/crs/fc-bbox-crs-valid-value", "/conf/crs/fc-bbox-crs-valid-defaultValue")
def test_a_box_in_any_crs_selects_the_same(get: Get) -> None:
    default = {one["id"] for one in get(ITEMS, limit=300, bbox=box_in(CRS84))["features"]}
    assert 0 < len(default) < 237
    for uri in URIS:
        found = {one["id"] for one in get(ITEMS, limit=300, bbox=box_in(uri), **{"bbox-crs": uri})["features"]}
        # The box of a turned grid is a little larger or smaller than that of another.
        assert len(found ^ default) <= 8, uri


@abstract("crs", "/conf/crs/bbox-crs-action", "/conf/crs/fc-bbox-crs-invalid")
def test_unknown_crs_are_refused(get: Get) -> None:
    for name in ("bbox-crs", "crs"):
        for value in (f"{EPSG}999999", "urn:nessuno", "4326"):
            get(ITEMS, 400, bbox="1,2,3,4", **{name: value})


@abstract(
    "crs", "/conf/crs/fc-crs-valid-value", "/conf/crs/fc-crs-default-value", "/conf/crs/ogc-crs-header",
    "/conf/crs/ogc-crs-header-value", "/conf/crs/geojson",
)  # fmt: skip
@pytest.mark.parametrize("uri", URIS)
def test_every_crs_is_answered_in_its_axis_order_and_named(client: Client, city: SimpleNamespace, uri: str) -> None:
    for path in (ITEMS, f"{ITEMS}/1"):
        response = client.get(f"/ogc{path}", {"crs": uri})
        assert response["Content-Crs"] == f"<{uri}>"
        document = response.json()
        feature = document.get("features", [document])[0]
        plain = client.get(f"/ogc{ITEMS}/{feature['id']}")
        assert plain["Content-Crs"] == f"<{CRS84}>"
        crs = pyproj.CRS.from_user_input("OGC:CRS84" if uri == CRS84 else f"EPSG:{uri.rsplit('/', 1)[1]}")
        wanted = pyproj.Transformer.from_crs("OGC:CRS84", crs).transform(*plain.json()["geometry"]["coordinates"])
        assert feature["geometry"]["coordinates"] == pytest.approx(wanted, abs=0.02 if crs.is_projected else 2e-7)
