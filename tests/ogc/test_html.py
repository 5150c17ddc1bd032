"""OGC API - Common and Features, HTML: the pages for people say what the JSON says, in Italian and in English."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from layers.models import Layer
from tests.geodata import forget_catalogue

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = (
    "/", "/conformance", "/openapi", "/collections", "/collections/edifici", "/collections/edifici/items",
    "/collections/edifici/items/1", "/collections/edifici/queryables", "/collections/edifici/schema",
    "/processes", "/processes/buffer", "/collections/metadata", "/collections/metadata/items",
    "/collections/metadata/items/edifici",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_gets_a_page_and_a_program_json(client: Client, city: SimpleNamespace, path: str) -> None:
    page = client.get(f"/ogc{path}", headers={"accept": BROWSER})
    assert page.status_code == 200 and page["Content-Type"].startswith("text/html") and "Accept" in page["Vary"]
    assert "json" in client.get(f"/ogc{path}", headers={"accept": "*/*"})["Content-Type"]
    assert "json" in client.get(f"/ogc{path}?f=json", headers={"accept": BROWSER})["Content-Type"]
    assert client.get(f"/ogc{path}?f=html").content


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(
    client: Client, city: SimpleNamespace, path: str, blank_pictures: None
) -> None:
    html = client.get(f"/ogc{path}", headers={"accept": BROWSER}).content.decode()
    for address in set(re.findall(r'href="((?:http://testserver)?/ogc[^"]*)"', html)):
        assert client.get(address.replace("&amp;", "&"), headers={"accept": BROWSER}).status_code == 200, address


def test_the_table_pages_like_the_items(client: Client, city: SimpleNamespace) -> None:
    seen: list[str] = []
    address: str | None = "/ogc/collections/civici/items?limit=100"
    while address:
        html = client.get(address, headers={"accept": BROWSER}).content.decode()
        seen += re.findall(r'<th scope="row"><a href="[^"]*/items/(\d+)"', html)
        following = re.search(r'rel="next" href="([^"]+)"', html)
        address = following[1].replace("&amp;", "&") if following else None
    assert seen == [str(n) for n in range(1, 238)]


def test_what_people_wrote_is_never_markup(client: Client, city: SimpleNamespace) -> None:
    Layer.objects.filter(slug="edifici").update(title_it="<script>alert(1)</script>", abstract_it="<img src=x>")
    forget_catalogue()
    for path in (
        "/collections",
        "/collections/edifici",
        "/collections/edifici/items",
        "/openapi",
        "/collections/metadata",
    ):
        html = client.get(f"/ogc{path}", headers={"accept": BROWSER}).content
        assert b"<script>alert" not in html and b"<img src=x" not in html


def test_an_error_is_a_page_for_a_browser(client: Client, city: SimpleNamespace) -> None:
    response = client.get("/ogc/collections/edifici/items?limit=<b>", headers={"accept": BROWSER})
    assert response.status_code == 400 and b"whole number" in response.content and b"<b>" not in response.content
    assert client.get("/ogc/collections/nessuno", headers={"accept": BROWSER}).status_code == 404


@pytest.mark.parametrize("language", ["it", "en"])
def test_pages_say_their_language(client: Client, city: SimpleNamespace, language: str) -> None:
    html = client.get("/ogc/collections", headers={"accept": BROWSER, "accept-language": language})
    assert f'lang="{language}"'.encode() in html.content and language in html["Content-Language"]


def test_a_table_is_narrowed_by_a_form_and_downloads_what_it_shows(client: Client, city: SimpleNamespace) -> None:
    whole = client.get("/ogc/collections/edifici/items", headers={"accept": BROWSER}).content.decode()
    name, value = "uso", client.get("/ogc/collections/edifici/items/1").json()["properties"]["uso"]
    assert re.search(rf'<input [^>]*name="{name}" value=""', whole)
    answer = client.get("/ogc/collections/edifici/items", {name: value, "f": "html"})
    html = answer.content.decode()
    assert re.search(rf'<input [^>]*name="{name}" value="{value}"', html)
    file = re.search(r'download href="([^"]*export\?f=geojson[^"]*)"', html)
    assert file
    found: Any = client.get(file[1].replace("&amp;", "&"))
    features = json.loads(b"".join(found.streaming_content))["features"]
    asked = client.get("/ogc/collections/edifici/items", {name: value}).json()
    assert len(features) == asked["numberMatched"] and all(one["properties"][name] == value for one in features)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("tiles", ("Tessere di tutti i livelli", "/ogc/tiles/WebMercatorQuad?f=html", "UTM32WGS84Quad")),
        ("tiles/WebMercatorQuad", ("{tileMatrix}/{tileRow}/{tileCol}", "f=tilejson")),
        ("collections/edifici/tiles", ("Tessere vettoriali", "/ogc/collections/edifici/tiles/WebMercatorQuad?f=html")),
        ("collections/edifici/tiles/UTM32WGS84Quad", ("{tileMatrix}/{tileRow}/{tileCol}", "EPSG/0/32632")),
        ("collections/edifici/map/tiles", ("Tessere come immagini",)),
        ("collections/edifici/map/tiles/WebMercatorQuad", ("image/png", "{tileRow}")),
        ("collections/edifici/styles", ("Stili", "predefinito", "application/vnd.mapbox.style+json")),
        ("styles", ("Stili", "edifici:predefinito")),
        ("tileMatrixSets", ("Griglie delle tessere", "/ogc/tileMatrixSets/UTM32WGS84Quad?f=html")),
        ("tileMatrixSets/UTM32WGS84Quad", ("UTM32WGS84Quad", "EPSG/0/32632")),
        ("jobs", ("Lavori", "niente da mostrare")),
    ],
)
def test_lists_and_descriptions_are_pages_too(
    client: Client, city: SimpleNamespace, path: str, shown: tuple[str, ...]
) -> None:
    answer = client.get(f"/ogc/{path}", headers={"accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/html"), answer.content[:200]
    text = answer.content.decode()
    assert all(word in text for word in shown), [word for word in shown if word not in text]
    assert client.get(f"/ogc/{path}").json() and client.get(f"/ogc/{path}?f=html").content


def test_a_job_is_a_page_that_leads_to_its_results(client: Client, city: SimpleNamespace) -> None:
    made = client.post(
        "/ogc/processes/echo/execution", json.dumps({"inputs": {"message": "<b>"}}),
        content_type="application/json", headers={"prefer": "respond-async"},
    )  # fmt: skip
    text = client.get(made["Location"], headers={"accept": "text/html"}).content.decode()
    assert "Lavoro" in text and "accepted" in text and "<b>" not in text.split("<body")[1].replace("<b></b>", "")
