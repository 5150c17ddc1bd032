"""OGC API EDR 1.1: collections with measures, and their queries."""

import json
from typing import Any

import pytest
from django.test import Client

from tests.conformance.abstract import abstract
from tests.ogc.test_edr import DAY, HERE
from tests.ogc.test_edr import measured as measured

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
AREA = "POLYGON((10 45.1,10.1 45.1,10.1 45.2,10 45.2,10 45.1))"


@pytest.fixture
def collection(client: Client) -> Any:
    return client.get(HERE, {"f": "json"}).json()


@abstract("edr", "/conf/collections/rc-md-op", "/conf/collections/rc-md-success", "/conf/collections/src-md-op",
          "/conf/collections/src-md-success", "/conf/edr/rc-collection-info")  # fmt: skip
def test_the_collection_is_listed_and_described(client: Client, collection: Any) -> None:
    listed = client.get("/ogc/collections").json()["collections"]
    assert collection in listed
    assert {"self", "alternate"} <= {link["rel"] for link in collection["links"]}
    assert {"id", "links", "extent", "data_queries", "crs", "output_formats", "parameter_names"} <= set(collection)


@abstract("edr", "/conf/core/rc-extent", "/conf/core/crs84")
def test_it_lies_somewhere_in_some_time_in_crs84(collection: Any) -> None:
    assert len(collection["extent"]["spatial"]["bbox"][0]) == 4
    assert len(collection["extent"]["temporal"]["interval"][0]) == 2
    assert any("CRS84" in uri for uri in collection["crs"])


@abstract("edr", "/conf/edr/rc-md-query-links", "/conf/edr/rc-variables")
def test_each_query_has_a_link_with_variables(collection: Any) -> None:
    for name, query in collection["data_queries"].items():
        link = query["link"]
        assert link["href"].endswith(f"/{name}") and link["rel"] == "data"
        variables = link["variables"]
        assert variables["query_type"] == name
        assert variables["default_output_format"] in variables["output_formats"]


@abstract("edr", "/conf/edr/rc-parameters")
def test_each_parameter_has_type_unit_and_observed_property(collection: Any) -> None:
    assert collection["parameter_names"]
    for one in collection["parameter_names"].values():
        assert one["type"] == "Parameter" and one["unit"] and one["observedProperty"]["label"]


@abstract("edr", "/conf/position", "/conf/area", "/conf/locations", "/conf/covjson", "/conf/geojson")
@pytest.mark.parametrize("form", ["CoverageJSON", "GeoJSON"])
@pytest.mark.parametrize("crs", ["", "CRS84", CRS84])
def test_queries_answer_in_each_format(client: Client, collection: Any, form: str, crs: str) -> None:
    asked: dict[str, str] = {**DAY, "f": form, "parameter-name": next(iter(collection["parameter_names"]))}
    asked |= {"crs": crs} if crs else {}
    for path, more in (
        ("position", {"coords": "POINT(10.02 45.13)"}),
        ("area", {"coords": AREA}),
        ("locations/ap-uno", {}),
    ):
        answer = client.get(f"{HERE}/{path}", {**asked, **more})
        assert answer.status_code == 200, (path, answer.content)
        document = json.loads(answer.content)
        kinds = {"Coverage", "CoverageCollection"} if form == "CoverageJSON" else {"FeatureCollection"}
        assert document["type"] in kinds


@abstract("edr", "/conf/edr/rc-locations", "/conf/core/rc-bbox-response", "/conf/edr/rc-limit-response",
          "/conf/edr-geojson/content")  # fmt: skip
def test_locations_are_those_in_the_box_up_to_the_limit(client: Client) -> None:
    for asked, names in (
        ({}, ["ap-due", "ap-uno"]), ({"limit": "1"}, ["ap-due"]), ({"limit": "999999"}, ["ap-due", "ap-uno"]),
        ({"bbox": "10.01,45.1,10.025,45.2"}, ["ap-uno"]), ({"bbox": "10.01,45.1,0,10.04,45.2,9"}, ["ap-due", "ap-uno"]),
        ({"bbox": "11,45,12,46"}, []),
    ):  # fmt: skip
        found = client.get(f"{HERE}/locations", asked).json()
        assert [one["id"] for one in found["features"]] == names and found["numberReturned"] == len(names), asked
        assert {link["rel"] for link in found["links"]} == {"self", "collection"}
    assert found["numberMatched"] == 0 and client.get(f"{HERE}/locations", {"limit": "1"}).json()["numberMatched"] == 2
    series = client.get(f"{HERE}/locations/ap-uno", {**DAY, "f": "GeoJSON"}).json()
    assert series["links"][0]["href"].startswith("http://testserver" + HERE + "/locations/ap-uno?datetime=")
    for wrong in ({"bbox": "1,2"}, {"limit": "0"}, {"offset": "1"}):
        assert client.get(f"{HERE}/locations", wrong).status_code == 400


@abstract("edr", "/conf/core/datetime-response")
def test_the_whole_time_of_the_extent_can_be_asked_for(client: Client, collection: Any) -> None:
    start, stop = collection["extent"]["temporal"]["interval"][0]
    asked = {"coords": AREA, "datetime": f"{start or '..'}/{stop or '2100-01-01T00:00:00Z'}"}
    assert client.get(f"{HERE}/area", asked).status_code in {200, 204}


@abstract("edr", "/conf/edr/coords-definition", "/conf/edr/parameter-name-response", "/conf/core/crs-response")
def test_what_cannot_be_answered_is_refused(client: Client) -> None:
    for path, asked in (
        ("position", {}), ("position", {"coords": "POINT(10)"}), ("area", {"coords": "POINT(10 45)"}),
        ("position", {"coords": "POINT(10.02 45.13)", "parameter-name": "nessuno"}),
        ("position", {"coords": "POINT(10.02 45.13)", "crs": "EPSG:1"}),
        ("position", {"coords": "POINT(10.02 45.13)", "datetime": "ieri"}),
    ):  # fmt: skip
        assert client.get(f"{HERE}/{path}", asked).status_code == 400, (path, asked)
