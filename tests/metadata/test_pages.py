"""Pages of the catalogue: who may describe, what is refused, what readers and stewards see."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from geoportal.models import User
from layers.models import Access, Field, Layer, Theme
from tests.geodata import forget_catalogue, make_layer

ROW = "INSERT INTO {table} (geom, nome, interno) VALUES (ST_SetSRID(ST_MakePoint(580500, 4998200), 32632), 'a', 'b')"


@pytest.fixture
def town(db: None) -> Iterator[SimpleNamespace]:
    theme = Theme.objects.create(slug="verde", title_it="Verde pubblico", title_en="Green")
    layer = make_layer(
        "alberature", "POINT", 32632, {"nome": "string", "interno": "string"}, ROW, theme=theme,
        title_it="Alberature", keywords=["Tigli"], abstract_it="Gli alberi lungo i viali della città.",
    )  # fmt: skip
    Field.objects.filter(layer=layer, name="interno").update(access=Access.RESTRICTED)
    make_layer("segreto", "POINT", 32632, {"nome": "string", "interno": "string"}, ROW, access=Access.INTERNAL)
    user = User.objects.create_user("curatrice")
    user.groups.add(Group.objects.get_or_create(name="curatori")[0])
    client = Client()
    client.force_login(user)
    forget_catalogue()
    yield SimpleNamespace(layer=layer, steward=client, theme=theme)
    forget_catalogue()


def sent(**values: object) -> dict[str, object]:
    found = {
        "title_it": "Alberi", "licence": "CC-BY-4.0", "update_frequency": "ANNUAL", "access": "public",
        "keywords": "tigli, platani,, tigli", "accuracy_m": "1.5", "scale_denominator": "1000", "theme": "",
        "inspire_theme": "lc", "topic_category": "environment", "field-nome-it": "Specie", "field-nome-en": "Species",
        "field-nome-unit": "", "review_on": "2027-03-01",
    }  # fmt: skip
    return {**found, **values}


def test_a_steward_describes_a_layer_and_every_page_says_so(town: SimpleNamespace) -> None:
    before = Layer.objects.get(slug="alberature")
    answer = town.steward.post("/livelli/alberature/descrizione/", sent(theme=str(town.theme.pk)))
    assert answer.status_code == 302
    row = Layer.objects.get(slug="alberature")
    assert (row.title_it, row.keywords, row.accuracy_m, row.review_on) == (
        "Alberi", ["tigli", "platani"], 1.5, date(2027, 3, 1),
    )  # fmt: skip
    assert (row.table_name, row.data_version, row.feature_count) == (before.table_name, before.data_version, 1)
    assert Field.objects.get(layer=row, name="nome").title_en == "Species"
    assert Field.objects.get(layer=row, name="interno").title_it == "Interno"
    forget_catalogue()
    page = Client().get("/livelli/alberature/").content.decode()
    for text in ("Alberi", "tigli, platani", "1,5 m", "Specie", "Copertura del suolo", "metadati.xml", "/ogc/wms"):
        assert text in page, text
    assert "interno" not in page and "Descrivi" not in page
    assert "Descrivi" in town.steward.get("/livelli/alberature/").content.decode()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"title_it": ""}, "obbligatorio"),
        ({"accuracy_m": "-3"}, "maggiore o uguale"),
        ({"contact_email": "chiocciola"}, "e-mail"),
        ({"inspire_theme": "zz"}, "zz"),
        ({"access": "restricted"}, "gruppo"),
        ({"field-nome-it": ""}, "ha bisogno di un nome"),
        ({"keywords": "a" * 81}, "80 caratteri"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(town: SimpleNamespace, values: dict[str, str], says: str) -> None:
    answer = town.steward.post("/livelli/alberature/descrizione/", sent(**values), headers={"Accept-Language": "it"})
    assert answer.status_code == 400 and says in answer.content.decode()
    assert Layer.objects.get(slug="alberature").title_it == "Alberature"
    assert Field.objects.get(layer__slug="alberature", name="nome").title_it == "Nome"


def test_the_form_is_for_who_keeps_the_layer(town: SimpleNamespace) -> None:
    assert Client().get("/livelli/alberature/descrizione/")["Location"].startswith("/accedi/")
    assert town.steward.get("/livelli/alberature/descrizione/").status_code == 200
    town.theme.stewards.add(Group.objects.create(name="ufficio-verde"))
    forget_catalogue()
    assert town.steward.get("/livelli/alberature/descrizione/").status_code == 403
    assert town.steward.post("/livelli/alberature/descrizione/", sent()).status_code == 403


def test_the_catalogue_is_searched_without_accents_and_shows_what_is_open(town: SimpleNamespace) -> None:
    page = Client().get("/livelli/").content.decode()
    assert "Alberature" in page and "Verde pubblico" in page and "segreto" not in page.lower()
    assert "segreto" in town.steward.get("/livelli/").content.decode().lower()
    assert "Alberature" in Client().get("/livelli/?q=citta+TIGLI").content.decode()
    nothing = Client().get("/livelli/?q=fognature").content.decode()
    assert "Alberature" not in nothing and "Nessun livello" in nothing


def test_what_is_due_comes_first_in_the_list_to_review(town: SimpleNamespace) -> None:
    today = timezone.localdate()
    Layer.objects.filter(slug="segreto").update(review_on=today - timedelta(days=1))
    Layer.objects.filter(slug="alberature").update(review_on=today + timedelta(days=300))
    forget_catalogue()
    page = town.steward.get("/da-rivedere/").content.decode()
    assert page.index("Segreto") < page.index("Alberature")
    assert "scaduta" in page
    assert Client().get("/da-rivedere/").status_code == 302
