"""Vector tiles and what describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.rights import PUBLIC, Audience, may_see
from layers.tile_cache import TileCache
from layers.tile_grids import WEB_MERCATOR, TileAddress, TileGrid
from layers.tiles import is_passing, is_prepared, layer_tile, style_fields, tile_fields
from layers.versions import past
from ogc import tilesets
from ogc.door import HTML, JSON, Ask, door, etag_of, matches
from ogc.errors import InvalidParameter, NotFound
from ogc.listings import FORMS, answered
from ogc.pages import title
from ogc.views.core import known_tms

CACHE_BYTES = 64 * 2**20
TILE_FORM = 5
"""Raised when the same data gives other tile bytes, so that ETags change with the code."""

_cache = TileCache(CACHE_BYTES)


@door(FORMS)
def tileset_list(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles"""
    layer = tiled_layer(ask, slug)
    document = tilesets.tilesets(layer, ask.base, ask.language)
    return answered(ask, document, _("Tessere vettoriali"), title(layer, ask.language))


@door({"json": JSON, "tilejson": JSON, "html": HTML})
def tileset(ask: Ask, slug: str, tms: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles/{tms}"""
    layer = tiled_layer(ask, slug)
    grid = known_tms(tms)
    if ask.format == "tilejson":
        only_web_mercator(grid)
        return HttpResponse(_json(tilesets.tilejson(layer, ask.audience, ask.base, ask.language)), content_type=JSON)
    document = tilesets.tileset(layer, ask.audience, ask.base, ask.language, grid)
    return answered(ask, document, f"{_('Tessere vettoriali')} {grid.id}", title(layer, ask.language))


def only_web_mercator(grid: TileGrid) -> None:
    """Raises InvalidParameter for a grid that TileJSON cannot tell of."""
    if grid is not WEB_MERCATOR:
        raise InvalidParameter(f"f=tilejson: TileJSON knows {WEB_MERCATOR.id} alone; for {grid.id} use f=json.")


@door({"mvt": tilesets.MVT, "pbf": tilesets.MVT}, params=frozenset({"v", "properties", "datetime"}))
def tile(ask: Ask, slug: str, tms: str, z: str, y: str, x: str) -> HttpResponse:
    """/ogc/collections/{slug}/tiles/{tms}/{z}/{y}/{x}"""
    layer = tiled_layer(ask, slug)
    if "datetime" in ask.request.GET:
        layer = past.at(layer, ask.param("datetime"))
    grid = known_tms(tms)
    text = ask.param("properties")
    asked = tuple(name for name in text.split(",") if name) if "properties" in ask.request.GET else None
    part = layer_part(ask, layer, grid.parse(z, y, x), asked, grid)
    etag = "" if layer.is_live else etag_of(TILE_FORM, layer.slug, *part.key)
    held = bool(etag) and matches(ask.request, etag)
    body = b"" if held else part.bytes()
    if not (held or body):
        tilesets.refuse_outside(tilesets.reach(layer), grid, part.address)
    return served(ask, layer, part.audience, body, etag, is_passing=part.is_passing)


@dataclass(frozen=True, slots=True)
class Part:
    """One layer's share of a tile, made when its bytes are asked for; `key` says all that they depend on."""

    layer: LayerEntry
    audience: Audience
    fields: tuple[str, ...]
    address: TileAddress
    grid: TileGrid

    @property
    def key(self) -> tuple[Any, ...]:
        is_far = is_prepared(self.layer, self.address, self.grid)
        return self.layer.id, self.layer.data_version, self.fields, self.grid.id, self.address, is_far

    @property
    def is_passing(self) -> bool:
        """Whether another tile of the same data will take its place."""
        return is_passing(self.layer, self.address, self.grid)

    def bytes(self) -> bytes:
        """From the cache, except what changes without a version."""
        if self.layer.is_live:
            return layer_tile(self.layer, self.fields, self.address, self.grid)
        return _cache.get(self.key, lambda: layer_tile(self.layer, self.fields, self.address, self.grid))


def layer_part(
    ask: Ask, layer: LayerEntry, address: TileAddress, asked: tuple[str, ...] | None, grid: TileGrid
) -> Part:
    """A layer's share of a tile: the session is asked only when the answer may depend on it. Raises BadQuery."""
    if may_see(PUBLIC, layer):
        open_to_all = {entry.name for entry in layer.visible_fields(PUBLIC)}
        wanted = style_fields(layer) if asked is None else asked
        if open_to_all.issuperset(wanted):
            return Part(layer, PUBLIC, tile_fields(layer, PUBLIC, asked), address, grid)
    return Part(layer, ask.audience, tile_fields(layer, ask.audience, asked), address, grid)


def served(
    ask: Ask,
    layer: LayerEntry,
    audience: Audience,
    body: bytes,
    etag: str,
    media: str = tilesets.MVT,
    version: str = "",
    *,
    is_passing: bool = False,
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
    elif not is_passing and ask.param("v") == (version or str(layer.data_version)):
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
