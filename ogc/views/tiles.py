"""Vector tiles and what describes them."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse

from layers.catalogue import LayerEntry
from layers.rights import PUBLIC, Audience, may_see
from layers.tile_cache import TileCache
from layers.tile_grids import WEB_MERCATOR
from layers.tiles import TileAddress, layer_tile, style_fields, tile_fields
from ogc import tilesets
from ogc.door import JSON, Ask, door, etag_of, matches
from ogc.errors import NotFound
from ogc.views.core import known_tms

CACHE_BYTES = 64 * 2**20
TILE_FORM = 1
"""Raised when the same data gives other tile bytes, so that ETags change with the code."""

VECTOR_GRIDS = {WEB_MERCATOR.id: WEB_MERCATOR}

_cache = TileCache(CACHE_BYTES)


@door({"json": JSON})
def tileset_list(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles"""
    layer = tiled_layer(ask, slug)
    return HttpResponse(_json(tilesets.tilesets(layer, ask.base, ask.language)), content_type=JSON)


@door({"json": JSON, "tilejson": JSON})
def tileset(ask: Ask, slug: str, tms: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles/{tms}"""
    layer = tiled_layer(ask, slug)
    known_tms(tms, VECTOR_GRIDS)
    make = tilesets.tilejson if ask.format == "tilejson" else tilesets.tileset
    return HttpResponse(_json(make(layer, ask.audience, ask.base, ask.language)), content_type=JSON)


@door({"mvt": tilesets.MVT, "pbf": tilesets.MVT}, params=frozenset({"v", "properties"}))
def tile(ask: Ask, slug: str, tms: str, z: str, y: str, x: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles/{tms}/{z}/{y}/{x}"""
    layer = tiled_layer(ask, slug)
    known_tms(tms, VECTOR_GRIDS)
    address = TileAddress.parse(z, y, x)
    audience, fields = _fields(ask, layer)
    if layer.is_live:
        return served(ask, layer, audience, layer_tile(layer, fields, address), "")
    key = (layer.id, layer.data_version, fields, address)
    etag = etag_of(TILE_FORM, layer.slug, *key)
    if matches(ask.request, etag):
        return served(ask, layer, audience, b"", etag)
    return served(ask, layer, audience, _cache.get(key, lambda: layer_tile(layer, fields, address)), etag)


def _fields(ask: Ask, layer: LayerEntry) -> tuple[Audience, tuple[str, ...]]:
    """Who the tile is for, and its attributes: the session is asked only when the answer may depend on it."""
    text = ask.param("properties")
    asked = tuple(name for name in text.split(",") if name) if "properties" in ask.request.GET else None
    if may_see(PUBLIC, layer):
        open_to_all = {entry.name for entry in layer.visible_fields(PUBLIC)}
        wanted = style_fields(layer) if asked is None else asked
        if open_to_all.issuperset(wanted):
            return PUBLIC, tile_fields(layer, PUBLIC, asked)
    return ask.audience, tile_fields(layer, ask.audience, asked)


def served(
    ask: Ask,
    layer: LayerEntry,
    audience: Audience,
    body: bytes,
    etag: str,
    media: str = tilesets.MVT,
    version: str = "",
) -> HttpResponse:
    """A tile with the caching its layer allows: for ever by version for what everyone sees, else asked again."""
    response = HttpResponse(body, content_type=media)
    if etag:
        response["ETag"] = etag
    if audience != PUBLIC:
        response["Cache-Control"] = "private, no-cache"
        response["Vary"] = "Cookie"
    elif layer.is_live:
        response["Cache-Control"] = "no-cache"
    elif ask.param("v") == (version or str(layer.data_version)):
        response["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response["Cache-Control"] = "public, no-cache"
    return response


def tiled_layer(ask: Ask, slug: str) -> LayerEntry:
    """A layer that has vector tiles. Raises LayerNotFound and NotFound."""
    layer = ask.layer(slug)
    if layer.kind != "vector" or not layer.geometry_field:
        raise NotFound(f"{slug!r} has no vector tiles; its collection page lists what it has.")
    return layer


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
