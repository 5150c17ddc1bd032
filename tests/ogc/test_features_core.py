"""OGC API - Features Part 1 (17-069r4): core and GeoJSON. Named after the abstract tests."""

import json
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

GEOJSON = "application/geo+json"


def get(client: Client, path: str, status: int = 200, **headers: str) -> dict[str, Any]:
    response = client.get(f"/ogc{path}", headers=headers)
    assert response.status_code == status, response.content[:500]
    found: dict[str, Any] = json.loads(response.content)
    return found


def follow(client: Client, path: str) -> list[dict[str, Any]]:
    """Every feature by the links `next`."""
    found: list[dict[str, Any]] = []
    address: str | None = f"/ogc{path}"
    while address:
        page = json.loads(client.get(address).content)
        assert page["numberReturned"] == len(page["features"])
        found += page["features"]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return found


def test_landing_page_links_to_definition_conformance_and_data(client: Client, city: SimpleNamespace) -> None:
    links = {link["rel"]: link for link in get(client, "/")["links"]}
    assert {"self", "service-desc", "conformance", "data"} <= set(links)
    for rel in ("self", "service-desc", "conformance", "data"):
        assert client.get(links[rel]["href"]).status_code == 200


@pytest.mark.parametrize("path", ["", "/"])
def test_landing_page_answers_with_and_without_a_slash(client: Client, city: SimpleNamespace, path: str) -> None:
    assert get(client, path)["title"]


def test_conformance_lists_the_classes(client: Client, city: SimpleNamespace) -> None:
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in get(client, "/conformance")["conformsTo"]


def test_collections_lists_what_the_public_may_see_and_nothing_else(client: Client, city: SimpleNamespace) -> None:
    found = get(client, "/collections")["collections"]
    assert [one["id"] for one in found] == ["civici", "edifici", "metadata"]
    for one in found:
        rels = {link["rel"] for link in one["links"]}
        assert {"self", "items"} <= rels
        if one["id"] == "metadata":
            continue  # the world is not told where records lie
        assert one["extent"]["spatial"]["bbox"][0][0] == pytest.approx(10.02, abs=0.1)
        for link in one["links"]:
            if link["rel"] != "license" and link["type"] not in {"text/html", "image/png"}:
                assert client.get(link["href"]).status_code == 200, link


def test_every_collection_page_equals_its_entry_in_the_list(client: Client, city: SimpleNamespace) -> None:
    for one in get(client, "/collections")["collections"]:
        assert get(client, f"/collections/{one['id']}") == one


def test_items_answer_as_geojson(client: Client, city: SimpleNamespace) -> None:
    response = client.get("/ogc/collections/edifici/items")
    assert response["Content-Type"] == GEOJSON
    page = json.loads(response.content)
    assert page["type"] == "FeatureCollection" and len(page["features"]) == 10
    assert (page["numberReturned"], page["numberMatched"]) == (10, 500)
    datetime.fromisoformat(page["timeStamp"])
    feature = page["features"][0]
    assert set(feature["properties"]) == {"uso", "piani", "altezza", "demolito", "rilevato", "aggiornato"}
    assert feature["geometry"]["type"] == "Polygon" and isinstance(feature["id"], int)


@pytest.mark.parametrize(
    "moment", ["/8743-08-07T20:12:11-18:10", "2021-01-01T00:00:00+23:59/..", "0001-01-01T00:00:00+23:00/.."]
)
def test_far_offsets_and_far_times_are_answered_or_refused(client: Client, city: SimpleNamespace, moment: str) -> None:
    response = client.get("/ogc/collections/edifici/items", {"datetime": moment})
    assert response.status_code == (400 if moment.startswith("0001") else 200), response.content


def test_what_breaks_is_told_as_json(
    client: Client, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: Any) -> None:
        raise RuntimeError("password=segreto")

    monkeypatch.setattr("ogc.views.items.page_of_items", broken)
    response = client.get("/ogc/collections/edifici/items")
    assert response.status_code == 500 and response["Content-Type"] == "application/json"
    assert json.loads(response.content)["code"] == "NoApplicableCode" and b"segreto" not in response.content
    assert "segreto" in caplog.text


@pytest.mark.parametrize("limit", [1, 7, 100, 499, 500, 10_000, 2_000_000])
def test_limit(client: Client, city: SimpleNamespace, limit: int) -> None:
    page = get(client, f"/collections/edifici/items?limit={limit}")
    assert page["numberReturned"] == min(limit, 500)
    assert any(link["rel"] == "next" for link in page["links"]) is (limit < 500)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "limit=", "limit=1&limit=2", "offset=-1", "bbox=a,b", "bbox=1,2,3",
        "bbox=1,2,3,nan", "bbox=1,9,2,3", "bbox=", "datetime=ieri", "datetime=2024-13-01", "datetime=../..",
        "datetime=2024-02-01/2024-01-01", "crs=EPSG:1", "crs=", "bbox-crs=x", "unknown=1", "note=x", "piani=x",
        "demolito=forse", "properties=note", "sortby=note", "sortby=fid;drop", "after=zzz", "after=W10", "f=xml",
        "skipGeometry=si", "q=", "uso=%00", "after=1&offset=1", "rilevato=x",
    ],
)  # fmt: skip
def test_an_invalid_or_unknown_parameter_is_refused_with_a_reason(
    client: Client, city: SimpleNamespace, query: str
) -> None:
    body = get(client, f"/collections/edifici/items?{query}", 400)
    assert body["code"] == "InvalidParameterValue" and len(body["description"]) > 20


@pytest.mark.parametrize("path", ["dUmmYColLection", "vincoli", "x' OR 1=1", "..", "edifici%00"])
def test_an_unknown_collection_is_not_found_wherever_it_is_asked(
    client: Client, city: SimpleNamespace, path: str
) -> None:
    for rest in ("", "/items", "/items/1", "/queryables", "/schema", "/tiles", "/tiles/WebMercatorQuad/1/0/0"):
        assert client.get(f"/ogc/collections/{path}{rest}").status_code == 404


@pytest.mark.parametrize("identifier", ["0", "99999", "x", "1 OR 1=1", "1'", "9" * 40, "%00"])
def test_an_unknown_feature_is_not_found(client: Client, city: SimpleNamespace, identifier: str) -> None:
    get(client, f"/collections/edifici/items/{identifier}", 404)


def test_one_feature_equals_its_entry_in_a_page(client: Client, city: SimpleNamespace) -> None:
    listed = get(client, "/collections/edifici/items?limit=3")["features"][2]
    single = get(client, f"/collections/edifici/items/{listed['id']}")
    assert {link["rel"] for link in single.pop("links")} == {"self", "alternate", "collection"}
    assert single == listed


@pytest.mark.parametrize("query", ["limit=7", "limit=100&sortby=uso", "limit=99&sortby=-uso,altezza",
                                   "limit=50&piani=3", "limit=13&sortby=-aggiornato&uso=scuola"])  # fmt: skip
def test_following_next_finds_every_feature_once(client: Client, city: SimpleNamespace, query: str) -> None:
    found = follow(client, f"/collections/edifici/items?{query}")
    rest = query.split("&", 1)[1:]
    whole = get(client, f"/collections/edifici/items?{'&'.join([*rest, 'limit=10000'])}")["features"]
    assert [one["id"] for one in found] == [one["id"] for one in whole]
    assert len({one["id"] for one in found}) == len(found) > 0


def test_an_offset_starts_where_following_next_arrives(client: Client, city: SimpleNamespace) -> None:
    by_next = follow(client, "/collections/edifici/items?limit=90&sortby=uso")
    page = get(client, "/collections/edifici/items?limit=90&sortby=uso&offset=270")
    assert [one["id"] for one in page["features"]] == [one["id"] for one in by_next[270:360]]
    before = next(link["href"] for link in page["links"] if link["rel"] == "prev")
    assert [one["id"] for one in json.loads(client.get(before).content)["features"]] == [
        one["id"] for one in by_next[180:270]
    ]


def test_bbox_selects_what_meets_the_box(client: Client, city: SimpleNamespace) -> None:
    feature = get(client, "/collections/edifici/items?limit=1")["features"][0]
    xs, ys = zip(*feature["geometry"]["coordinates"][0], strict=True)
    box = f"{min(xs)},{min(ys)},{max(xs)},{max(ys)}"
    page = get(client, f"/collections/edifici/items?bbox={box}")
    assert [one["id"] for one in page["features"]] == [feature["id"]] and page["numberMatched"] == 1
    six = f"{min(xs)},{min(ys)},-5,{max(xs)},{max(ys)},9"
    assert get(client, f"/collections/edifici/items?bbox={six}")["numberMatched"] == 1


@pytest.mark.parametrize(
    ("box", "count"),
    [("-180,-90,180,90", 500), ("170,-90,-170,90", 0), ("9,44,11,46", 500), ("11,46,9,44.5", None), ("0,0,1,1", 0),
     ("9,-90,-170,90", 500)],
)  # fmt: skip
def test_bbox_of_the_world_and_over_the_antimeridian(
    client: Client, city: SimpleNamespace, box: str, count: int | None
) -> None:
    page = get(client, f"/collections/edifici/items?limit=1&bbox={box}", 200 if count is not None else 400)
    if count is not None:
        assert page["numberMatched"] == count


@pytest.mark.parametrize(
    ("moment", "count"),
    [("2020-01-05", 1), ("2020-01-05T12:00:00Z", 1), ("2020-01-01/2020-01-10", 10), ("../2020-01-02", 2),
     ("2021-05-14/..", 1), ("2021-05-14/", 1), ("1999-01-01", 0)],
)  # fmt: skip
def test_datetime(client: Client, city: SimpleNamespace, moment: str, count: int) -> None:
    assert get(client, f"/collections/edifici/items?datetime={moment}")["numberMatched"] == count


@pytest.mark.parametrize(
    ("query", "count"),
    [("uso=scuola", 125), ("piani=3", 72), ("demolito=true", 50), ("uso=scuola&piani=3", 18), ("uso=scuol%25", 0),
     ("q=SCUOLA", 125), ("q=cuol", 125), ("q=%25", 0), ("q=%5C", 0), ("altezza=1", 1), ("rilevato=2020-01-31", 1),
     ("piani=99999999999999999999999", 0)],
)  # fmt: skip
def test_properties_as_parameters(client: Client, city: SimpleNamespace, query: str, count: int) -> None:
    assert get(client, f"/collections/edifici/items?{query}&limit=1000")["numberReturned"] == count


def test_properties_and_geometry_can_be_left_out(client: Client, city: SimpleNamespace) -> None:
    feature = get(client, "/collections/edifici/items?properties=piani,uso&skipGeometry=true")["features"][0]
    assert list(feature["properties"]) == ["piani", "uso"] and feature["geometry"] is None


def test_head_options_cors_and_conditional_requests(client: Client, city: SimpleNamespace) -> None:
    path = "/ogc/collections/edifici/items/1"
    got, head = client.get(path), client.head(path)
    assert head.status_code == 200 and not head.content and head["ETag"] == got["ETag"]
    assert got["Access-Control-Allow-Origin"] == "*"
    assert client.options(path)["Allow"] == "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"
    again = client.get(path, headers={"if-none-match": got["ETag"]})
    assert again.status_code == 304 and not again.content
    refused = client.post(path)
    assert refused.status_code == 405 and refused["Allow"] == "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"


@pytest.mark.parametrize("accept", ["application/json;q=0, */*", "text/html;q=0.2, application/json", "x", "*/*;q=0"])
def test_odd_accept_headers_are_answered(client: Client, city: SimpleNamespace, accept: str) -> None:
    assert client.get("/ogc/conformance", headers={"accept": accept}).status_code == 200


def test_a_page_costs_one_statement(client: Client, city: SimpleNamespace, django_assert_max_num_queries) -> None:
    client.get("/ogc/collections/edifici/items")
    with django_assert_max_num_queries(1) as seen:
        client.get("/ogc/collections/edifici/items?limit=100")
    assert len(seen) <= 1
