"""Styles kept, replaced and deleted through the editor's addresses: rights, refusals, and what they wake up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from rasterio.transform import from_origin

from geoportal.models import User
from layers.models import Access, Field, Layer, Style, Theme
from layers.styles import classify
from layers.styles.model import parse
from tests.geodata import forget_catalogue, make_layer

ROWS = """
INSERT INTO {table} (geom, abitanti, nome, segreto)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), n, 'Isolato ' || n, n FROM generate_series(1, 50) AS n
"""


def person(name: str, *groups: str) -> Client:
    user = User.objects.create_user(name)
    user.groups.add(*(Group.objects.get_or_create(name=group)[0] for group in groups))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def town(db: None) -> Iterator[SimpleNamespace]:
    layer = make_layer("isolati", "POINT", 32632, {"abitanti": "integer", "nome": "string", "segreto": "integer"}, ROWS)
    Field.objects.filter(layer=layer, name="segreto").update(access=Access.RESTRICTED)
    forget_catalogue()
    yield SimpleNamespace(layer=layer, steward=person("curatrice", "curatori"))
    forget_catalogue()


def ask(client: Client, action: str, body: Any, slug: str = "isolati") -> tuple[int, dict[str, Any]]:
    forget_catalogue()
    text = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post(reverse(f"style-{action}", args=[slug]), text, content_type="application/json")
    kind = answer.headers.get("Content-Type", "")
    return answer.status_code, answer.json() if kind == "application/json" else {"bytes": answer.content}


def test_what_makes_classes_is_loaded_when_the_editor_opens(
    town: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    loaded = threading.Event()

    def load() -> None:
        loads.append("mapclassify")
        loaded.set()

    monkeypatch.setattr(classify, "_WARM", threading.Event())
    monkeypatch.setattr(classify, "_load", load)
    for _time in range(2):
        forget_catalogue()
        assert town.steward.get(reverse("style-editor", args=["isolati"])).status_code == 200
    assert loaded.wait(20)
    assert loads == ["mapclassify"]


def test_a_kept_style_is_drawn_by_and_its_attribute_reaches_the_tiles(town: SimpleNamespace) -> None:
    _, found = ask(town.steward, "classes", {"field": "abitanti", "count": 5})
    assert found["counts"] == [10] * 5
    spec = {"kind": "graduated", "field": "abitanti", "classes": found["classes"]}
    status, look = ask(town.steward, "preview", {"spec": spec})
    assert status == 200 and look["layers"][0]["type"] == "circle" and len(look["legend"]) == 6
    before = Layer.objects.get(slug="isolati").data_version
    status, kept = ask(town.steward, "save", {"title_it": "Abitanti", "spec": spec})
    assert (status, kept) == (200, {"name": "abitanti", "is_default": True})
    # Browsers keep tiles under the data's version, and these tiles now hold one attribute more.
    assert Layer.objects.get(slug="isolati").data_version == before + 1
    ask(town.steward, "save", {"name": "abitanti", "title_it": "Abitanti", "title_en": "People", "spec": spec})
    assert Layer.objects.get(slug="isolati").data_version == before + 1
    forget_catalogue()
    drawn = Client().get("/mappe/isolati/stile.json").json()
    assert any("circle-color" in layer.get("paint", {}) for layer in drawn["layers"])
    assert Style.objects.get(layer=town.layer).title_en == "People"


def test_a_layer_has_one_default_and_an_heir(town: SimpleNamespace) -> None:
    for title in ("Uno", "Due", "Due"):
        ask(town.steward, "save", {"title_it": title, "spec": {}})
    assert set(Style.objects.filter(layer=town.layer).values_list("name", "is_default")) == {
        ("uno", True),
        ("due", False),
        ("due-2", False),
    }
    ask(town.steward, "save", {"name": "due", "title_it": "Due", "is_default": True, "spec": {}})
    assert list(Style.objects.filter(layer=town.layer, is_default=True).values_list("name", flat=True)) == ["due"]
    ask(town.steward, "delete", {"name": "due"})
    assert list(Style.objects.filter(layer=town.layer, is_default=True).values_list("name", flat=True)) == ["due-2"]


@pytest.mark.parametrize(
    ("action", "body", "says"),
    [
        ("save", {"title_it": " ", "spec": {}}, "titolo"),
        ("save", {"title_it": "a", "name": "manca", "spec": {}}, "non c'è più"),
        ("save", {"title_it": "a", "spec": {"kind": "graduated"}}, "colonna"),
        ("save", {"title_it": "a", "spec": {"symbol": {"fill": "url(x)"}}}, "modello"),
        ("save", {"title_it": "a", "spec": {"label": {"field": "segreto"}}}, "segreto"),
        ("save", {"title_it": "a", "spec": {"raster": {}}}, "raster"),
        ("save", {"title_it": "a", "spec": {"other_it": "a\x00"}}, "modello"),
        ("save", {"title_it": "a\x00", "spec": {}}, "titolo"),
        (
            "preview",
            b'{"spec": {"kind": "graduated", "field": "nome", "classes": [{"symbol": {}, "minimum": NaN}]}}',
            "modello",
        ),
        ("preview", {"spec": 3}, "modello"),
        ("preview", b"[", "JSON"),
        ("classes", {"field": "segreto"}, "colonna"),
        ("classes", {"field": "abitanti", "method": "caso"}, "caso"),
        ("classes", {"field": "nome"}, "numeri"),
        ("delete", {"name": "manca"}, "non c'è più"),
        ("picture", {"spec": {}}, "raster"),
        ("read", b"<qgis/>", "renderer-v2"),
    ],
)
def test_what_is_refused_says_why(town: SimpleNamespace, action: str, body: Any, says: str) -> None:
    status, answer = ask(town.steward, action, body)
    assert status == 400 and says in answer["error"]
    assert not Style.objects.filter(layer=town.layer).exists()


def test_only_who_keeps_a_layer_styles_it(town: SimpleNamespace) -> None:
    planner, other = person("pianificatore", "pianificatori"), person("altro-ufficio", "curatori")
    assert Client().get("/livelli/isolati/stile/")["Location"].startswith("/accedi/")
    assert planner.get("/livelli/isolati/stile/").status_code == 403
    assert ask(planner, "save", {"title_it": "a", "spec": {}})[0] == 403
    theme = Theme.objects.create(slug="verde", title_it="Verde")
    theme.stewards.add(Group.objects.get_or_create(name="ufficio-verde")[0])
    Layer.objects.filter(slug="isolati").update(theme=theme)
    forget_catalogue()
    assert other.get("/livelli/isolati/stile/").status_code == 403
    assert ask(other, "preview", {"spec": {}})[0] == 403
    assert person("verde", "curatori", "ufficio-verde").get("/livelli/isolati/stile/").status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="verde"))
    assert strict.post("/livelli/isolati/stile/salva", "{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize("action", ["preview", "classes", "picture", "read", "save", "delete"])
def test_a_forbidden_layer_is_for_the_editor_one_that_is_not_there(town: SimpleNamespace, action: str) -> None:
    make_layer("chiuso", "POINT", 32632, {"nome": "string"}, "DELETE FROM {table}", access="restricted")
    answers = []
    for slug in ("chiuso", "inesistente"):
        forget_catalogue()
        address = reverse(f"style-{action}", args=[slug])
        answers.append(town.steward.post(address, "{}", content_type="application/json"))
    assert [answer.status_code for answer in answers] == [404, 404]
    assert b"chiuso" not in answers[0].content.replace(reverse(f"style-{action}", args=["chiuso"]).encode(), b"")


def test_a_raster_gets_ramps_classes_and_a_legend_that_map_and_tiles_follow(town: SimpleNamespace) -> None:
    heights = np.linspace(20, 70, 64 * 64, dtype="float32").reshape(64, 64)
    path = Path(settings.RASTER_DIR) / "quote-prova.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "float32", "crs": "EPSG:32632"}
    with rasterio.open(path, "w", transform=from_origin(580400, 4998400, 10, 10), **profile) as file:
        file.write(heights, 1)
    band = {"dtype": "float32", "min": 20, "max": 70, "mean": 45, "std": 14.4, "interpretation": "gray"}
    Layer.objects.create(
        slug="quote-prova", kind="raster", raster_path="quote-prova.tif", raster_info={"bands": [band]}, srid=32632,
        title_it="Valori", bbox=[10.02, 45.12, 10.04, 45.14],
    )  # fmt: skip
    status, found = ask(town.steward, "classes", {"band": 1, "method": "equal_interval", "count": 5}, "quote-prova")
    assert status == 200 and [round(one["maximum"]) for one in found["classes"]] == [30, 40, 50, 60, 70]
    spec = {"raster": {"classes": found["classes"]}}
    box = [1116000, 5641000, 1118000, 5643000]
    status, seen = ask(town.steward, "picture", {"spec": spec, "box": box, "width": 64, "height": 64}, "quote-prova")
    assert status == 200 and seen["bytes"].startswith(b"\x89PNG")
    tile = "/ogc/collections/quote-prova/map/tiles/WebMercatorQuad/11/735/1081?f=png"
    forget_catalogue()
    plain = Client().get(tile)
    ask(town.steward, "save", {"title_it": "Classi", "spec": spec}, "quote-prova")
    forget_catalogue()
    styled = Client().get(tile)
    assert plain["ETag"] != styled["ETag"] and plain.content != styled.content
    page = Client().get("/").content.decode()
    assert "20 – 30" in page
    assert Client().get("/ogc/collections/quote-prova/styles/classi/legend?f=png").status_code == 200
    assert parse(Style.objects.get(layer__slug="quote-prova").spec).raster is not None
    path.unlink()
