"""OGC API Records 1.0: record core, searchable catalogue, query parameters, sorting; rights."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from layers.models import Layer
from layers.rights import PROFESSIONALS
from tests.conformance.abstract import abstract
from tests.geodata import forget_catalogue

ITEMS = "/ogc/collections/metadata/items"


@pytest.fixture
def described(city: SimpleNamespace) -> SimpleNamespace:
    Layer.objects.filter(slug="edifici").update(
        title_it="Edifici della città", title_en="Buildings", abstract_it="Il costruito", keywords=["case"],
        data_updated_at="2026-03-01T08:00:00Z", contact_email="sit@example.org", steward_office="Ufficio SIT",
    )  # fmt: skip
    Layer.objects.filter(slug="civici").update(data_updated_at="2024-01-01T00:00:00Z", title_it="Numeri civici")
    forget_catalogue()
    return city


def asked(client: Client, **params: str) -> list[str]:
    answer = client.get(ITEMS, params)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = json.loads(answer.content)
    assert found["numberReturned"] == len(found["features"]) <= found["numberMatched"]
    return [one["id"] for one in found["features"]]


@abstract(
    "records",
    "/conf/record-collection/itemType",
    "/conf/record-collection/links",
    "/conf/record-collection/mandatory-properties-collection",
    "/conf/records-api/catalog-response",
    "/conf/searchable-catalog/mandatory-catalog-properties",
    "/conf/sorting/get-sortables-op",
    "/conf/sorting/get-sortables-success",
)
def test_the_catalogue_is_a_collection_of_records(client: Client, described: SimpleNamespace) -> None:
    collection = client.get("/ogc/collections/metadata").json()
    assert collection["itemType"] == "record" and collection["id"] and collection["title"]
    links = {link["rel"]: link["href"] for link in collection["links"]}
    assert {"self", "alternate", "items"} <= set(links)
    sortables = client.get(links["http://www.opengis.net/def/rel/ogc/1.0/sortables"])
    assert sortables["Content-Type"] == "application/schema+json" and sortables.json()["type"] == "object"
    for name in sortables.json()["properties"]:
        assert client.get(ITEMS, {"sortby": f"-{name}"}).status_code == 200, name
    assert collection["id"] in [one["id"] for one in client.get("/ogc/collections?f=json").json()["collections"]]
    landing = client.get("/ogc/?f=json").json()
    assert any(link["rel"].endswith("/ogc-catalog") for link in landing["links"])


@abstract(
    "records",
    "/conf/record-core/mandatory-properties-record",
    "/conf/record-core/links",
    "/conf/record-core/license",
    "/conf/record-core/time-instant",
    "/conf/records-api/record-response",
    "/conf/json/record-response",
    "/conf/json/record-content",
)
def test_a_record_has_the_members_of_the_core(client: Client, described: SimpleNamespace) -> None:
    answer = client.get(f"{ITEMS}/edifici", headers={"Accept-Language": "it"})
    record = json.loads(answer.content)
    assert answer["Content-Type"] == "application/geo+json" and record["type"] == "Feature"
    assert record["conformsTo"] == ["http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"]
    assert record["time"] == {"timestamp": "2026-03-01T08:00:00Z"} and record["geometry"]["type"] == "Polygon"
    properties = record["properties"]
    assert (properties["type"], properties["title"]) == ("dataset", "Edifici della città")
    assert properties["contacts"][0]["organization"] == "Ufficio SIT" and properties["license"] == "CC-BY-4.0"
    Layer.objects.filter(slug="civici").update(licence="IODL-2.0")
    forget_catalogue()
    national = client.get(f"{ITEMS}/civici").json()
    assert national["properties"]["license"] == "other", "SPDX does not know it"
    assert any(link["rel"] == "license" and "italian-open-data" in link["href"] for link in national["links"])
    rels = {link["rel"] for link in record["links"]}
    assert [link["rel"] for link in record["links"]].count("collection") == 1
    assert {"self", "alternate", "items", "license", "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"} <= rels
    english = client.get(f"{ITEMS}/edifici", headers={"Accept-Language": "en"}).json()
    assert english["properties"]["title"] == "Buildings"


def test_every_link_of_a_record_to_the_services_answers(client: Client, described: SimpleNamespace) -> None:
    for link in client.get(f"{ITEMS}/civici").json()["links"]:
        if link["href"].startswith("http://testserver/ogc"):
            assert client.get(link["href"].removeprefix("http://testserver")).status_code == 200, link


@abstract(
    "records", "/conf/record-core-query-parameters/bbox", "/conf/record-core-query-parameters/datetime",
    "/conf/record-core-query-parameters/q-response", "/conf/record-core-query-parameters/type-response",
    "/conf/record-core-query-parameters/ids-response", "/conf/record-core-query-parameters/externalIds-response",
    "/conf/record-core-query-parameters/empty-value", "/conf/sorting/sortby-response",
)  # fmt: skip
@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"q": "CITTA"}, ["edifici"]),
        ({"q": "numeri civici"}, ["civici"]),
        ({"q": "civici numeri"}, []),
        ({"q": "case,civici", "sortby": "id"}, ["civici", "edifici"]),
        ({"ids": "civici,nulla"}, ["civici"]),
        ({"externalIds": "http://testserver/ogc/collections/edifici"}, ["edifici"]),
        ({"externalIds": "http://testserver/ogc", "sortby": "id", "type": "dataset"}, ["civici", "edifici"]),
        ({"q": "", "bbox": "", "limit": "", "ids": "", "sortby": "id", "type": "dataset"}, ["civici", "edifici"]),
        ({"type": "dataset", "sortby": "-id"}, ["edifici", "civici"]),
        ({"type": "service", "q": "OGC:WFS"}, ["servizio:wfs"]),
        ({"datetime": "2025-01-01/..", "type": "dataset"}, ["edifici"]),
        ({"datetime": "2024-01-01", "type": "dataset"}, ["civici"]),
        ({"bbox": "11,45,12,46"}, []),
        ({"bbox": "9.9,45,10.2,45.3", "sortby": "updated", "type": "dataset"}, ["civici", "edifici"]),
        ({"limit": "1", "sortby": "title", "offset": "1", "type": "dataset"}, ["civici"]),
    ],
)
def test_records_are_searched(client: Client, described: SimpleNamespace, params: Any, found: list[str]) -> None:
    assert asked(client, **params) == found


@abstract("records", "/conf/record-core-query-parameters/query-param-invalid")
@pytest.mark.parametrize("params", [
    {"bbox": "1,2,3"}, {"datetime": "ieri"}, {"limit": "0"}, {"sortby": "password"}, {"unknown": "1"},
])  # fmt: skip
def test_what_is_not_a_question_is_refused(client: Client, described: SimpleNamespace, params: Any) -> None:
    assert client.get(ITEMS, params).status_code == 400


@abstract("records", "/conf/record-core-query-parameters/limit", "/conf/records-api/records-response")
def test_pages_follow_each_other(client: Client, described: SimpleNamespace) -> None:
    first = client.get(ITEMS, {"limit": "1", "sortby": "id", "type": "dataset"}).json()
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    second = client.get(following).json()
    assert [one["features"][0]["id"] for one in (first, second)] == ["civici", "edifici"]
    assert not any(link["rel"] == "next" for link in second["links"])


def test_records_are_as_secret_as_their_layers(client: Client, described: SimpleNamespace) -> None:
    assert "vincoli" not in asked(client) and client.get(f"{ITEMS}/vincoli").status_code == 404
    user = User.objects.create_user("geometra")
    user.groups.add(Group.objects.get_or_create(name=PROFESSIONALS)[0])
    client.force_login(user)
    assert "vincoli" in asked(client)
