"""Features Part 4 (create, replace, update, delete, optimistic locking): who may, what is written, what is refused."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.accounts.tokens import create as new_token
from geoportal.models import User
from layers.models import Field, Layer
from layers.rights import STEWARDS, TECHNICIANS
from layers.statistics import refresh_statistics
from tests.conformance.abstract import abstract
from tests.geodata import forget_catalogue

ITEMS = "/ogc/collections/edifici/items"
UTM, MONTE_MARIO = (f"http://www.opengis.net/def/crs/EPSG/0/{srid}" for srid in (32632, 6707))
SQUARE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [[[581000, 5000000], [581009, 5000000], [581009, 5000009], [581000, 5000000]]],
}
NEW: dict[str, Any] = {
    "type": "Feature",
    "id": 4,
    "geometry": SQUARE,
    "properties": {"uso": "scuola", "piani": 3, "altezza": 9.5, "demolito": False, "rilevato": "2026-03-01"},
}


@pytest.fixture
def editor(city: SimpleNamespace) -> Client:
    """A steward's program, with a token, and the layer open to editing."""
    Layer.objects.filter(slug="edifici").update(is_editable=True)
    forget_catalogue()
    return program(STEWARDS)


def program(group: str) -> Client:
    user = User.objects.create_user(f"di-{group}")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    _, secret = new_token(user, "prova", None)
    return Client(headers={"authorization": f"Bearer {secret}"}, enforce_csrf_checks=True)


def send(client: Client, method: str, path: str, feature: Any, **headers: str) -> Any:
    media = "application/merge-patch+json" if method == "patch" else "application/geo+json"
    content = feature if isinstance(feature, str | bytes) else json.dumps(feature)
    forget_catalogue()
    return getattr(client, method)(path, content, content_type=media, headers=headers)


def row(identifier: str | int) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uso, piani, altezza, rilevato::text, note, ST_AsText(geom) FROM geodata.edifici WHERE fid = %s",
            [identifier],
        )
        found = cursor.fetchone()
    return tuple(found or ())


@abstract("editing", "/conf/create-replace-delete/create", "/conf/features/endpoints")
def test_create_answers_where_the_feature_is(editor: Client) -> None:
    before = Layer.objects.get(slug="edifici").data_version
    made = send(editor, "post", ITEMS, NEW, content_crs=f"<{UTM}>")
    assert made.status_code == 201, made.content
    identifier = made["Location"].rsplit("/", 1)[1]
    assert made["Location"] == f"http://testserver{ITEMS}/{identifier}" and identifier != "4"
    shape = "POLYGON((581000 5000000,581009 5000000,581009 5000009,581000 5000000))"
    assert row(identifier) == ("scuola", 3, 9.5, "2026-03-01", None, shape)
    assert Layer.objects.get(slug="edifici").data_version > before
    forget_catalogue()
    got = editor.get(f"{ITEMS}/{identifier}")
    assert got["ETag"] == made["ETag"] and got.json()["properties"]["piani"] == 3


@abstract(
    "editing", "/conf/create-replace-delete/options", "/conf/update/options",
    "/conf/create-replace-delete/create-content-type", "/conf/create-replace-delete/replace-content-type",
    "/conf/update/update-content-type", "/conf/create-replace-delete/replace-rid", "/conf/update/update-rid",
    "/conf/features/geojson", "/conf/create-replace-delete/replace-exceptions",
    "/conf/optimistic-locking-etags/get-etag",
)  # fmt: skip
def test_methods_media_types_and_identifiers_are_as_part_4_says(editor: Client) -> None:
    assert editor.options(ITEMS)["Accept-Post"] == "application/geo+json, application/json"
    told = editor.options(f"{ITEMS}/7")
    assert told.status_code == 200 and "application/merge-patch+json" in told["Accept-Patch"]
    for method, path in (("POST", ITEMS), ("PUT", f"{ITEMS}/7"), ("PATCH", f"{ITEMS}/7")):
        refused = editor.generic(method, path, json.dumps(NEW), content_type="")
        assert refused.status_code == 400 and "no Content-Type" in refused.json()["description"], method
    others = row(4)
    assert send(editor, "put", f"{ITEMS}/7", NEW, content_crs=UTM).status_code == 204
    assert row(4) == others and editor.get(f"{ITEMS}/7").json()["id"] == 7 and editor.get(f"{ITEMS}/7")["ETag"]
    assert send(editor, "patch", f"{ITEMS}/7", {"id": 8, "properties": {"piani": 5}}).status_code == 400
    assert send(editor, "patch", f"{ITEMS}/7", {"id": 7, "properties": {"piani": 5}}).status_code == 204
    for held in ({}, {"if_match": '"xyz"'}):
        assert send(editor, "put", f"{ITEMS}/99999", NEW, content_crs=UTM, **held).status_code == 404
    assert editor.get(f"{ITEMS}/99999").status_code == 404


@abstract("editing", "/conf/features/crs")
def test_a_geometry_comes_in_the_axis_order_of_its_crs(editor: Client) -> None:
    flipped = {**SQUARE, "coordinates": [[[y, x] for x, y in SQUARE["coordinates"][0]]]}
    made = send(editor, "post", ITEMS, {**NEW, "geometry": flipped}, content_crs=MONTE_MARIO)
    # EPSG:6707 is RDN2008 / UTM 32N, northing first; PostGIS moves it by a micrometre.
    assert made.status_code == 201 and row(made["Location"].rsplit("/", 1)[1])[5].startswith("POLYGON((580999.99999")
    degrees = {"type": "Polygon", "coordinates": [[[10.02, 45.13], [10.021, 45.13], [10.021, 45.131], [10.02, 45.13]]]}
    made = send(editor, "post", ITEMS, {**NEW, "geometry": degrees})
    back = editor.get(made["Location"]).json()["geometry"]["coordinates"][0][0]
    assert back == pytest.approx([10.02, 45.13], abs=1e-7)


@abstract("editing", "/conf/create-replace-delete/replace")
def test_replace_empties_what_is_not_named_and_keeps_what_is_not_seen(city: SimpleNamespace, editor: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.edifici SET note = 'resta' WHERE fid = 7")
    Layer.objects.filter(slug="edifici").get().fields.filter(name="note").update(access="limitato", is_visible=False)
    done = send(editor, "put", f"{ITEMS}/7", {**NEW, "id": 7, "properties": {"uso": "ufficio"}}, content_crs=UTM)
    assert done.status_code == 204, done.content
    assert row(7)[:5] == ("ufficio", None, None, None, "resta")
    assert editor.get(f"{ITEMS}/7")["ETag"] == done["ETag"]


@abstract("editing", "/conf/update/update", "/conf/features/json-merge-patch")
def test_update_changes_what_is_named_and_nothing_else(editor: Client) -> None:
    before = row(8)
    done = send(editor, "patch", f"{ITEMS}/8", {"properties": {"piani": 9, "rilevato": None}})
    assert done.status_code == 204, done.content
    assert row(8) == (before[0], 9, before[2], None, *before[4:])
    assert send(editor, "patch", f"{ITEMS}/8", {}).status_code == 204
    assert send(editor, "patch", f"{ITEMS}/8", {"geometry": SQUARE}, content_crs=UTM).status_code == 204
    assert row(8)[5].startswith("POLYGON((581000")


@abstract("editing", "/conf/create-replace-delete/delete")
def test_delete(editor: Client) -> None:
    assert editor.delete(f"{ITEMS}/9").status_code == 204 and row(9) == ()
    forget_catalogue()
    assert editor.get(f"{ITEMS}/9").status_code == 404
    assert editor.delete(f"{ITEMS}/9").status_code == 404
    assert editor.delete(f"{ITEMS}/nove").status_code == 404


def test_count_extent_and_history_of_the_layer_follow(city: SimpleNamespace, editor: Client) -> None:
    def known() -> tuple[int | None, list[float]]:
        layer = Layer.objects.get(slug="edifici")
        return layer.feature_count, [round(number) for number in layer.storage_bbox or []]

    refresh_statistics(Layer.objects.get(slug="edifici"))
    before = known()
    ring = [[585000, 5001000], [585009, 5001000], [585009, 5001009], [585000, 5001000]]
    far = {"type": "Polygon", "coordinates": [ring]}
    created = send(editor, "post", ITEMS, {**NEW, "geometry": far}, **{"Content-Crs": f"<{UTM}>"})
    count, box = known()
    assert count == (before[0] or 0) + 1 and box[:2] == before[1][:2] and box[2:] == [585009, 5001009]
    east = Layer.objects.get(slug="edifici").bbox
    assert east and east[2] == pytest.approx(10.083, abs=0.01)
    where = created["Location"].removeprefix("http://testserver")
    send(editor, "patch", where, {"properties": {"piani": 9}})
    send(editor, "delete", where, "")
    assert known() == before
    lines = LogEntry.objects.filter(content_type__model="layer").order_by("pk")
    told = [line.get_change_message() for line in lines]
    assert len(told) == 3 and all(where.rsplit("/", 1)[1] in text for text in told) and "piani" in told[1]
    assert {line.user.username for line in lines} == {f"di-{STEWARDS}"}


def test_what_is_refused_leaves_no_trace(city: SimpleNamespace, editor: Client) -> None:
    assert send(editor, "post", ITEMS, {**NEW, "properties": {"piani": "tre"}}).status_code == 400
    assert send(editor, "delete", f"{ITEMS}/1", "", **{"If-Match": '"altro"'}).status_code == 412
    assert not LogEntry.objects.exists()


@abstract(
    "editing",
    "/conf/optimistic-locking-etags/replace",
    "/conf/optimistic-locking-etags/update",
    "/conf/optimistic-locking-etags/delete",
)
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_feature_that_changed_meanwhile_is_not_overwritten(editor: Client, method: str) -> None:
    path, there = f"{ITEMS}/10", {**NEW, "id": 10}
    seen = editor.get(path)["ETag"]
    seen_in_metres = editor.get(path, {"crs": UTM})["ETag"]
    assert seen != seen_in_metres
    assert send(editor, "patch", path, {"properties": {"piani": 2}}, if_match=seen_in_metres).status_code == 204
    kept = row(10)
    late = send(editor, method, path, there, if_match=seen, content_crs=UTM)
    assert late.status_code == 412 and "read it again" in late.json()["description"] and row(10) == kept
    weak = send(editor, method, path, there, if_match=f"W/{editor.get(path)['ETag']}", content_crs=UTM)
    assert weak.status_code == 412
    now = send(editor, method, path, there, if_match=f'"x", {editor.get(path)["ETag"]}', content_crs=UTM)
    assert now.status_code == 204


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"type": "FeatureCollection"}, "send a GeoJSON feature"),
        ({"properties": {"colore": "blu"}}, "is not an attribute"),
        ({"properties": {"piani": "tre"}}, '"tre" is not a value of type integer'),
        ({"properties": {"piani": 2.5}}, "integer"),
        ({"properties": {"piani": True}}, "integer"),
        ({"properties": {"piani": 10**10}}, "out of range"),
        ({"properties": {"demolito": 1}}, "boolean"),
        ({"properties": {"rilevato": "1 marzo"}}, "RFC 3339"),
        ({"properties": {"aggiornato": "2026-03-01"}}, "datetime"),
        ({"properties": {"uso": "a\u0000b"}}, "string"),
        ({"properties": {"fid": 3}}, "is not an attribute"),
        ({"properties": []}, "object"),
        ({"geometry": {"type": "Point", "coordinates": [581000, 5000000]}}, "holds POLYGON, and POINT came"),
        ({"geometry": {"type": "Polygon", "coordinates": []}}, "empty"),
        ({"geometry": {"type": "Blob"}}, "body"),
        ({"geometry": "POINT(1 2)"}, "GeoJSON geometry"),
        (
            {"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]}},
            "Self-intersection",
        ),
    ],
)
@abstract("editing", "/conf/features/schema")
def test_what_does_not_fit_is_refused_with_a_reason(editor: Client, change: dict[str, Any], told: str) -> None:
    feature = {**NEW, **change}
    feature["properties"] = (
        {**NEW["properties"], **change["properties"]}
        if isinstance(change.get("properties"), dict)
        else feature["properties"]
    )
    refused = send(editor, "post", ITEMS, feature, content_crs=UTM)
    assert refused.status_code == 400, refused.content
    assert told in refused.json()["description"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geodata.edifici")
        assert cursor.fetchone() == (500,)


BEYOND = [
    f'{{"type": "Feature", "properties": {{"{name}": {number}}}}}'
    for name in ("piani", "altezza")
    for number in ("1e999", "1" + "0" * 400)
]
"""Numbers that JSON may hold and no column does."""


@pytest.mark.parametrize(
    "content", [" ", "{", "[]", '{"type": "Feature", "properties": {"altezza": NaN}}', "[" * 100_000, *BEYOND]
)
def test_a_body_that_is_no_feature_is_refused(editor: Client, content: str) -> None:
    assert send(editor, "post", ITEMS, content).status_code == 400


def test_other_media_types_crs_and_sizes_are_refused(editor: Client) -> None:
    assert editor.post(ITEMS, "<gml/>", content_type="application/gml+xml").status_code == 415
    assert send(editor, "post", ITEMS, NEW, content_crs="EPSG:2056").status_code == 400
    too_much = send(editor, "post", ITEMS, b" " * (2 * 2**20 + 1))
    assert too_much.status_code == 413
    told = "A feature has 2097152 bytes at most; this one has 2097153."
    assert (too_much.json()["code"], too_much.json()["description"]) == ("ContentTooLarge", told)
    assert send(editor, "post", f"{ITEMS}?limit=3", NEW).status_code == 400
    assert editor.post("/ogc/collections/edifici/export").status_code == 405
    assert send(editor, "put", ITEMS, NEW).status_code == 405


def test_who_may_write(city: SimpleNamespace, editor: Client) -> None:
    path = f"{ITEMS}/11"
    unknown = send(Client(), "delete", path, "")
    assert unknown.status_code == 401 and "WWW-Authenticate" in unknown.headers
    assert send(program(TECHNICIANS), "delete", path, "").status_code == 403
    closed = send(editor, "delete", "/ogc/collections/civici/items/1", "")
    assert closed.status_code == 403 and "not open to editing" in closed.json()["description"]
    assert send(editor, "delete", "/ogc/collections/nessuno/items/1", "").status_code == 404
    assert row(11)


def test_a_session_needs_the_token_of_a_page(editor: Client) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("capo"))
    forged = send(browser, "delete", f"{ITEMS}/12", "")
    assert forged.status_code == 403 and "X-CSRFToken" in forged.json()["description"] and row(12)
    browser.get("/accedi/")
    token = browser.cookies["csrftoken"].value
    assert send(browser, "delete", f"{ITEMS}/12", "", x_csrftoken=token).status_code == 204 and not row(12)


def test_options_and_the_api_definition_tell_who_may_write(city: SimpleNamespace, editor: Client) -> None:
    assert Client().options(f"{ITEMS}/1")["Allow"] == "GET, HEAD, OPTIONS, PUT, PATCH, DELETE"
    mine = editor.get("/ogc/openapi?f=json").json()["paths"]
    everyones = Client().get("/ogc/openapi?f=json").json()["paths"]
    item = "/collections/edifici/items/{featureId}"
    assert set(mine[item]) == {"get", "put", "patch", "delete"} and set(everyones[item]) == {"get"}
    assert "post" in mine["/collections/edifici/items"] and "post" not in mine["/collections/civici/items"]


def test_a_value_outside_the_code_list_is_refused(editor: Client) -> None:
    Field.objects.filter(layer__slug="edifici", name="uso").update(codes=[{"code": "scuola", "it": "Scuola", "en": ""}])
    refused = send(editor, "patch", f"{ITEMS}/3", {"type": "Feature", "properties": {"uso": "teatro"}})
    assert refused.status_code == 400 and "scuola" in refused.json()["description"]
    assert send(editor, "patch", f"{ITEMS}/3", {"type": "Feature", "properties": {"uso": None}}).status_code == 204
    assert send(editor, "patch", f"{ITEMS}/3", {"type": "Feature", "properties": {"uso": "scuola"}}).status_code == 204
    assert row(3)[0] == "scuola"
