"""OGC API Features Part 1: the abstract tests of core, GeoJSON, HTML and OpenAPI 3.0."""

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from django.test import Client

from ogc.conformance import CONFORMS_TO
from tests.conformance.abstract import abstract
from tests.conformance.conftest import Get, rels

ITEMS = "/collections/edifici/items"
WORLD = "-180,-90,180,90"


@abstract("features", "/conf/core/http")
def test_http_1_1_and_head_are_spoken(client: Client, city: SimpleNamespace) -> None:
    whole, head = client.get("/ogc/collections"), client.head("/ogc/collections")
    assert head.status_code == 200 and not head.content
    assert int(head["Content-Length"]) == len(whole.content)
    assert client.post("/ogc/collections").status_code == 405


@abstract("features", "/conf/core/root-op", "/conf/core/root-success")
def test_the_landing_page_links_to_what_there_is(get: Get) -> None:
    document = get("/")
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= rels(document)
    assert all(link["href"] and link["type"] for link in document["links"])


@abstract("features", "/conf/core/api-definition-op", "/conf/core/api-definition-success")
def test_the_api_definition_is_openapi(client: Client, city: SimpleNamespace, get: Get) -> None:
    link = next(one for one in get("/")["links"] if one["rel"] == "service-desc")
    response = client.get(link["href"])
    assert response["Content-Type"] == link["type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert json.loads(response.content)["openapi"].startswith("3.0.")


@abstract("features", "/conf/core/conformance-op", "/conf/core/conformance-success")
def test_the_classes_are_declared(get: Get) -> None:
    assert get("/conformance")["conformsTo"] == list(CONFORMS_TO)


@abstract("features", "/conf/core/fc-md-op", "/conf/core/fc-md-success", "/conf/core/fc-md-links")
def test_collections_link_to_themselves_and_to_other_forms(client: Client, get: Get) -> None:
    document = get("/collections")
    assert {"self", "alternate"} <= rels(document) and document["collections"]
    for link in document["links"]:
        assert client.get(link["href"]).status_code == 200


@abstract("features", "/conf/core/fc-md-items", "/conf/core/fc-md-items-links", "/conf/core/fc-md-extent")
def test_every_collection_says_where_its_items_are_and_what_it_covers(client: Client, get: Get) -> None:
    for one in get("/collections")["collections"]:
        items = [link for link in one["links"] if link["rel"] == "items"]
        assert one["id"] and items and all(link["type"] for link in items)
        for link in items:
            assert client.get(link["href"]).status_code == 200, link
        for west, south, east, north in one.get("extent", {}).get("spatial", {}).get("bbox", []):
            assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90


@abstract("features", "/conf/core/sfc-md-op", "/conf/core/sfc-md-success")
def test_one_collection_is_as_in_the_list(get: Get) -> None:
    for one in get("/collections")["collections"]:
        assert get(f"/collections/{one['id']}") == one
    get("/collections/dUmmYColLection", 404)


@abstract("features", "/conf/core/fc-op", "/conf/core/fc-response")
def test_items_are_a_feature_collection(client: Client, get: Get) -> None:
    page = get(ITEMS)
    assert page["type"] == "FeatureCollection"
    assert {"self", "alternate", "next"} <= rels(page)
    assert datetime.fromisoformat(page["timeStamp"]).tzinfo is not None
    assert page["numberReturned"] == len(page["features"]) and page["numberMatched"] == 500


@abstract("features", "/conf/core/fc-bbox-definition")
def test_bbox_is_defined(parameter: Any) -> None:
    found = parameter(ITEMS, "bbox")
    assert (found["in"], found["required"], found["style"], found["explode"]) == ("query", False, "form", False)
    schema = found["schema"]
    assert schema["type"] == "array" and schema["items"] == {"type": "number"}
    assert (schema["minItems"], schema["maxItems"]) == (4, 6)
    assert [(one["minItems"], one["maxItems"]) for one in schema["oneOf"]] == [(4, 4), (6, 6)]


@abstract("features", "/conf/core/fc-bbox-response")
def test_bbox_selects_what_it_meets(get: Get) -> None:
    west, south, east, north = 10.0175, 45.1405, 10.0195, 45.1415
    box = shapely.box(west, south, east, north)
    every = {one["id"]: shapely.geometry.shape(one["geometry"]) for one in get(ITEMS, limit=1000)["features"]}
    found = {one["id"] for one in get(ITEMS, limit=1000, bbox=f"{west},{south},{east},{north}")["features"]}
    assert found == {key for key, shape in every.items() if shape.intersects(box)} and 0 < len(found) < len(every)
    assert get(ITEMS, bbox=WORLD)["numberMatched"] == 500
    assert get(ITEMS, bbox="-180,-90,-100,180,90,9000")["numberMatched"] == 500


@abstract("features", "/conf/core/fc-limit-definition")
def test_limit_is_defined(parameter: Any) -> None:
    found = parameter(ITEMS, "limit")
    assert (found["in"], found["required"], found["style"], found["explode"]) == ("query", False, "form", False)
    assert found["schema"] == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10}


@abstract("features", "/conf/core/fc-limit-response")
def test_limit_bounds_what_comes(get: Get, parameter: Any) -> None:
    assert get(ITEMS)["numberReturned"] == parameter(ITEMS, "limit")["schema"]["default"]
    for limit in (1, 11, 499):
        assert len(get(ITEMS, limit=limit)["features"]) == limit
    assert len(get(ITEMS, limit=10_001)["features"]) == 500
    get(ITEMS, 400, limit=0)


@abstract("features", "/conf/core/fc-time-definition")
def test_datetime_is_defined(parameter: Any) -> None:
    found = parameter(ITEMS, "datetime")
    assert (found["in"], found["required"], found["style"], found["explode"]) == ("query", False, "form", False)
    assert found["schema"]["type"] == "string"


@abstract("features", "/conf/core/fc-time-response")
@pytest.mark.parametrize(
    ("moment", "first", "last"),
    [
        ("2020-03-01", "2020-03-01", "2020-03-01"), ("2020-03-01/2020-03-05", "2020-03-01", "2020-03-05"),
        ("../2020-01-04", "2020-01-01", "2020-01-04"), ("2021-05-01/..", "2021-05-01", "2021-05-14"),
        ("2020-03-01T00:00:00Z/2020-03-02T00:00:00Z", "2020-03-01", "2020-03-02"),
    ],
)  # fmt: skip
def test_datetime_selects_what_it_meets(get: Get, moment: str, first: str, last: str) -> None:
    days = [one["properties"]["rilevato"] for one in get(ITEMS, limit=500, datetime=moment)["features"]]
    assert min(days) == first and max(days) == last
    every = [one["properties"]["rilevato"] for one in get(ITEMS, limit=500)["features"]]
    assert len(days) == sum(first <= day <= last for day in every)


@abstract("features", "/conf/core/query-param-invalid", "/conf/core/query-param-unknown")
def test_wrong_and_unknown_parameters_are_refused(get: Get) -> None:
    for name, value in (("limit", "x"), ("bbox", "a,b,c,d"), ("datetime", "ieri"), ("sconosciuto", "1")):
        assert get(ITEMS, 400, **{name: value})["code"] == "InvalidParameterValue"
    get("/collections", 400, sconosciuto="1")
    get("/", 400, sconosciuto="1")


@abstract("features", "/conf/core/f-op", "/conf/core/f-success")
def test_one_feature_is_as_in_the_page_and_links_back(get: Get) -> None:
    for listed in get(ITEMS, limit=3)["features"]:
        one = get(f"{ITEMS}/{listed['id']}")
        assert {"self", "alternate", "collection"} <= rels(one)
        assert {key: one[key] for key in listed} == listed
    get(f"{ITEMS}/dUmmYFeaTure", 404)


@abstract("features", "/conf/geojson/definition", "/conf/geojson/content")
def test_features_are_valid_geojson(client: Client, city: SimpleNamespace) -> None:
    for path in (f"/ogc{ITEMS}?limit=50", f"/ogc{ITEMS}/1"):
        response = client.get(path, headers={"accept": "application/geo+json"})
        assert response["Content-Type"] == "application/geo+json"
        document = json.loads(response.content)
        for feature in document.get("features", [document]):
            assert feature["type"] == "Feature" and isinstance(feature["properties"], dict)
            shape: Any = shapely.geometry.shape(feature["geometry"])
            assert shape.is_valid and not shape.is_empty and shape.exterior.is_ccw


@abstract("features", "/conf/html/definition", "/conf/html/content")
@pytest.mark.parametrize("path", ["/", "/conformance", "/collections", "/collections/edifici", ITEMS, f"{ITEMS}/1"])
def test_pages_are_html_with_what_the_json_says(client: Client, get: Get, path: str) -> None:
    response = client.get(f"/ogc{path}", headers={"accept": "text/html"})
    assert response["Content-Type"].startswith("text/html") and b"<!doctype html>" in response.content[:200].lower()
    document = get(path)
    for word in (document.get("title"), document.get("id")):
        assert word is None or str(word) in response.content.decode()


@abstract("features", "/conf/oas30/definition-1", "/conf/oas30/definition-2", "/conf/oas30/completeness")
def test_every_path_of_the_definition_is_served_and_valid(get: Get) -> None:
    from openapi_spec_validator import validate

    definition = get("/openapi")
    validate(definition)
    for collection in get("/collections")["collections"]:
        for rest in ("", "/items"):
            assert f"/collections/{collection['id']}{rest}" in definition["paths"]


@abstract("features", "/conf/oas30/exceptions-codes", "/conf/oas30/security")
def test_the_definition_names_the_statuses_of_errors(get: Get) -> None:
    for path, item in get("/openapi")["paths"].items():
        for operation in item.values():
            assert {"400", "404", "500"} & set(operation["responses"]), path
