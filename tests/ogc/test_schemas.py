"""OGC API - Features Part 3 queryables and Part 5 schemas: roles, titles, units, and nothing that cannot be asked."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from layers.models import Field
from tests.conformance.abstract import abstract
from tests.geodata import forget_catalogue


def get(client: Client, path: str) -> dict[str, Any]:
    response = client.get(f"/ogc/collections/{path}")
    assert response.status_code == 200 and response["Content-Type"] == "application/schema+json"
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_queryables_are_a_json_schema_of_what_can_be_filtered_by(client: Client, city: SimpleNamespace) -> None:
    Field.objects.filter(layer=city.buildings, name="altezza").update(is_filterable=False)
    forget_catalogue()
    made = get(client, "edifici/queryables")
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema" and made["type"] == "object"
    assert made["$id"] == "http://testserver/ogc/collections/edifici/queryables"
    assert set(made["properties"]) == {"geometry", "uso", "piani", "demolito", "rilevato", "aggiornato"}
    assert client.get("/ogc/collections/edifici/items?altezza=1").status_code == 400
    assert client.get("/ogc/collections/edifici/items?sortby=altezza").status_code == 400
    assert client.get("/ogc/collections/edifici/items", {"filter": "altezza > 1"}).status_code == 400


def test_every_queryable_can_be_asked_by(client: Client, city: SimpleNamespace) -> None:
    values = {"uso": "scuola", "piani": "1", "altezza": "1", "demolito": "true", "rilevato": "2020-01-01",
              "aggiornato": "2021-01-01T00:00:00Z"}  # fmt: skip
    names = set(get(client, "edifici/queryables")["properties"]) - {"geometry"}
    assert names == set(values)
    for name in names:
        page = json.loads(client.get("/ogc/collections/edifici/items", {name: values[name]}).content)
        assert page["numberMatched"] > 0, name


@abstract(
    "schemas",
    "/req/schemas/json-schema",
    "/req/schemas/role-id",
    "/req/schemas/unit",
    "/req/core-roles-features/role-primary-geometry",
    "/req/core-roles-features/role-primary-instant",
)
def test_the_schema_says_roles_titles_and_units(client: Client, city: SimpleNamespace) -> None:
    Field.objects.filter(layer=city.buildings, name="altezza").update(unit="m", title_it="Altezza", title_en="Height")
    forget_catalogue()
    whole = get(client, "edifici/schema")
    assert whole["$id"] == "http://testserver/ogc/collections/edifici/schema" and whole["type"] == "object"
    assert whole["$schema"].endswith("2020-12/schema") and whole["additionalProperties"] is False
    made = whole["properties"]
    assert [one["x-ogc-role"] for one in made.values() if "x-ogc-role" in one].count("id") == 1
    assert made["fid"]["x-ogc-role"] == "id" and made["fid"]["type"] == "integer" and made["fid"]["readOnly"]
    assert all("type" in one for name, one in made.items() if name != "geometry") and "type" not in made["geometry"]
    assert made["geometry"] == {"format": "geometry-polygon", "x-ogc-role": "primary-geometry", "x-ogc-propertySeq": 2}
    assert made["rilevato"]["x-ogc-role"] == "primary-instant" and made["rilevato"]["format"] == "date"
    assert made["altezza"]["x-ogc-unit"] == "m" and made["altezza"]["title"] == "Altezza"
    english = client.get("/ogc/collections/edifici/schema", headers={"accept-language": "en"})
    assert json.loads(english.content)["properties"]["altezza"]["title"] == "Height"


@abstract("schemas", "/req/schemas/properties", "/req/schemas/property-seq")
@pytest.mark.parametrize("slug", ["edifici", "civici"])
def test_features_follow_their_schema(client: Client, city: SimpleNamespace, slug: str) -> None:
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}
    properties = get(client, f"{slug}/schema")["properties"]
    page = json.loads(client.get(f"/ogc/collections/{slug}/items?limit=100").content)
    for feature in page["features"]:
        for name, value in feature["properties"].items():
            assert value is None or isinstance(value, types[properties[name]["type"]])


def test_code_lists_say_which_values_there_are_and_what_they_mean(client: Client, city: SimpleNamespace) -> None:
    held = [{"code": "scuola", "it": "Scuola", "en": "School"}, {"code": "ufficio", "it": "Ufficio", "en": ""}]
    Field.objects.filter(layer=city.buildings, name="uso").update(codes=held)
    forget_catalogue()
    for document in ("schema", "queryables"):
        use = get(client, f"edifici/{document}")["properties"]["uso"]
        assert use["enum"] == ["scuola", "ufficio"] and use["type"] == "string"
        assert use["oneOf"][0] == {"const": "scuola", "title": "Scuola"}
    english = client.get("/ogc/collections/edifici/schema", headers={"accept-language": "en"}).json()
    assert [one["title"] for one in english["properties"]["uso"]["oneOf"]] == ["School", "Ufficio"]
    browser = {"accept": "text/html"}
    assert "Scuola" in client.get("/ogc/collections/edifici/schema", headers=browser).content.decode()
    page = client.get("/ogc/collections/edifici/items?uso=scuola&limit=1").json()
    shown = client.get(f"/ogc/collections/edifici/items/{page['features'][0]['id']}", headers=browser)
    assert "scuola (Scuola)" in shown.content.decode()
