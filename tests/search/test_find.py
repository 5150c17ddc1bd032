"""What people type, and what they find."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.models import Access, Field, Job, Layer, SearchEntry, SearchIndex, SearchWish
from layers.rights import PROFESSIONALS, TECHNICIANS
from layers.search.index import index_layer
from tests.geodata import forget_catalogue, make_layer
from tests.monitoring.devices import device


def ask(text: str, client: Client | None = None, **more: Any) -> dict[str, Any]:
    response = (client or Client()).get("/api/cerca", {"q": text, **more})
    assert response.status_code == 200, response.content
    found: dict[str, Any] = response.json()
    return found


def titles(text: str, client: Client | None = None, **more: Any) -> list[str]:
    return [result["title"] for result in ask(text, client, **more)["results"]]


def insider(role: str) -> Client:
    user = User.objects.create_user(f"una-{role}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("via dante 12", "Via Dante, 12"),
        ("VIA DANTE, 12/A", "Via Dante, 12/A"),
        ("via dante 12 bis", "Via Dante, 12/bis"),
        ("Via Dante n. 12 Cremona", "Via Dante, 12"),
        ("12 via dante", "Via Dante, 12"),
        ("dante 7", "Via Dante, 7"),
        ("via dante", "Via Dante"),
        ("garibaldi", "Via Giuseppe Garibaldi"),
        ("via garibladi 3", "Via Giuseppe Garibaldi, 3"),
        ("via garib", "Via Giuseppe Garibaldi"),
        ("c.so vittorio emanuele 5", "Corso Vittorio Emanuele II, 5"),
        ("aquila 9", "Via dell'Aquila, 9"),
        ("via dell’aquila", "Via dell'Aquila"),
        ("via universita", "Via Università"),
        ("VIA UNIVERSITÀ 4", "Via Università, 4"),
        ("v.le trento trieste 20", "Viale Trento e Trieste, 20"),
        ("via XX settembre 8", "Via XX Settembre, 8"),
        ("p.zza libertà", "Piazza della Libertà"),
        ("foglio 12 particella 345", "Foglio 12, particella 345"),
        ("fg 12 mapp. 345 sub 3", "Foglio 12, particella 345"),
        *(
            (text, "Foglio 12, particella 345")
            for text in (
                "12/345",
                "D150 12/345",
                "mappale 345 foglio 12",
                "Comune di Cremona (D150) f. 12 p. 345",
                "fg.12 n.345",
            )
        ),
        ("D150_001200.345", "Foglio 12, particella 345"),
        ("foglio 12", "Foglio 12"),
        ("liceo anguissola", "Liceo Anguissola"),
        ("anguisola", "Liceo Anguissola"),
        ("sant'agata", "Asilo Sant'Agata"),
        ("numeri civici", "Numeri civici"),
        ("scuole", "Scuole e asili"),
        ("istruzione", "Scuole e asili"),
        ("45.1337, 10.0252", "45.133700, 10.025200"),
        ("580613 4998314", "45.133699, 10.025196"),
    ],
)
def test_the_first_answer_is_what_is_meant(town: SimpleNamespace, text: str, first: str) -> None:
    assert titles(text)[0] == first


def test_a_missing_house_number_gives_its_neighbours_after_the_street(town: SimpleNamespace) -> None:
    found = titles("via dante 13")
    assert "Via Dante" in found and {"Via Dante, 12", "Via Dante, 14"} <= set(found) and "Via Dante, 13" not in found


def test_an_address_says_where_it_is_and_which_feature_it_is(town: SimpleNamespace) -> None:
    first = ask("via dante 12")["results"][0]
    assert (first["kind"], first["layer"]) == ("address", {"slug": "civici", "title": "Numeri civici"})
    feature = Client().get(f"{first['href']}?f=json").json()
    assert feature["properties"]["odonimo"] == "Via Dante" and feature["properties"]["civico"] == "12"
    assert feature["geometry"]["coordinates"] == pytest.approx([first["lon"], first["lat"]], abs=1e-6)


def test_a_street_has_the_box_of_its_numbers_and_lies_on_one_of_them(town: SimpleNamespace) -> None:
    street = next(result for result in ask("via garibaldi")["results"] if result["kind"] == "street")
    west, south, east, north = street["bbox"]
    assert west <= street["lon"] <= east and south <= street["lat"] <= north and north > south


def test_corrections_and_omissions_are_said(town: SimpleNamespace) -> None:
    assert not ask("via dante 12")["approximate"]
    assert ask("via garibladi")["approximate"]
    assert ask("via dante xyzzyq")["approximate"]


@pytest.mark.parametrize(
    "text", ["qqqqxxxx", "!!!", "' OR 1=1 --", "a & | ! :* <->", "%", "12/345/6/7", "\\", "foglio", "e", "di"]
)
def test_nonsense_and_operators_are_only_words(town: SimpleNamespace, text: str) -> None:
    assert Client().get("/api/cerca", {"q": text}).status_code == 200


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=%20", "q=a%00b", f"q={'x' * 201}", "q=a&limit=0", "q=a&limit=51", "q=a&limit=x", "q=a&lingua=fr"],
)
def test_bad_questions_are_refused_with_what_to_do(town: SimpleNamespace, query: str) -> None:
    response = Client().get(f"/api/cerca?{query}")
    assert response.status_code == 400 and len(response.json()["detail"]) > 10


def test_answers_come_in_the_language_asked_for(town: SimpleNamespace) -> None:
    assert ask("via dante 12", lingua="en")["results"][0]["layer"]["title"] == "House numbers"
    assert titles("schools", lingua="en")[0] == "Schools"


def test_layers_and_fields_are_found_by_who_may_see_them(town: SimpleNamespace) -> None:
    assert titles("quadrifoglio") == [] and titles("vincoli") == []
    professional = insider(PROFESSIONALS)
    assert titles("quadrifoglio", professional) == ["Vincolo Quadrifoglio"]
    assert "Vincoli" in titles("vincoli", professional)
    assert titles("fiordaliso") == [] and titles("fiordaliso", professional) == []
    assert titles("fiordaliso", insider(TECHNICIANS)) == ["Scuola primaria Trento Trieste"]
    assert "Fiordaliso" not in Client().get("/api/cerca?q=trento trieste").content.decode()


def test_what_becomes_hidden_is_not_found_from_then_on_without_any_indexing(town: SimpleNamespace) -> None:
    assert titles("anguissola")
    Field.objects.filter(layer=town.schools, name="nome").update(access=Access.INTERNAL)
    forget_catalogue()
    assert titles("anguissola") == []
    assert SearchEntry.objects.filter(title="Liceo Anguissola").exists()  # the rows still lie there
    Layer.objects.filter(pk=town.numbers.pk).update(is_published=False)
    forget_catalogue()
    assert titles("via dante 12") == []


def test_each_layer_is_indexed_once_whoever_asks_how_often(town: SimpleNamespace) -> None:
    before = SearchEntry.objects.count()
    index_layer(town.numbers.pk)
    assert SearchEntry.objects.count() == before
    assert SearchIndex.objects.get(layer=town.numbers).entries == 8 * 39 + 2 + 8


def jobs_for(layer: Layer) -> int:
    """Whether a layer waits to be indexed; one job does it for all that wait."""
    assert Job.objects.filter(kind="search", state="queued").count() <= 1
    return SearchWish.objects.filter(layer=layer).count()


def test_a_change_asks_for_one_new_index_and_other_changes_for_none(town: SimpleNamespace) -> None:
    Job.objects.all().delete()
    SearchWish.objects.all().delete()
    Layer.objects.filter(pk=town.schools.pk).update(abstract_it="Altro")
    Field.objects.filter(layer=town.schools).update(title_it="Altro")
    assert jobs_for(town.schools) == 0
    Layer.objects.filter(pk=town.schools.pk).update(data_version=7)
    Layer.objects.filter(pk=town.schools.pk).update(data_version=8)
    assert jobs_for(town.schools) == 1 and jobs_for(town.numbers) == 0
    Field.objects.filter(layer=town.numbers, name="civico").update(search_role="text")
    assert jobs_for(town.numbers) == 1


def test_a_layer_that_is_withdrawn_leaves_the_index(town: SimpleNamespace) -> None:
    Layer.objects.filter(pk=town.schools.pk).update(is_published=False)
    forget_catalogue()
    assert index_layer(town.schools.pk) == 0
    assert not SearchEntry.objects.filter(layer=town.schools).exists()


def test_here_are_the_nearest_address_and_what_contains_the_place(town: SimpleNamespace) -> None:
    address = ask("via dante 12")["results"][0]
    body = Client().get("/api/qui", {"lon": address["lon"] + 0.00003, "lat": address["lat"]}).json()
    assert body["address"]["title"] == "Via Dante, 12" and 2 < body["address"]["distance_m"] < 3
    assert body["coordinates"]["EPSG:32632"] == pytest.approx([580302.4, 4998144], abs=1)
    assert "vincoli" not in [one["layer"]["slug"] for one in body["features"]]
    seen = insider(PROFESSIONALS).get("/api/qui", {"lon": address["lon"], "lat": address["lat"]}).json()
    assert {"vincoli", "civici"} <= {one["layer"]["slug"] for one in seen["features"]}
    parcel = ask("12/345")["results"][0]
    found = Client().get("/api/qui", {"lon": parcel["lon"], "lat": parcel["lat"]}).json()["features"]
    assert [(one["layer"]["slug"], one["title"]) for one in found] == [("particelle", "0012/345")]


def test_here_is_metres_in_degrees_of_any_datum_too(town: SimpleNamespace) -> None:
    places = "SELECT ST_SetSRID(ST_MakePoint(10 + n / 100.0, 45.1), 4265) FROM generate_series(1, 9) AS n"
    make_layer("pozzi", "POINT", 4265, {}, f"INSERT INTO {{table}} (geom) {places}")
    place = "ST_Transform(geom, 4326)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ST_X({place}), ST_Y({place}) FROM geodata.pozzi WHERE fid = 4")
        lon, lat = cursor.fetchone()
    found = Client().get("/api/qui", {"lon": lon, "lat": lat}).json()["features"]
    assert [one["item"] for one in found if one["layer"]["slug"] == "pozzi"] == ["4"]


@pytest.mark.parametrize("query", ["", "lon=a&lat=b", "lon=200&lat=0", "lon=nan&lat=1", "lon=10"])
def test_a_place_that_is_none_is_refused(town: SimpleNamespace, query: str) -> None:
    assert Client().get(f"/api/qui?{query}").status_code == 400


def test_a_device_is_found_by_its_name_once_the_workers_have_done_their_job(db: None) -> None:
    Job.objects.all().delete()
    SearchWish.objects.all().delete()
    device("ap-prova-1", name_it="Portico Quadrilatero", lifecycle="active")
    layer = Layer.objects.get(slug="punti-accesso-wifi")
    assert jobs_for(layer) == 1
    forget_catalogue()
    index_layer(layer.pk)
    first = ask("portico quadrilatero")["results"][0]
    assert (first["kind"], first["title"], first["layer"]["slug"]) == ("feature", "Portico Quadrilatero", layer.slug)
    assert Client().get(first["href"]).status_code == 200
    forget_catalogue()
