"""Tiles of the whole dataset (Tiles 1, dataset tilesets): several collections in one, each with its own rights."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from geoportal.models import User
from layers.catalogue import catalogue
from layers.models import Layer
from tests.geodata import forget_catalogue
from tests.mvt import decode
from tests.ogc.test_tiles import MVT, address_of
from tests.ogc.test_tiles import tile as tile_of_one

HERE = "/ogc/tiles/WebMercatorQuad"
Z, Y, X = address_of(580400, 4999300, 14)
LANDING_REL = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"


def tile(client: Client, query: str = "", status: int = 200) -> Any:
    response = client.get(f"{HERE}/{Z}/{Y}/{X}?f=mvt{query}")
    assert response.status_code == status, response.content
    return response


def test_one_tile_holds_every_collection_that_the_asker_sees(
    client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    whole = tile(client)
    assert whole["Content-Type"] == MVT
    for slug in ("edifici", "civici"):
        alone = decode(tile_of_one(client, slug, Z, Y, X).content, slug, Z, Y, X, tmp_path)
        together = decode(whole.content, slug, Z, Y, X, tmp_path)
        assert together.ids == alone.ids and alone.ids
    assert b"vincoli" not in whole.content
    client.force_login(User.objects.create_superuser("capo"))
    mine = tile(client)
    assert b"vincoli" in mine.content and mine["Cache-Control"].startswith("private")


def test_collections_chooses_and_orders(client: Client, city: SimpleNamespace) -> None:
    one, other = (tile_of_one(client, slug, Z, Y, X).content for slug in ("edifici", "civici"))
    assert tile(client, "&collections=civici,edifici").content == other + one
    assert tile(client, "&collections=edifici").content == one


@pytest.mark.parametrize(
    ("query", "status"),
    [("&collections=", 400), ("&collections=nessuno", 404), ("&collections=civici,vincoli", 404), ("&strano=1", 400)],
)
def test_what_is_not_there_is_refused(client: Client, city: SimpleNamespace, query: str, status: int) -> None:
    tile(client, query, status)


def test_caching_follows_every_collection(client: Client, city: SimpleNamespace) -> None:
    version = catalogue().version
    kept = tile(client, f"&collections=edifici,civici&v={version}")
    assert kept["Cache-Control"].startswith("public") and "immutable" in kept["Cache-Control"]
    path = f"{HERE}/{Z}/{Y}/{X}?f=mvt&collections=edifici,civici"
    assert client.get(path, headers={"if-none-match": kept["ETag"]}).status_code == 304
    Layer.objects.filter(slug="civici").update(data_version=50)
    forget_catalogue()
    assert client.get(path, headers={"if-none-match": kept["ETag"]}).status_code == 200
    Layer.objects.filter(slug="civici").update(is_live=True)
    forget_catalogue()
    assert client.get(path)["Cache-Control"] == "no-cache"


def test_layers_keep_their_zooms_and_outside_is_not_found(client: Client, city: SimpleNamespace) -> None:
    Layer.objects.filter(slug="edifici").update(min_zoom=15)
    forget_catalogue()
    assert tile(client).content == tile_of_one(client, "civici", Z, Y, X).content
    assert client.get(f"{HERE}/3/8/0?f=mvt").status_code == 404
    assert client.get(f"{HERE}/3/0/0?f=mvt").status_code == 404
    Layer.objects.filter(slug="edifici").update(is_live=True)
    forget_catalogue()
    assert client.get(f"{HERE}/3/0/0?f=mvt").content == b""  # what is live may appear anywhere
    assert client.get(f"/ogc/tiles/Strano/{Z}/{Y}/{X}?f=mvt").status_code == 404


def test_descriptions(client: Client, city: SimpleNamespace) -> None:
    links = client.get("/ogc/?f=json").json()["links"]
    address = next(link["href"] for link in links if link["rel"] == LANDING_REL)
    listed, in_utm = client.get(address).json()["tilesets"]
    assert in_utm["tileMatrixSetURI"].endswith("/ogc/tileMatrixSets/UTM32WGS84Quad")
    assert listed["dataType"] == "vector" and listed["tileMatrixSetURI"].endswith("/WebMercatorQuad")
    document = client.get(next(link["href"] for link in listed["links"] if link["rel"] == "self")).json()
    assert [layer["id"] for layer in document["layers"]] == ["civici", "edifici"]
    limits = {entry["tileMatrix"]: entry for entry in document["tileMatrixSetLimits"]}[str(Z)]
    assert limits["minTileRow"] <= Y <= limits["maxTileRow"] and limits["minTileCol"] <= X <= limits["maxTileCol"]
    template = next(link["href"] for link in document["links"] if link["rel"] == "item")
    for name, value in (("tileMatrix", Z), ("tileRow", Y), ("tileCol", X)):
        template = template.replace(f"{{{name}}}", str(value))
    assert client.get(template).content == tile(client).content
    described = client.get(f"{HERE}?f=tilejson&collections=civici").json()
    assert [layer["id"] for layer in described["vector_layers"]] == ["civici"]
    assert "collections=civici" in described["tiles"][0] and "{z}/{y}/{x}" in described["tiles"][0]
