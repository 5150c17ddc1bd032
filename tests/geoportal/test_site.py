"""The site's pages: in both languages, without a stack trace, under a strict content policy."""

import json
import time

import pytest
from django.test import Client

from layers.models import Access, Layer, Style
from tests.geodata import forget_catalogue


@pytest.fixture
def layers(transactional_db: None) -> None:
    roads = Layer.objects.create(
        slug="strade", title_it="Strade", title_en="Roads", table_name="strade", srid=32632,
        geometry_type="MULTILINESTRING", is_sample=True, shown_by_default=True,
    )  # fmt: skip
    Layer.objects.create(
        slug="vincoli", title_it="Vincoli", table_name="vincoli", srid=32632,
        geometry_type="POLYGON", access=Access.INTERNAL,
    )  # fmt: skip
    Style.objects.create(layer=roads, name="base", title_it="Base", spec={"symbol": {"stroke": "#aa0000"}})
    forget_catalogue()


@pytest.mark.usefixtures("layers")
def test_home_lists_what_the_reader_may_see_and_nothing_else(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "Strade" in page and "dati di esempio" in page and "Vincoli" not in page


@pytest.mark.usefixtures("layers")
def test_home_speaks_english_when_asked(client: Client) -> None:
    page = client.get("/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="en">' in page and "Roads" in page and "sample data" in page


@pytest.mark.usefixtures("layers")
def test_a_compiled_style_is_kept_until_something_changes(client: Client) -> None:
    first = client.get("/mappe/strade/stile.json")
    assert json.loads(first.content)["layers"][1]["paint"]["line-color"] == "#aa0000"
    again = client.get("/mappe/strade/stile.json", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304 and not again.content
    Layer.objects.filter(slug="strade").update(title_it="Vie")
    end = time.monotonic() + 60
    while again.status_code == 304 and time.monotonic() < end:
        again = client.get("/mappe/strade/stile.json", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 200


@pytest.mark.usefixtures("layers")
def test_the_style_of_a_forbidden_layer_reads_like_that_of_an_unknown_one(client: Client) -> None:
    assert client.get("/mappe/vincoli/stile.json").status_code == 404
    assert client.get("/mappe/ignoto/stile.json").status_code == 404
    assert "vincoli" not in json.loads(client.get("/mappe/stile.json").content)["sources"]


@pytest.mark.usefixtures("layers")
def test_the_map_offers_a_layers_styles_and_wears_the_chosen_one(client: Client) -> None:
    assert "data-style-of" not in client.get("/").content.decode()  # one style is no choice
    roads = Layer.objects.get(slug="strade")
    secret = {"kind": "categorised", "field": "ignoto", "classes": [{"value": "a"}]}
    for name, spec in (("larga", {"symbol": {"stroke": "#00aa00", "stroke_width": 8}}), ("segreta", secret)):
        Style.objects.create(layer=roads, name=name, title_it=name.title(), spec=spec, is_default=False)
    forget_catalogue()
    page = client.get("/").content.decode()
    assert 'data-style-of="strade"' in page and "Larga" in page
    # By a column that the reader may not see: neither offered nor given.
    assert "Segreta" not in page and client.get("/mappe/strade/stili/segreta.json").status_code == 404
    worn = client.get("/mappe/strade/stili/larga.json").json()
    assert (worn["name"], worn["style"][0]["paint"]["line-color"]) == ("larga", "#00aa00")
    assert worn["legend"][0]["swatch"].startswith("data:image/svg+xml")
    for path in ("strade/stili/nessuno", "vincoli/stili/predefinito", "ignoto/stili/base"):
        assert client.get(f"/mappe/{path}.json").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accedi/", "/note/", "/nulla/"])
def test_pages_forbid_inline_code_and_other_hosts(client: Client, path: str) -> None:
    response = client.get(path)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy and "http" not in policy
    page = response.content.decode()
    assert " style=" not in page and "onclick" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "title"), [("it", "Pagina non trovata"), ("en", "Page not found")])
def test_an_unknown_address_is_explained_in_the_readers_language(client: Client, language: str, title: str) -> None:
    response = client.get("/nulla/", headers={"accept-language": language})
    assert response.status_code == 404 and title in response.content.decode()


@pytest.mark.django_db
def test_a_fault_shows_a_page_and_never_a_trace(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoportal.views.layer_tree", lambda *_: 1 / 0)
    client.raise_request_exception = False
    response = client.get("/")
    page = response.content.decode()
    assert response.status_code == 500 and "Qualcosa non ha funzionato" in page and "ZeroDivision" not in page
