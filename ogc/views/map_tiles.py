"""Tiles that are pictures: of rasters by rasterio, of tables by Mapnik, in every tile matrix set."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.crs import epsg
from layers.drawing.draw import Drawn, draw, draw_tiles
from layers.drawing.view import View
from layers.raster import map_tile
from layers.rights import PUBLIC
from layers.sources.remote_maps import KEPT_S, remote_tile
from layers.tile_cache import TileCache
from layers.tile_grids import TILE_PX, WEB_MERCATOR, TileAddress, TileGrid
from layers.tiles import layer_tile
from ogc import tilesets
from ogc.door import Ask, door, etag_of, matches
from ogc.listings import FORMS, answered
from ogc.pages import title
from ogc.pictures import Chosen, chosen, moment_of
from ogc.views.core import known_tms
from ogc.views.tiles import TILE_FORM, served

CACHE_BYTES = 64 * 2**20
TILE_MEDIA = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}

META = 4
"""Tiles a side that Mapnik draws at once: a query and a drawing for sixteen tiles cost about what they cost for two."""

_cache = TileCache(CACHE_BYTES)


@door(TILE_MEDIA, params=frozenset({"v", "datetime"}))
def picture(ask: Ask, slug: str, tms: str, z: str, y: str, x: str, style: str = "") -> HttpResponse:
    """/ogc/collections/{slug}[/styles/{style}]/map/tiles/{tms}/{z}/{y}/{x}"""
    moment, grid = moment_of(ask), known_tms(tms)
    one, address = chosen(ask, slug, style, moment), grid.parse(z, y, x)
    where = tilesets.reach(one.layer), grid, address, tilesets.margin_of(one.layer)
    if not moment and tilesets.is_outside(*where) and _holds_nothing(one, grid, address):
        tilesets.refuse_outside(*where)
    return tile_of(ask, one, grid, address)


def _holds_nothing(one: Chosen, grid: TileGrid, address: TileAddress) -> bool:
    return one.layer.kind != "vector" or not layer_tile(one.layer, (), address, grid)


def tile_of(ask: Ask, one: Chosen, grid: TileGrid, address: TileAddress) -> HttpResponse:
    """One picture with the caching its layer allows."""
    form, media = ask.format, TILE_MEDIA[ask.format]
    key = (one.layer.id, one.version, one.layer.raster_path, form, grid.id, address)
    if one.layer.kind == "remote":
        response = served(ask, one.layer, one.audience, drawn_tile(one, grid, address, form), "", media)
        if one.audience == PUBLIC:
            # Whose map it is does not say when it changes.
            response["Cache-Control"] = f"public, max-age={KEPT_S // 2}"
        return response
    if one.layer.is_live:
        return served(ask, one.layer, one.audience, drawn_tile(one, grid, address, form), "", media)
    etag = etag_of(TILE_FORM, one.layer.slug, *key)
    held = matches(ask.request, etag)
    body = b"" if held else _kept(one, grid, address, form, key)
    return served(ask, one.layer, one.audience, body, etag, media, one.version)


Key = tuple[Any, ...]


def _kept(one: Chosen, grid: TileGrid, address: TileAddress, form: str, key: Key) -> bytes:
    if one.layer.kind == "raster":
        return _cache.get(key, lambda: drawn_tile(one, grid, address, form))
    corner = TileAddress(address.z, address.y - address.y % META, address.x - address.x % META)
    return _cache.get_of(key, ("together", *key[:-1], corner), lambda: _drawn_together(one, grid, corner, form, key))


def _drawn_together(one: Chosen, grid: TileGrid, corner: TileAddress, form: str, key: Key) -> dict[Hashable, bytes]:
    """Tiles that lie together, by their keys."""
    columns, rows = grid.size(corner.z)
    wide, high = min(META, columns - corner.x), min(META, rows - corner.y)
    west, _, _, north = grid.box(corner)
    side = grid.side(corner.z)
    box = west, north - high * side, west + wide * side, north
    view = View(epsg(grid.srid), box, wide * TILE_PX, high * TILE_PX)
    places = [
        TileAddress(corner.z, corner.y + down, corner.x + across) for down in range(high) for across in range(wide)
    ]
    pictures = draw_tiles([one.drawn], view, TILE_PX, _encoding(form))
    return {(*key[:-1], place): picture for place, picture in zip(places, pictures, strict=True)}


def _encoding(form: str) -> str:
    # A palette is a third of the bytes, and flat colours have few.
    return "png8" if form == "png" else form


def drawn_tile(one: Chosen, grid: TileGrid, address: TileAddress, form: str) -> bytes:
    """256 x 256 pixels."""
    drawn = one.drawn
    if one.layer.kind == "remote" and grid is WEB_MERCATOR and form != "jpeg":
        return remote_tile(one.layer, address, form)
    if one.layer.kind != "vector":
        # Whoever lays a tile over others gives it the opacity of the style, as the portal's own map does.
        drawn = Drawn(one.layer, msgspec.structs.replace(one.style.spec, opacity=1.0))
        if one.layer.kind == "raster" and grid is WEB_MERCATOR:
            return map_tile(one.layer, address, form, one.style.spec.raster)
    view = View(epsg(grid.srid), grid.box(address), TILE_PX, TILE_PX)
    return draw([drawn], view, _encoding(form) if one.layer.kind == "vector" else form)


@door(FORMS)
def map_tileset_list(ask: Ask, slug: str, style: str = "") -> HttpResponse:
    """/ogc/collections/{slug}[/styles/{style}]/map/tiles"""
    one = chosen(ask, slug, style)
    document = tilesets.map_tilesets(one.layer, ask.base, ask.language, style)
    return answered(ask, document, _("Tessere come immagini"), title(one.layer, ask.language))


@door(FORMS)
def map_tileset(ask: Ask, slug: str, tms: str, style: str = "") -> HttpResponse:
    """/ogc/collections/{slug}[/styles/{style}]/map/tiles/{tms}"""
    one, grid = chosen(ask, slug, style), known_tms(tms)
    document = tilesets.map_tileset(one.layer, one.version, grid, ask.base, ask.language, style)
    return answered(ask, document, f"{_('Tessere come immagini')} {grid.id}", title(one.layer, ask.language))
