"""Landing page, conformance, OpenAPI, collections and what describes them."""

from __future__ import annotations

from django.http import HttpResponse

from ogc import documents, tilesets
from ogc.door import JSON, Ask, door
from ogc.errors import NotFound

JSON_ONLY = {"json": JSON}
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


def _answer(body: bytes, media: str = JSON) -> HttpResponse:
    return HttpResponse(body, content_type=media)


@door(JSON_ONLY)
def landing(ask: Ask) -> HttpResponse:
    """/ogc/"""
    return _answer(documents.document(ask, "landing", lambda: documents.landing(ask)))


@door(JSON_ONLY)
def conformance(ask: Ask) -> HttpResponse:
    """/ogc/conformance"""
    return _answer(documents.document(ask, "conformance", documents.conformance))


@door({"json": OPENAPI})
def openapi(ask: Ask) -> HttpResponse:
    """/ogc/openapi"""
    return _answer(documents.document(ask, "openapi", lambda: documents.api_definition(ask)), OPENAPI)


@door(JSON_ONLY)
def collections(ask: Ask) -> HttpResponse:
    """/ogc/collections"""
    return _answer(documents.document(ask, "collections", lambda: documents.collections(ask)))


@door(JSON_ONLY)
def collection(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}"""
    layer = ask.layer(slug)
    return _answer(documents.document(ask, f"collection {slug}", lambda: documents.collection(ask, layer)))


@door({"json": SCHEMA})
def queryables(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/queryables"""
    layer = ask.layer(slug)
    if layer.kind != "vector":
        raise NotFound(f"{slug!r} is a raster: it has no queryables.")
    return _answer(documents.document(ask, f"queryables {slug}", lambda: documents.queryables(ask, layer)), SCHEMA)


@door({"json": SCHEMA})
def schema(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/schema"""
    layer = ask.layer(slug)
    if layer.kind != "vector":
        raise NotFound(f"{slug!r} is a raster: it has no schema of features.")
    return _answer(documents.document(ask, f"schema {slug}", lambda: documents.schema(ask, layer)), SCHEMA)


@door(JSON_ONLY)
def tile_matrix_sets(ask: Ask) -> HttpResponse:
    """/ogc/tileMatrixSets"""
    return _answer(documents.document(ask, "tileMatrixSets", lambda: documents.tile_matrix_sets(ask)))


@door(JSON_ONLY)
def tile_matrix_set(ask: Ask, tms: str) -> HttpResponse:
    """/ogc/tileMatrixSets/{tms}"""
    known_tms(tms)
    return _answer(documents.document(ask, "tileMatrixSet", tilesets.tile_matrix_set))


def known_tms(tms: str) -> None:
    """Raises NotFound for a tile matrix set that is not served."""
    if tms != tilesets.TMS_ID:
        raise NotFound(f"Tile matrix set {tms[:60]!r} is not served here; use {tilesets.TMS_ID}.")
