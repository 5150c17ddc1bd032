"""Landing page, conformance, OpenAPI, collections and what describes them."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.tile_grids import GRIDS, TileGrid
from ogc import documents, pages, tilesets
from ogc.door import HTML, JSON, Ask, door
from ogc.errors import NotFound
from ogc.listings import FORMS, answered
from ogc.views.coverages import raster_schema

WITH_PAGE = {"json": JSON, "html": HTML}
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


def _answer(body: bytes, media: str = JSON) -> HttpResponse:
    return HttpResponse(body, content_type=media)


@door(WITH_PAGE)
def landing(ask: Ask) -> HttpResponse:
    """/ogc/"""
    body = documents.document(ask, "landing", lambda: documents.landing(ask))
    return pages.landing(ask, body) if ask.format == "html" else _answer(body)


@door(WITH_PAGE)
def conformance(ask: Ask) -> HttpResponse:
    """/ogc/conformance"""
    body = documents.document(ask, "conformance", documents.conformance)
    return pages.page(ask, "conformance", json.loads(body)) if ask.format == "html" else _answer(body)


@door({"json": OPENAPI, "html": HTML})
def openapi(ask: Ask) -> HttpResponse:
    """/ogc/openapi"""
    body = documents.document(ask, "openapi", lambda: documents.api_definition(ask))
    return pages.openapi(ask, body) if ask.format == "html" else _answer(body, OPENAPI)


@door(WITH_PAGE)
def collections(ask: Ask) -> HttpResponse:
    """/ogc/collections"""
    body = documents.document(ask, "collections", lambda: documents.collections(ask))
    return pages.page(ask, "collections", json.loads(body)) if ask.format == "html" else _answer(body)


@door(WITH_PAGE)
def collection(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}"""
    layer = ask.layer(slug)
    body = documents.document(ask, f"collection {slug}", lambda: documents.collection(ask, layer))
    return pages.collection(ask, body, layer) if ask.format == "html" else _answer(body)


@door({"json": SCHEMA, "html": HTML})
def queryables(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/queryables"""
    layer = ask.layer(slug)
    if layer.kind != "vector":
        raise NotFound(f"{slug!r} is a raster: it has no queryables.")
    body = documents.document(ask, f"queryables {slug}", lambda: documents.queryables(ask, layer))
    if ask.format == "html":
        return pages.fields(ask, body, layer, _("Attributi per filtrare"))
    return _answer(body, SCHEMA)


@door({"json": SCHEMA, "html": HTML})
def schema(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/schema"""
    layer = ask.layer(slug)
    if layer.kind != "vector":
        return _answer(json.dumps(raster_schema(ask, layer)).encode(), SCHEMA)
    body = documents.document(ask, f"schema {slug}", lambda: documents.schema(ask, layer))
    return pages.fields(ask, body, layer, _("Attributi")) if ask.format == "html" else _answer(body, SCHEMA)


@door(FORMS)
def tile_matrix_sets(ask: Ask) -> HttpResponse:
    """/ogc/tileMatrixSets"""
    return answered(ask, documents.tile_matrix_sets(ask), _("Griglie delle tessere"))


@door(FORMS)
def tile_matrix_set(ask: Ask, tms: str) -> HttpResponse:
    """/ogc/tileMatrixSets/{tms}"""
    grid = known_tms(tms)
    return answered(ask, tilesets.tile_matrix_set(grid), _("Griglia delle tessere"))


def known_tms(tms: str) -> TileGrid:
    """Raises NotFound for a tile matrix set that is not served."""
    grid = GRIDS.get(tms)
    if grid is None:
        raise NotFound(f"Tile matrix set {tms[:60]!r} is not served here; use {', '.join(GRIDS)}.")
    return grid
