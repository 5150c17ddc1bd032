"""Every change is a version that says who, what and how many; old states are read, compared and restored."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.catalogue import catalogue
from layers.models import Access, Layer, LayerVersion
from layers.rights import EVERYTHING, PUBLIC
from layers.versions.comparing import Wanted, compare
from layers.versions.recording import VersionRefused, keep_versions, recorded
from layers.versions.restoring import restore
from tests.geodata import forget_catalogue, make_layer
from tests.mvt import decode

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
INSERT INTO {table} (geom, nome, piani, segreto)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), 'casa ' || n, n, 'proprietario ' || n
FROM generate_series(1, 4) AS n
"""
FIELDS = {"nome": "string", "piani": "integer", "segreto": "string"}


@pytest.fixture
def layer() -> Layer:
    """Four houses, as they were at the beginning of 2025."""
    made = make_layer("edifici", "POINT", 32632, FIELDS, FILL, access=Access.PUBLIC, is_editable=True)
    made.fields.filter(name="segreto").update(access=Access.INTERNAL)
    with recorded(LayerVersion.What.IMPORT, valid_from=datetime(2025, 1, 1, tzinfo=UTC)):
        assert keep_versions(made.pk)
    forget_catalogue()
    return made


def change(statement: str, moment: str, **who: Any) -> None:
    with (
        recorded(LayerVersion.What.EDIT, valid_from=datetime.fromisoformat(moment), **who),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def names(client: Client, **asked: str) -> list[str]:
    found = client.get("/ogc/collections/edifici/items", {"f": "json", **asked})
    assert found.status_code == 200, found.content
    return sorted(feature["properties"]["nome"] for feature in found.json()["features"])


@pytest.fixture
def history(layer: Layer) -> Layer:
    """February: house 1 is renamed and 2 pulled down. March: 5 is built, and 1 gets a floor."""
    change(
        "UPDATE geodata.edifici SET nome = 'villa' WHERE fid = 1; DELETE FROM geodata.edifici WHERE fid = 2",
        "2025-02-01T00:00Z",
    )
    change(
        "INSERT INTO geodata.edifici (geom, nome) VALUES (ST_SetSRID(ST_MakePoint(580009, 4998000), 32632), 'casa 5'); "
        "UPDATE geodata.edifici SET piani = 9 WHERE fid = 1",
        "2025-03-01T00:00Z",
    )
    forget_catalogue()
    return layer


def counted(layer: Layer) -> list[tuple[int, str, int | None, int | None, int | None]]:
    return list(layer.versions.order_by("number").values_list("number", "what", "added", "changed", "removed"))


def test_each_transaction_is_one_version_with_its_counts(history: Layer) -> None:
    assert counted(history) == [
        (1, "import", 4, 0, 0), (2, "edit", 0, 1, 1), (3, "edit", 1, 1, 0),
    ]  # fmt: skip


def test_what_does_not_change_anything_is_no_version(layer: Layer) -> None:
    change("UPDATE geodata.edifici SET nome = nome; DELETE FROM geodata.edifici WHERE fid = 99", "2025-02-01T00:00Z")
    assert layer.versions.count() == 1


def test_a_change_by_hand_in_the_database_is_one_too(layer: Layer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE geodata.edifici")
    assert counted(layer)[-1] == (2, "database", 0, 0, 4)


def test_items_one_item_and_exports_as_they_were(client: Client, history: Layer) -> None:
    first = ["casa 1", "casa 2", "casa 3", "casa 4"]
    assert names(client, datetime="2025-01-20T12:00:00Z") == first
    assert names(client, datetime="2025-02-10") == ["casa 3", "casa 4", "villa"]
    assert names(client, datetime="../2025-02-10") == ["casa 3", "casa 4", "villa"]
    assert names(client) == names(client, datetime="2025-02-10/..") == ["casa 3", "casa 4", "casa 5", "villa"]
    assert names(client, datetime="2024-12-31T23:59:59Z") == []
    assert names(client, datetime="2025-01-20T12:00:00Z", filter="piani < 3") == ["casa 1", "casa 2"]
    one = client.get("/ogc/collections/edifici/items/2", {"f": "json", "datetime": "2025-01-20"})
    assert one.json()["properties"]["nome"] == "casa 2"
    assert client.get("/ogc/collections/edifici/items/2", {"f": "json"}).status_code == 404
    export = client.get("/ogc/collections/edifici/export", {"f": "csv", "datetime": "2025-01-20"})
    lines = b"".join(export.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 5


def test_pages_of_the_past_are_followed_to_their_end(client: Client, history: Layer) -> None:
    address, found = "/ogc/collections/edifici/items?f=json&limit=3&datetime=2025-01-20", []
    while address:
        page = client.get(address).json()
        found += [feature["id"] for feature in page["features"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert found == [1, 2, 3, 4]


def test_tiles_as_they_were(client: Client, history: Layer, tmp_path: Path) -> None:
    x, y = tile_of(14)
    address = f"/ogc/collections/edifici/tiles/WebMercatorQuad/14/{y}/{x}?properties=nome"

    def seen(more: str) -> set[str]:
        tile = decode(client.get(address + more).content, "edifici", 14, y, x, tmp_path)
        return {properties["nome"] for properties in tile.properties}

    assert seen("&datetime=2025-01-20") == {"casa 1", "casa 2", "casa 3", "casa 4"}
    assert seen("") == {"villa", "casa 3", "casa 4", "casa 5"}
    assert client.get(address)["ETag"] != client.get(address + "&datetime=2025-01-20")["ETag"]


def tile_of(z: int) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_X(p), ST_Y(p) FROM "
            "(SELECT ST_Transform(ST_SetSRID(ST_MakePoint(580002, 4998000), 32632), 3857) AS p) AS x"
        )
        x, y = cursor.fetchone()
    half, width = 20037508.342789244, 2 * 20037508.342789244 / 2**z
    return int((x + half) // width), int((half - y) // width)


def test_a_hidden_field_is_hidden_in_the_past_too(client: Client, history: Layer) -> None:
    page = client.get("/ogc/collections/edifici/items", {"f": "json", "datetime": "2025-01-20"}).json()
    assert "segreto" not in page["features"][0]["properties"]
    refused = client.get(
        "/ogc/collections/edifici/items", {"datetime": "2025-01-20", "filter": "segreto = 'proprietario 1'"}
    )
    assert refused.status_code == 400
    office = User.objects.create_user("ufficio")
    office.groups.add(Group.objects.get_or_create(name="tecnici")[0])
    client.force_login(office)
    page = client.get("/ogc/collections/edifici/items", {"f": "json", "datetime": "2025-01-20"}).json()
    assert page["features"][0]["properties"]["segreto"] == "proprietario 1"


def test_a_layer_one_may_not_see_has_no_past_either(client: Client, history: Layer) -> None:
    Layer.objects.filter(pk=history.pk).update(access=Access.INTERNAL)
    forget_catalogue()
    for door in ("items?f=json", "items/2", "export?f=csv", "tiles/WebMercatorQuad/0/0/0"):
        sign = "&" if "?" in door else "?"
        assert client.get(f"/ogc/collections/edifici/{door}{sign}datetime=2025-01-20").status_code == 404


def test_two_versions_compared_with_what_differs(history: Layer) -> None:
    found = compare(catalogue().layers["edifici"], (1, 3), PUBLIC, Wanted())
    assert (found.added, found.changed, found.removed, found.by) == (1, 1, 1, "identifier")
    by_change = {one.change: one for one in found.page}
    assert by_change["changed"].differing == [("nome", "casa 1", "villa"), ("piani", 1, 9)]
    assert by_change["removed"].before["nome"] == "casa 2"
    assert by_change["added"].after["nome"] == "casa 5"
    back = compare(catalogue().layers["edifici"], (3, 1), PUBLIC, Wanted(only="added"))
    assert [one.after["nome"] for one in back.page] == ["casa 2"]


def test_a_change_of_a_hidden_field_is_none_for_who_may_not_see_it(layer: Layer) -> None:
    change("UPDATE geodata.edifici SET segreto = 'altro' WHERE fid = 1", "2025-02-01T00:00Z")
    entry = catalogue().layers["edifici"]
    assert compare(entry, (1, 2), PUBLIC, Wanted()).changed == 0
    assert compare(entry, (1, 2), EVERYTHING, Wanted()).changed == 1


def test_restored_is_a_version_with_the_same_identifiers(client: Client, history: Layer) -> None:
    user = User.objects.create_user("curatrice")
    before = client.get("/ogc/collections/edifici/items", {"f": "json", "datetime": "2025-01-20"}).json()["features"]
    made = restore(history.pk, 1, user.pk)
    forget_catalogue()
    assert (made.number, made.what, made.user_id) == (4, "restore", user.pk)
    assert (made.added, made.changed, made.removed) == (1, 1, 1)
    assert client.get("/ogc/collections/edifici/items", {"f": "json"}).json()["features"] == before
    assert names(client, datetime="2025-03-02") == ["casa 3", "casa 4", "casa 5", "villa"]
    with pytest.raises(VersionRefused, match="già com'era"):
        restore(history.pk, 4)


def test_an_edit_through_the_services_says_who_made_it(client: Client, layer: Layer) -> None:
    user = User.objects.create_superuser("amministratrice")
    client.force_login(user)
    body = json.dumps({"properties": {"nome": "scuola"}})
    answer = client.patch("/ogc/collections/edifici/items/3", body, content_type="application/merge-patch+json")
    assert answer.status_code == 204
    last = layer.versions.first()
    assert last is not None
    assert (last.number, last.what, last.user_id, last.changed) == (2, "edit", user.pk, 1)
