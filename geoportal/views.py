"""The public pages of the site: the map, the compiled styles, the notes."""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.http import parse_etags, quote_etag
from django.views.decorators.http import require_safe

from geoportal.map_page import (
    clusters,
    layer_tree,
    map_config,
    style_layers,
    style_of,
    styled_config,
    tile_url,
)
from geoportal.marks import MARKS
from layers.catalogue import LayerEntry, catalogue
from layers.errors import LayerNotFound, StyleNotFound
from layers.rights import Audience, audience_of

BACKGROUND = "#f6f4ef"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The map. The tree, legends and links are server HTML; the map reads the same catalogue as JSON."""
    audience = audience_of(request.user)
    held = catalogue()
    context = {"tree": layer_tree(held, audience), "config": map_config(held, audience), "marks": list(MARKS)}
    response = render(request, "geoportal/map.html", context)
    patch_cache_control(response, private=True, no_cache=True)
    return response


@require_safe
def notes(request: HttpRequest) -> HttpResponse:
    """Notes on data, accessibility and privacy."""
    return render(request, "geoportal/notes.html")


@require_safe
def style_of_all(request: HttpRequest) -> HttpResponse:
    """One MapLibre style of every layer the asker may see; those not shown at first have `visibility: none`."""
    audience = audience_of(request.user)
    held = catalogue()
    entries = [entry for entry in held.visible(audience) if style_layers(entry, audience)]
    return _style(request, entries, audience, held.version)


@require_safe
def style_of_layer(request: HttpRequest, slug: str) -> HttpResponse:
    """The MapLibre style of one layer, for any client that reads vector tiles."""
    audience = audience_of(request.user)
    held = catalogue()
    try:
        entry = held.layer(slug, audience)
    except LayerNotFound as error:
        raise Http404(str(error)) from error
    return _style(request, [entry], audience, held.version)


@require_safe
def style_on_map(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One of a layer's named styles as the map page wears it: its drawing rules, its tiles and its legend."""
    audience = audience_of(request.user)
    try:
        entry = catalogue().layer(slug, audience)
        body = styled_config(entry, audience, name)
    except (LayerNotFound, StyleNotFound) as error:
        raise Http404(str(error)) from error
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _style(request: HttpRequest, entries: list[LayerEntry], audience: Audience, version: int) -> HttpResponse:
    # Who signs in keeps the browser's copies: what someone else may see must not count as the same answer.
    asker = (sorted(audience.levels), sorted(audience.groups), audience.sees_all)
    what = repr((version, _versions(entries), asker, request.get_host()))
    etag = quote_etag(hashlib.blake2b(what.encode(), digest_size=12).hexdigest())
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        response = HttpResponse(status=304)
    else:
        response = JsonResponse(_style_document(request, entries, audience))
    response["ETag"] = etag
    response["Vary"] = "Cookie"
    patch_cache_control(response, private=not audience.is_public, public=audience.is_public, no_cache=True)
    return response


def _style_document(request: HttpRequest, entries: list[LayerEntry], audience: Audience) -> dict[str, Any]:
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    sources: dict[str, Any] = {}
    layers: list[dict[str, Any]] = [
        {"id": "background", "type": "background", "paint": {"background-color": BACKGROUND}}
    ]
    for entry in entries:
        grouped = clusters(entry, style_of(entry, audience))
        sources[entry.slug] = (grouped and {**grouped, "data": base + grouped["data"]}) or {
            "type": "raster" if entry.kind != "vector" else "vector",
            "tiles": [base + tile_url(entry, audience)],
            "attribution": entry.attribution,
            **({"bounds": entry.bbox} if entry.bbox and not entry.is_live else {}),
            **({"tileSize": 256} if entry.kind != "vector" else {}),
        }
        hidden = len(entries) > 1 and not entry.shown_by_default
        for layer in style_layers(entry, audience):
            layout = {**layer.get("layout", {}), "visibility": "none" if hidden else "visible"}
            layers.append({**layer, "layout": layout})
    return {"version": 8, "name": "Geoportale Cremona", "sources": sources, "layers": layers}


def _versions(entries: list[LayerEntry]) -> int:
    return sum(entry.data_version for entry in entries)
