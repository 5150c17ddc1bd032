"""Every address of the site against every access level and every role: who may not see a thing never learns of it.

The addresses are read from the URL configuration. One that names a layer must answer about a forbidden layer as about
one that does not exist; one that does not must not let a word of a forbidden layer through. An address with a part
that `PARTS` does not know fails the test: whoever adds it says here what to put in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from django.conf import settings
from django.contrib.auth.models import Group
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from pytest_django import DjangoDbBlocker
from rasterio.transform import from_origin

from geoportal.accounts import tokens
from geoportal.live.readers import reader_of, request_of
from geoportal.models import User
from layers.models import Access, Field, Layer, Relation, Source, SourceState, Style, Theme
from layers.rights import PLANNERS, PROFESSIONALS, STEWARDS, TECHNICIANS
from layers.search.index import index_layer
from layers.tile_grids import TileAddress
from tests.geodata import drop, forget_catalogue, make_layer
from tests.monitoring.devices import device

MEMBERS = "ufficio-tributi"
KINDS = ("public", "professional", "internal", "restricted", "by-theme")
"""Access levels, and a public layer in a theme that is internal."""
OPENS: dict[str, set[str]] = {
    "anonymous": {"public"},
    "nobody": {"public"},
    PROFESSIONALS: {"public", "professional"},
    PLANNERS: {"public", "professional", "internal", "by-theme"},
    TECHNICIANS: {"public", "professional", "internal", "by-theme"},
    STEWARDS: {"public", "professional", "internal", "by-theme"},
    MEMBERS: {"public", "restricted"},
    "administrator": set(KINDS),
}
"""What each role opens. The table of docs/rights.md, written out a second time on purpose."""
ROLES = tuple(OPENS)

LAYER_PARTS = {"slug", "collection_id", "layer"}
"""Names of the parts of an address that hold the slug of a layer."""
PARTS = {
    "identifier": "1", "item_id": "1", "fid": "1", "tms": "WebMercatorQuad", "z": "12", "y": "0", "x": "0",
    "style": "predefinito", "style_name": "predefinito", "name": "predefinito", "ext": "json", "form": "json",
    "id": "00000000-0000-0000-0000-000000000000",
    "devid": "ap-prova", "number": "1", "pk": "1", "process_id": "nessuno", "job_id": "nessuno", "path": "x",
    "object_id": "1", "app_label": "layers", "url": "x", "content_type_id": "1", "position_id": "1", "level": "1",
    "place": "ap-prova", "action": "esegui", "item": "1",
}  # fmt: skip
BY_QUERY: dict[str, tuple[str, ...]] = {
    "ogc/wms": (
        "service=WMS&version=1.3.0&request=GetMap&layers={slug}&styles=&crs=CRS:84&bbox=10,45.1,10.1,45.2&width=20"
        "&height=20&format=image/png",
        "service=WMS&version=1.3.0&request=GetFeatureInfo&layers={slug}&query_layers={slug}&styles=&crs=CRS:84"
        "&bbox=10,45.1,10.1,45.2&width=20&height=20&i=5&j=5&format=image/png&info_format=application/json",
        "service=WMS&version=1.3.0&request=GetLegendGraphic&layer={slug}&format=image/png",
    ),
    "ogc/wfs": (
        "service=WFS&version=2.0.0&request=GetFeature&typenames={slug}&count=1",
        "service=WFS&version=2.0.0&request=DescribeFeatureType&typenames={slug}",
    ),
    "ogc/wmts": (
        "service=WMTS&version=1.0.0&request=GetTile&layer={slug}&style=&tilematrixset=WebMercatorQuad&tilematrix=12"
        "&tilerow={y}&tilecol={x}&format=image/png",
        "service=WMTS&version=1.0.0&request=GetFeatureInfo&layer={slug}&style=&tilematrixset=WebMercatorQuad"
        "&tilematrix=12&tilerow={y}&tilecol={x}&format=image/png&i=1&j=1&infoformat=application/json",
    ),
    "ogc/map": ("collections={slug}&f=png&width=20", "collections=porta-public,{slug}&f=png&width=20"),
    "ogc/tiles": ("collections={slug}",),
    "ogc/tiles/<str:tms>": ("collections={slug}", "collections={slug}&f=tilejson"),
    "ogc/tiles/<str:tms>/<str:z>/<str:y>/<str:x>": ("collections={slug}", "collections=porta-public,{slug}"),
}
"""Addresses that name a layer by a parameter."""
LISTS = frozenset({
    "", "api/cerca", "api/qui", "api/fonti", "catalogo.jsonld", "catalogo.rdf", "catalogo.ttl", "da-rivedere/",
    "livelli/", "mappe/stile.json", "note/", "healthz", "accedi/", "ogc", "ogc/", "ogc/collections",
    "ogc/collections/metadata",
    "ogc/collections/metadata/sortables",
    "ogc/collections/metadata/items", "ogc/collections/metadata/items/<str:identifier>", "ogc/conformance", "ogc/jobs",
    "ogc/jobs/<str:job_id>", "ogc/jobs/<str:job_id>/results", "ogc/openapi", "ogc/processes",
    "ogc/processes/<str:process_id>", "ogc/processes/<str:process_id>/execution", "ogc/styles", "ogc/tileMatrixSets",
    "servizi/<str:name>/metadati.xml", "ogc/tileMatrixSets/<str:tms>", "ogc/wmts/1.0.0/WMTSCapabilities.xml",
})  # fmt: skip
"""Addresses that answer about all layers that are open, or about none."""
SECTIONS = (
    "api/comandi/", "api/dispositivi", "api/enrol", "api/importazioni", "api/schermate/", "api/v1/monitoring/",
    "contratto/", "fonti/", "profilo/", "pubblica/", "relazioni/", "tecnici/",
)  # fmt: skip
"""Parts of the site that serve devices, accounts, uploads, sources and relations: no layer by its name."""
NOT_WALKED = ("admin/", "i18n/", "esci/")
"""Doors that only administrators or nobody can use: `test_the_administration_is_closed` looks at the first."""


@dataclass(frozen=True)
class Door:
    """One address of the URL configuration, and the names of its parts."""

    route: str
    parts: tuple[str, ...]

    @property
    def names_a_layer(self) -> bool:
        return bool(LAYER_PARTS & set(self.parts))

    @property
    def has_forms(self) -> bool:
        """Whether its answer depends on `f`: `test_pages_know_no_form` holds the others to it."""
        return self.route.startswith(("ogc", "api/"))

    @property
    def queries(self) -> tuple[str, ...]:
        """A page, which has one form, is asked bare and with all parameters together."""
        return QUERIES if self.has_forms else ("", EVERYTHING)

    def path(self, slug: str, x: int, y: int) -> str:
        """An address to ask. Raises KeyError for a part that nobody has described."""
        values = {**PARTS, **dict.fromkeys(LAYER_PARTS, slug), "x": str(x), "y": str(y)}
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values[part[1]], self.route)


def doors(patterns: list[Any] | None = None, before: str = "") -> Iterator[Door]:
    """Every address, the included ones too."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from doors(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not route.startswith(NOT_WALKED):
            yield Door(route, tuple(re.findall(r"<(?:\w+:)?(\w+)>", route)))


ALL = sorted(set(doors()), key=lambda door: door.route)
FORMS = ("", "?f=json", "?f=html")
QUERIES = (*FORMS, "?f=mvt", "?f=png", "?q=celato&lingua=it", "?lon=10.02415&lat=45.1324&q=celato")
EVERYTHING = "?f=json&lon=10.02415&lat=45.1324&q=celato&lingua=it"
FORBIDDEN_STATUS = {302, 400, 401, 403, 404, 405, 406, 501}
FEATURES = """
INSERT INTO {table} (geom, nome, celato, intero)
SELECT ST_Buffer(ST_SetSRID(ST_MakePoint(580500 + n, 4998200 + n), 32632), 20), 'nome-@ ' || n, 'celato-@ ' || n, n
FROM generate_series(1, 5) AS n
"""


def slug_of(kind: str, raster: bool = False) -> str:
    return f"porta{'-r' if raster else ''}-{kind}"


def words_of(kind: str) -> tuple[bytes, ...]:
    """What may be read nowhere by who may not see a layer."""
    return (slug_of(kind).encode(), slug_of(kind, True).encode(), f"titolo-{kind}".encode(), f"nome-{kind}".encode())


def make_raster(kind: str, **values: Any) -> Layer:
    name = f"porta-{kind}.tif"
    data = np.full((64, 64), 7, dtype="uint8")
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8", "crs": "EPSG:32632"}
    with rasterio.open(
        Path(settings.RASTER_DIR) / name, "w", transform=from_origin(580400, 4998400, 10, 10), **profile
    ) as file:
        file.write(data, 1)
    info = {"width": 64, "height": 64, "bands": [{"dtype": "uint8", "min": 7, "max": 7, "mean": 7, "std": 0}]}
    return Layer.objects.create(
        slug=slug_of(kind, True), kind=Layer.Kind.RASTER, raster_path=name, raster_info=info, srid=32632,
        title_it=f"Raster titolo-{kind}", bbox=[10.0, 45.1, 10.05, 45.2], **values,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One vector and one raster layer of each kind, committed: maps are drawn over connections of their own."""
    with django_db_blocker.unblock():
        group = Group.objects.get_or_create(name=MEMBERS)[0]
        closed = Theme.objects.create(slug="tema-chiuso", title_it="Tema chiuso", access=Access.INTERNAL)
        for kind in KINDS:
            values: dict[str, Any] = {"access": Access.PUBLIC if kind == "by-theme" else kind}
            if kind == "by-theme":
                values["theme"] = closed
            for layer in (make_vector(kind, **values), make_raster(kind, **values)):
                layer.groups.add(group)
        tie_together()
        forget_catalogue()
        for layer in Layer.objects.filter(slug__startswith="porta-", kind="vector"):
            index_layer(layer.pk)
    yield
    with django_db_blocker.unblock():
        drop(*Layer.objects.filter(slug__startswith="porta-", kind="vector"))
        Source.objects.filter(slug__startswith="porta-").delete()
        Layer.objects.filter(slug__startswith="porta-").delete()
        closed.delete()
        group.delete()
        forget_catalogue()


def tie_together() -> None:
    """A source of each vector layer, and a relation of each with the public one, that tell of it in their titles."""
    public = Layer.objects.get(slug=slug_of("public"))
    for kind in KINDS:
        layer = Layer.objects.get(slug=slug_of(kind))
        source = Source.objects.create(
            title=f"Fonte titolo-{kind}", slug=slug_of(kind), kind="file", address="https://x.example/", layer=layer
        )
        SourceState.objects.create(source=source)
        if kind != "public":
            Relation.objects.create(
                slug=f"legame-{slug_of(kind)}", one=public, other=layer, kind="overlaps",
                forward_it=f"Verso titolo-{kind}", backward_it="Indietro",
            )  # fmt: skip


def make_vector(kind: str, **values: Any) -> Layer:
    """Five polygons whose field `celato` is for insiders and labels them."""
    layer = make_layer(
        slug_of(kind), "POLYGON", 32632, {"nome": "string", "celato": "string", "intero": "integer"},
        FEATURES.replace("@", kind), title_it=f"Vettore titolo-{kind}", keywords=[f"titolo-{kind}"], **values,
    )  # fmt: skip
    hidden = Access.INTERNAL if kind == "public" else values["access"]
    Field.objects.filter(layer=layer, name="celato").update(access=hidden)
    Field.objects.filter(layer=layer, name__in=("nome", "celato")).update(is_searchable=True)
    Style.objects.create(layer=layer, name="predefinito", title_it="Predefinito", spec={"label": {"field": "celato"}})
    return layer


@pytest.fixture
def city(built: None, db: None) -> SimpleNamespace:
    """The layers, and the tile (zoom 12) that they lie in."""
    forget_catalogue()
    return SimpleNamespace(x=2162, y=1471)


def client_of(role: str, by_token: bool = False) -> Client:
    """Someone of a role, signed in by session or by token."""
    if role == "anonymous":
        return Client()
    user = User.objects.filter(username=role).first() or User.objects.create_user(role)
    if role == "administrator":
        User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    elif role != "nobody":
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    user = User.objects.get(pk=user.pk)
    if by_token:
        _, secret = tokens.create(user, "prova", None)
        return Client(headers={"Authorization": f"Bearer {secret}"})
    client = Client()
    client.force_login(user)
    return client


def body(response: HttpResponseBase) -> bytes:
    if response.streaming:
        return b"".join(response.streaming_content)  # type: ignore[attr-defined]
    content: bytes = response.content  # type: ignore[attr-defined]
    return content


def without_echo(text: bytes, asked: str) -> bytes:
    """An answer without what the asker itself wrote in the address, and without what is new in each answer."""
    text = re.sub(rb'(nonce|name="csrfmiddlewaretoken" value)="[^"]*"', b"", text)
    return re.sub(re.escape(asked.encode()), b"", text)


def test_every_part_of_every_address_is_described() -> None:
    unknown = {(part, door.route) for door in ALL for part in door.parts if part not in LAYER_PARTS | PARTS.keys()}
    assert unknown == set(), "say in PARTS what to put there, or in LAYER_PARTS that it is the slug of a layer"
    assert sum(door.names_a_layer for door in ALL) >= 12
    assert TileAddress.parse("12", "1471", "2162")


def test_every_address_is_known_to_name_a_layer_or_not() -> None:
    unknown = [
        door.route
        for door in ALL
        if not (door.names_a_layer or door.route in LISTS or door.route in BY_QUERY or door.route.startswith(SECTIONS))
    ]
    assert unknown == [], (
        "say here what these serve: the slug of a layer in their path (LAYER_PARTS), a layer by a parameter "
        "(BY_QUERY), lists of what is open (LISTS), or no layer at all (SECTIONS)"
    )
    assert {door.route for door in ALL} >= LISTS | BY_QUERY.keys()


def test_pages_know_no_form(city: SimpleNamespace) -> None:
    client = client_of("administrator")
    for door in ALL:
        if door.has_forms:
            continue
        path = door.path(slug_of("public"), city.x, city.y)
        plain, asked = client.get(path), client.get(f"{path}?f=json")
        assert (asked.status_code, asked.headers.get("Content-Type")) == (
            plain.status_code, plain.headers.get("Content-Type"),
        ), door.route  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_a_parameter_that_names_a_layer_knows_no_forbidden_one(city: SimpleNamespace, role: str) -> None:
    client, opened = client_of(role), set()

    def answers(slug: str) -> Iterator[tuple[str, HttpResponseBase]]:
        for door in ALL:
            for query in BY_QUERY.get(door.route, ()):
                path = door.path("", city.x, city.y)
                yield f"{door.route} {query}", client.get(f"{path}?{query.format(slug=slug, x=city.x, y=city.y)}")
        for process, more in (("buffer", {"distance": 1}), ("related", {"relation": "legame-x"}), ("clip", {})):
            body = {"inputs": {"layer": slug, **more}}
            yield process, client.post(f"/ogc/processes/{process}/execution", body, content_type="application/json")

    nowhere = {asked: (one.status_code, body(one)) for asked, one in answers("porta-inesistente")}
    for kind in KINDS:
        for raster in (False, True):
            slug = slug_of(kind, raster)
            for asked, answer in answers(slug):
                if kind in OPENS[role]:
                    assert answer.status_code < 500, (asked, kind)
                    opened |= {(kind, asked)} if answer.status_code == 200 else set()
                    continue
                status, text = nowhere[asked]
                assert answer.status_code == status >= 400, (asked, kind, answer.status_code, status)
                assert without_echo(body(answer), slug) == without_echo(text, "porta-inesistente"), (asked, kind)
    for kind in OPENS[role]:
        assert len({asked for found, asked in opened if found == kind}) >= 10, opened


@pytest.mark.parametrize("role", ["anonymous", "nobody", PROFESSIONALS, STEWARDS])
def test_writing_to_a_forbidden_layer_is_writing_to_none(city: SimpleNamespace, role: str) -> None:
    client = client_of(role)
    for door in ALL:
        if not door.names_a_layer:
            continue
        for method in ("post", "put", "patch", "delete"):
            given = []
            for slug in (slug_of("restricted"), "porta-inesistente"):
                path = door.path(slug, city.x, city.y)
                answer = getattr(client, method)(path, "{}", content_type="application/json")
                assert answer.status_code in FORBIDDEN_STATUS, (method, door.route, answer.status_code)
                given.append((answer.status_code, without_echo(body(answer), slug)))
            assert given[0] == given[1], (method, door.route)
    assert Layer.objects.filter(slug=slug_of("restricted")).exists()


@pytest.mark.parametrize("role", ROLES)
def test_an_address_that_names_a_layer_knows_no_forbidden_one(city: SimpleNamespace, role: str) -> None:
    clients = [client_of(role)] if role == "anonymous" else [client_of(role), client_of(role, by_token=True)]
    opened = set()
    for number, door in enumerate(door for door in ALL if door.names_a_layer):
        client = clients[number % len(clients)]
        # What is said of a layer that does not exist, asked once for all that are to be answered like it.
        nowhere = {
            query: client.get(door.path("porta-inesistente", city.x, city.y) + query)
            for query in (FORMS if door.has_forms else ("",))
        }
        for kind in KINDS:
            for raster in (False, True):
                slug = slug_of(kind, raster)
                for query in nowhere:
                    response = client.get(door.path(slug, city.x, city.y) + query)
                    if kind in OPENS[role]:
                        assert response.status_code < 500, (door.route, query, kind)
                        if response.status_code == 200:
                            opened.add((kind, raster, door.route))
                        continue
                    assert response.status_code in FORBIDDEN_STATUS, (door.route, query, kind, response.status_code)
                    assert response.status_code == nowhere[query].status_code, (door.route, query, kind)
                    # A redirection is that of a page for people who are signed in: to the log-in, whatever is asked.
                    assert response.get("Location", "/accedi/").startswith("/accedi/"), (door.route, query, kind)
                    said = without_echo(body(nowhere[query]), "porta-inesistente")
                    assert without_echo(body(response), slug) == said, (door.route, query, kind)
    # The walk is worth something only when it opens what is open: items and tiles, vector and raster.
    for kind in OPENS[role]:
        assert len({route for found, raster, route in opened if found == kind and not raster}) >= 9
        assert len({route for found, raster, route in opened if found == kind and raster}) >= 4


@pytest.mark.parametrize("role", ROLES)
def test_no_other_address_says_a_word_of_a_forbidden_layer(city: SimpleNamespace, role: str) -> None:
    client = client_of(role)
    forbidden = [word for kind in KINDS if kind not in OPENS[role] for word in words_of(kind)]
    heard: set[bytes] = set()
    for door in ALL:
        if door.names_a_layer:
            continue
        for query in door.queries:
            response = client.get(door.path("", city.x, city.y) + query)
            text = body(response)
            for word in forbidden:
                assert word not in text, (door.route, query, word)
            heard |= {word for kind in OPENS[role] for word in words_of(kind) if word in text}
    # Lists, the map page and the style of everything name what is open.
    assert {word for kind in OPENS[role] for word in words_of(kind)[:3]} <= heard


@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_field_is_invisible_behind_every_address(city: SimpleNamespace, role: str) -> None:
    client = client_of(role)
    sees = "internal" in OPENS[role]
    slug = slug_of("public")
    told = []
    for door in ALL:
        for query in door.queries:
            path = door.path(slug, city.x, city.y) + query
            text = without_echo(body(client.get(path)), "celato&lingua=it")
            text = without_echo(without_echo(text, "q=celato"), '"query": "celato"')
            if b"celato-public" in text or (door.names_a_layer and b"celato" in text):
                told.append(path)
    assert bool(told) == sees, told
    for query in ("celato=celato-public 1", "sortby=celato", "properties=celato", "filter=celato LIKE 'c%25'"):
        status = client.get(f"/ogc/collections/{slug}/items?{query}").status_code
        assert status == (200 if sees else 400), query
    tile = f"/ogc/collections/{slug}/tiles/WebMercatorQuad/12/{city.y}/{city.x}?properties=celato"
    assert client.get(tile).status_code == (200 if sees else 400)
    found = client.get("/api/cerca?q=celato&limit=50").json()["results"]
    assert bool([one for one in found if one.get("layer", {}).get("slug") == slug]) == sees


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("level", [Access.PUBLIC, Access.PROFESSIONAL, Access.INTERNAL, Access.RESTRICTED])
def test_devices_and_their_live_stream_follow_their_layer(
    db: None, monkeypatch: pytest.MonkeyPatch, role: str, level: str
) -> None:
    # The stream's thread lets go of idle connections; here it is the connection of the test.
    monkeypatch.setattr("geoportal.live.readers.close_old_connections", lambda: None)
    layer = Layer.objects.get(slug="punti-accesso-wifi")
    layer.groups.add(Group.objects.get_or_create(name=MEMBERS)[0])
    device("ap-prova-1")
    device("totem-prova-1", kind="totem")
    Layer.objects.filter(pk=layer.pk).update(access=level)
    Layer.objects.filter(slug="totem").update(is_published=False)
    forget_catalogue()
    client = client_of(role)
    headers: list[tuple[bytes, bytes]] = []
    if role != "anonymous":
        user = User.objects.get(username=role)
        headers = [(b"authorization", f"Bearer {tokens.create(user, 'prova', None)[1]}".encode())]
    listed = {device["kind"] for device in client.get("/api/dispositivi").json()["devices"]}
    assert listed == ({"ap"} if level in OPENS[role] else set())
    assert reader_of(request_of(headers)).kinds == ({"ap"} if level in OPENS[role] else set())
    forget_catalogue()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_the_administration_is_closed(city: SimpleNamespace, role: str) -> None:
    client = client_of(role)
    for path in ("/admin/", "/admin/layers/layer/", "/admin/layers/readofrestricted/csv/", "/admin/geoportal/user/"):
        assert client.get(path).status_code in {302, 403, 404}, path
