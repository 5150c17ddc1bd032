"""The register of reads: what goes in, that it cannot be changed, that a normal stop loses nothing."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import InternalError, connection, transaction
from django.test import Client

from geoportal.accounts import tokens
from geoportal.models import User
from layers import audit
from layers.audit.recorder import _Read, _Recorder
from layers.models import Access, Field, Layer, ReadOfRestricted, Relation
from tests.geodata import drop, forget_catalogue, make_layer
from tests.liveserver import served
from tests.ogc.conftest import NUMBERS

SLUG = "tributi-riservati"
ITEMS = f"/ogc/collections/{SLUG}/items"


@pytest.fixture
def restricted(db: None) -> SimpleNamespace:
    layer = make_layer(SLUG, "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, access=Access.RESTRICTED)
    group = Group.objects.create(name="ufficio-tributi")
    layer.groups.add(group)
    user = User.objects.create_user("lettrice")
    user.groups.add(group)
    forget_catalogue()
    return SimpleNamespace(layer=layer, user=user, secret=tokens.create(user, "prova", None)[1])


def rows_of(user: User) -> list[ReadOfRestricted]:
    audit.flush()
    return list(ReadOfRestricted.objects.filter(user_id=user.pk, user_name=user.username).order_by("id"))


def test_a_read_tells_who_which_layer_by_which_door_and_how_many(restricted: SimpleNamespace) -> None:
    client = Client(headers={"Authorization": f"Bearer {restricted.secret}"})
    assert client.get(f"{ITEMS}?limit=7").status_code == 200
    assert client.get(f"{ITEMS}/3").status_code == 200
    assert client.get(f"/ogc/collections/{SLUG}/tiles/WebMercatorQuad/0/0/0").status_code == 200
    assert client.get(f"/mappe/{SLUG}/esporta.html").status_code == 200
    found = [(row.layer, row.door, row.item, row.features) for row in rows_of(restricted.user)]
    assert found == [
        (SLUG, "ogc:items", "", 7),
        (SLUG, "ogc:item", "3", 1),
        (SLUG, "ogc:tile", "", None),
        (SLUG, "map-export", "", None),
    ]
    assert {row.token_id for row in rows_of(restricted.user)} == {restricted.user.tokens.get().pk}


def test_what_a_process_reads_is_noted_also_where_its_inputs_do_not_name_it(restricted: SimpleNamespace) -> None:
    open_layer = make_layer("civici-aperti", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS)
    names = {"forward_it": "tributi", "backward_it": "civici"}
    Relation.objects.create(
        slug="civici-tributi", one=open_layer, other=restricted.layer, kind="near", distance_m=1, **names
    )
    forget_catalogue()
    client = Client(headers={"Authorization": f"Bearer {restricted.secret}"})
    for process, inputs in (
        ("related", {"layer": "civici-aperti", "ids": [1], "relation": "civici-tributi"}),
        ("nearest", {"layer": "civici-aperti", "from_layer": {"value": SLUG}, "from_ids": [1]}),
    ):
        body = json.dumps({"inputs": inputs})
        answer = client.post(f"/ogc/processes/{process}/execution", body, content_type="application/json")
        assert answer.status_code == 200 and len(answer.json()["features"]) >= 1, answer.content
    found = [(row.layer, row.door, row.requests) for row in rows_of(restricted.user)]
    assert sum(requests for _layer, _door, requests in found) == 2
    assert {(layer, door) for layer, door, _requests in found} == {(SLUG, "ogc:execution")}


def test_what_was_refused_and_what_is_public_leaves_no_row(restricted: SimpleNamespace) -> None:
    make_layer("civici-aperti", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS)
    other = User.objects.create_user("altro-lettore")
    client = Client()
    client.force_login(other)
    assert client.get(ITEMS).status_code == 404
    assert client.get("/ogc/collections/civici-aperti/items").status_code == 200
    assert rows_of(other) == []


def test_a_restricted_field_of_an_open_layer_counts_for_who_sees_it(restricted: SimpleNamespace) -> None:
    layer = make_layer("civici-aperti", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS)
    layer.groups.set(restricted.layer.groups.all())
    Field.objects.filter(layer=layer, name="civico").update(access=Access.RESTRICTED)
    forget_catalogue()
    client = Client()
    client.force_login(restricted.user)
    assert client.get("/ogc/collections/civici-aperti/items?limit=2").status_code == 200
    assert [(row.layer, row.features) for row in rows_of(restricted.user)] == [("civici-aperti", 2)]


def test_equal_reads_of_one_second_are_one_row_that_counts_them(restricted: SimpleNamespace) -> None:
    client = Client(headers={"Authorization": f"Bearer {restricted.secret}"})
    for _ in range(20):
        client.get(f"{ITEMS}?limit=2")
    rows = rows_of(restricted.user)
    assert len(rows) < 20 and sum(row.requests for row in rows) == 20 and sum(row.features or 0 for row in rows) == 40


@pytest.mark.parametrize(
    "statement", ["UPDATE layers_readofrestricted SET item = ''", "DELETE FROM layers_readofrestricted"]
)
def test_the_database_refuses_to_change_the_register(restricted: SimpleNamespace, statement: str) -> None:
    Client(headers={"Authorization": f"Bearer {restricted.secret}"}).get(ITEMS)
    assert rows_of(restricted.user)
    with pytest.raises(InternalError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_reads_wait_for_a_database_that_is_away(restricted: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    Client(headers={"Authorization": f"Bearer {restricted.secret}"}).get(ITEMS)
    with monkeypatch.context() as patch:

        def away(self: _Recorder, taken: dict[_Read, Any]) -> None:
            for read in taken:
                self.add(read, 1)  # somebody reads the same within the second, while the row is on its way
            raise OSError("the database is away")

        patch.setattr(_Recorder, "_insert", away)
        Client(headers={"Authorization": f"Bearer {restricted.secret}"}).get(f"{ITEMS}/1")
        with pytest.raises(OSError, match="away"):
            audit.flush()
    # The register's own thread may have tried in between, and met a reader each time.
    assert sum(row.requests for row in rows_of(restricted.user) if row.door == "ogc:item") >= 2


def test_a_connection_that_ended_with_its_server_loses_nothing_and_stops_nobody(restricted: SimpleNamespace) -> None:
    client = Client(headers={"Authorization": f"Bearer {restricted.secret}"})
    client.get(ITEMS)
    audit.flush()
    client.get(f"{ITEMS}/1")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'geoportal audit'"
        )
    assert "ogc:item" in {row.door for row in rows_of(restricted.user)}


def test_administrators_read_and_export_the_register_and_nobody_else(restricted: SimpleNamespace) -> None:
    Client(headers={"Authorization": f"Bearer {restricted.secret}"}).get(ITEMS)
    audit.flush()
    assert Client().get("/admin/layers/readofrestricted/csv/").status_code == 302
    admin = Client()
    admin.force_login(User.objects.create_superuser("capo"))
    assert "lettrice" in admin.get("/admin/layers/readofrestricted/").content.decode()
    answer = admin.get("/admin/layers/readofrestricted/csv/?q=lettrice")
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert {row["user_name"] for row in rows} == {"lettrice"} and rows[-1]["layer"] == SLUG


@pytest.mark.django_db(transaction=True)
def test_a_stopped_server_has_written_all_it_was_read(transactional_db: None) -> None:
    layer = make_layer(SLUG, "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, access=Access.RESTRICTED)
    user = User.objects.create_superuser("capo")
    _, secret = tokens.create(user, "prova", None)
    with served() as root:
        for number in range(1, 41):
            ask = urllib.request.Request(
                f"{root}{ITEMS}/{number}?f=json", headers={"Authorization": f"Bearer {secret}"}
            )
            assert json.load(urllib.request.urlopen(ask))["id"] == number
    found = ReadOfRestricted.objects.filter(user_id=user.pk, layer=SLUG).values_list("item", flat=True)
    drop(Layer.objects.get(pk=layer.pk))
    assert sorted(map(int, found)) == list(range(1, 41))
