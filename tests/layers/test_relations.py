"""What belongs to what: by place and by key, both ways, as far as the asker may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client

from geoportal.models import User
from layers.models import Access, Field, Layer, Relation
from layers.rights import PLANNERS, STEWARDS
from tests.geodata import forget_catalogue, make_layer

PLOTS = """
INSERT INTO {table} (geom, nome, foglio)
SELECT ST_MakeEnvelope(580000 + n * 100, 4998000, 580100 + n * 100, 4998100, 32632), 'particella ' || n, '12/' || n
FROM generate_series(0, 4) AS n
"""
HOUSES = """
INSERT INTO {table} (geom, nome, catasto)
SELECT ST_Transform(ST_MakeEnvelope(580010 + n * 50, 4998010, 580030 + n * 50, 4998030, 32632), 7791),
       'casa ' || n, '12/' || n / 2
FROM generate_series(0, 9) AS n
"""
ZONES = """
INSERT INTO {table} (geom, nome) VALUES
    (ST_MakeEnvelope(580000, 4998000, 580250, 4998100, 32632), 'B1'),
    (ST_MakeEnvelope(580250, 4998000, 580500, 4998100, 32632), 'C2')
"""
DOORS = """
INSERT INTO {table} (geom, nome)
SELECT ST_SetSRID(ST_MakePoint(580020 + n * 50, 4998005), 32632), 'civico ' || n FROM generate_series(0, 9) AS n
"""


def relate(slug: str, one: Layer, other: Layer, kind: str, **more: Any) -> Relation:
    names = {"forward_it": f"{slug} avanti", "backward_it": f"{slug} indietro", "forward_en": f"{slug} forward"}
    made = Relation(slug=slug, one=one, other=other, kind=kind, **names, **more)
    made.full_clean()
    made.save()
    forget_catalogue()
    return made


@pytest.fixture
def town(db: None) -> dict[str, Layer]:
    """Five plots with two houses each, two zones whose border cuts the third plot, a door before each house."""
    text = {"nome": "string"}
    made = {
        "plots": make_layer("lotti", "POLYGON", 32632, text | {"foglio": "string"}, PLOTS),
        "houses": make_layer("case", "POLYGON", 7791, text | {"catasto": "string"}, HOUSES),
        "zones": make_layer("zone", "POLYGON", 32632, text, ZONES),
        "doors": make_layer("porte", "POINT", 32632, text, DOORS),
    }
    Field.objects.filter(name="nome", layer__in=made.values()).update(is_searchable=True)
    relate("case-lotti", made["houses"], made["plots"], "within")
    relate("lotti-zone", made["plots"], made["zones"], "overlaps")
    relate("porte-case", made["doors"], made["houses"], "near", distance_m=10)
    relate("case-catasto", made["houses"], made["plots"], "key", one_field="catasto", other_field="foglio")
    return made


def of(slug: str, item: int | str, client: Client | None = None) -> dict[str, list[str]]:
    answer = (client or Client()).get(f"/api/livelli/{slug}/elementi/{item}/collegati")
    assert answer.status_code == 200, answer.content
    return {group["relation"]: sorted(one["title"] for one in group["items"]) for group in answer.json()["related"]}


def test_a_plot_has_its_houses_and_zones(town: dict[str, Layer]) -> None:
    assert of("lotti", 1) == {
        "case-lotti": ["casa 0", "casa 1"],
        "case-catasto": ["casa 0", "casa 1"],
        "lotti-zone": ["B1"],
    }
    # The border of two zones cuts it; the zone next door, which only touches, is none of its.
    assert of("lotti", 3)["lotti-zone"] == ["B1", "C2"]
    assert of("lotti", 4)["lotti-zone"] == ["C2"]


def test_a_house_has_its_plot_and_its_door_and_a_door_its_house(town: dict[str, Layer]) -> None:
    assert of("case", 4) == {
        "case-lotti": ["particella 1"],
        "case-catasto": ["particella 1"],
        "porte-case": ["civico 3"],
    }
    assert of("porte", 4) == {"porte-case": ["casa 3"]}
    assert of("zone", 1) == {"lotti-zone": ["particella 0", "particella 1", "particella 2"]}


def test_a_relation_has_a_name_each_way_and_in_each_language(town: dict[str, Layer]) -> None:
    address = "/api/livelli/case/elementi/1/collegati"
    titles = [group["title"] for group in Client().get(address).json()["related"]]
    assert "case-lotti avanti" in titles and "porte-case indietro" in titles
    english = Client(headers={"Accept-Language": "en"}).get(address).json()["related"]
    assert "case-lotti forward" in [group["title"] for group in english]


@pytest.mark.parametrize("item", ["999", "x", "1; DROP TABLE x", "1.5", "9" * 30])
def test_what_is_no_feature_has_nothing(town: dict[str, Layer], item: str) -> None:
    assert of("lotti", item) == {}


def test_a_closed_layer_and_a_hidden_key_are_followed_by_no_one(town: dict[str, Layer]) -> None:
    Layer.objects.filter(slug="zone").update(access=Access.INTERNAL)
    Field.objects.filter(layer=town["houses"], name="catasto").update(access=Access.INTERNAL)
    forget_catalogue()
    assert set(of("lotti", 1)) == {"case-lotti"}
    user = User.objects.create_user("pianificatrice")
    user.groups.add(Group.objects.get_or_create(name=PLANNERS)[0])
    client = Client()
    client.force_login(user)
    assert set(of("lotti", 1, client)) == {"case-lotti", "case-catasto", "lotti-zone"}
    assert Client().get("/api/livelli/zone/elementi/1/collegati").status_code == 404


def test_what_is_found_or_here_says_where_its_relations_are(town: dict[str, Layer]) -> None:
    here = Client().get("/api/qui?lon=10.0174&lat=45.1312").json()["features"]
    assert all(
        one["related"] == f"/api/livelli/{one['layer']['slug']}/elementi/{one['item']}/collegati" for one in here
    )


def test_a_process_gives_what_belongs_to_many(town: dict[str, Layer]) -> None:
    def run(**inputs: Any) -> Any:
        return Client().post(
            "/ogc/processes/related/execution", json.dumps({"inputs": inputs}), content_type="application/json"
        )  # fmt: skip

    answer = run(layer="lotti", ids=[1, 2], relation="case-lotti")
    assert answer.status_code == 200, answer.content
    found = {one["properties"]["nome"]: one["properties"]["_given"] for one in answer.json()["features"]}
    assert found == {"casa 0": ["1"], "casa 1": ["1"], "casa 2": ["2"], "casa 3": ["2"]}
    assert run(layer="zone", filter="nome = 'C2'", relation="lotti-zone").json()["features"][0]["geometry"]
    wrong = run(layer="porte", relation="lotti-zone")
    assert wrong.status_code == 400 and "porte-case" in wrong.content.decode()


def test_a_relation_that_cannot_be_is_explained(town: dict[str, Layer]) -> None:
    with pytest.raises(ValidationError, match="foglio"):
        relate("x", town["houses"], town["plots"], "key", one_field="catasto", other_field="mappale")
    with pytest.raises(ValidationError, match="sé stesso"):
        relate("x", town["houses"], town["houses"], "within")


def test_stewards_declare_relations_of_layers_they_keep(town: dict[str, Layer]) -> None:
    user = User.objects.create_user("curatrice")
    client = Client()
    client.force_login(user)
    assert client.get("/relazioni/").status_code == 403
    user.groups.add(Group.objects.get_or_create(name=STEWARDS)[0])
    page = client.get("/relazioni/").content.decode()
    assert "case-lotti avanti" in page
    form = {"slug": "porte-lotti", "one": town["doors"].pk, "other": town["plots"].pk, "kind": "within",
            "forward_it": "Lotto", "backward_it": "Porte", "distance_m": "10", "share_pct": "1"}  # fmt: skip
    assert client.post("/relazioni/nuova/", form | {"kind": "key"}).status_code == 400
    assert client.post("/relazioni/nuova/", form)["Location"] == "/relazioni/"
    forget_catalogue()
    assert of("porte", 1)["porte-lotti"] == ["particella 0"]
    row = Relation.objects.get(slug="porte-lotti")
    client.post(f"/relazioni/{row.pk}/", form | {"backward_it": "Ingressi"})
    row.refresh_from_db()
    assert row.backward_it == "Ingressi"
    client.post(f"/relazioni/{row.pk}/togli/")
    assert not Relation.objects.filter(slug="porte-lotti").exists()
