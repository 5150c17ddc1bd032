"""Vector tiles of the whole dataset: several collections in one tile, which a vector tile is by concatenation."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.rights import PUBLIC
from ogc import dataset_tilesets, tilesets
from ogc.door import HTML, JSON, Ask, door, etag_of, matches
from ogc.errors import InvalidParameter
from ogc.listings import FORMS, answered
from ogc.views.core import known_tms
from ogc.views.tiles import TILE_FORM, layer_part, only_web_mercator, tiled_layer

MOST_COLLECTIONS = 40
CHOICE = frozenset({"collections"})


@door(FORMS, params=CHOICE)
def tileset_list(ask: Ask) -> HttpResponse:
    """/ogc/tiles"""
    chosen(ask)
    document = dataset_tilesets.tilesets(ask.base, ask.language, _asked(ask))
    return answered(ask, document, _("Tessere di tutti i livelli"))


@door({"json": JSON, "tilejson": JSON, "html": HTML}, params=CHOICE)
def tileset(ask: Ask, tms: str) -> HttpResponse:
    """/ogc/tiles/{tms}"""
    grid, layers = known_tms(tms), chosen(ask)
    given = (layers, ask.audience, ask.base, ask.language, _asked(ask), ask.catalogue.version)
    if ask.format == "tilejson":
        only_web_mercator(grid)
        body = json.dumps(dataset_tilesets.tilejson(*given), ensure_ascii=False)
        return HttpResponse(body, content_type=JSON)
    return answered(ask, dataset_tilesets.tileset(*given, grid), f"{_('Tessere di tutti i livelli')} {grid.id}")


@door({"mvt": tilesets.MVT, "pbf": tilesets.MVT}, params=CHOICE | {"v"})
def tile(ask: Ask, tms: str, z: str, y: str, x: str) -> HttpResponse:
    """/ogc/tiles/{tms}/{z}/{y}/{x}"""
    grid, all_layers = known_tms(tms), chosen(ask)
    address = grid.parse(z, y, x)
    layers = [layer for layer in all_layers if layer.min_zoom <= address.z <= layer.max_zoom]
    parts = [layer_part(ask, layer, address, None, grid) for layer in layers]
    is_live = any(layer.is_live for layer in layers)
    etag = "" if is_live else etag_of(TILE_FORM, [part.key for part in parts])
    if etag and matches(ask.request, etag):
        response = HttpResponse(status=304)
    else:
        body = b"".join([part.bytes() for part in parts])
        if not body:
            tilesets.refuse_outside(dataset_tilesets.reach(all_layers), grid, address)
        response = HttpResponse(body, content_type=tilesets.MVT)
    if etag:
        response["ETag"] = etag
    if any(part.audience != PUBLIC for part in parts):
        response["Cache-Control"], response["Vary"] = "private, no-cache", "Cookie"
    elif is_live:
        response["Cache-Control"] = "no-cache"
    elif (
        ask.param("v") == str(ask.catalogue.version)
        and "collections" in ask.request.GET
        and not any(part.is_passing for part in parts)
    ):
        response["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        # Which collections there are depends on who asks.
        response["Cache-Control"] = "private, no-cache"
    return response


def chosen(ask: Ask) -> list[LayerEntry]:
    """The collections of `collections`, or all that have vector tiles and that the asker may see.

    Raises LayerNotFound, NotFound and InvalidParameter.
    """
    if "collections" not in ask.request.GET:
        seen = (one for one in ask.catalogue.visible(ask.audience) if one.kind == "vector" and one.geometry_field)
        return [ask.layer(layer.slug) for layer in seen if ask.answers(layer)]
    slugs = list(dict.fromkeys(slug.strip() for slug in _asked(ask).split(",") if slug.strip()))
    if not 0 < len(slugs) <= MOST_COLLECTIONS:
        raise InvalidParameter(f"collections: name one to {MOST_COLLECTIONS} collections, separated by commas.")
    return [tiled_layer(ask, slug) for slug in slugs]


def _asked(ask: Ask) -> str:
    return ask.param("collections")
