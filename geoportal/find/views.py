"""`GET /api/cerca?q=&limit=&lingua=` finds; `GET /api/qui?lon=&lat=` tells what is at a place. See docs/search.md."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from layers.audit import note
from layers.catalogue import LayerEntry, catalogue
from layers.rights import Audience, audience_of
from layers.search.coordinates import from_degrees
from layers.search.find import LIMIT_MAX, Hit, find
from layers.search.here import features_at, nearest_address
from layers.search.question import LONGEST

LIMIT_DEFAULT = 10


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What a text may mean, best first."""
    language = _language(request)
    text, limit = request.GET.get("q", "").strip(), request.GET.get("limit", str(LIMIT_DEFAULT))
    with override(language):
        if language not in {"it", "en"}:
            return _refused(_("lingua: scegli it o en."))
        if not text or len(text) > LONGEST or "\x00" in text:
            return _refused(_("q: scrivi da uno a %(most)d caratteri da cercare.") % {"most": LONGEST})
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= LIMIT_MAX):
            return _refused(_("limit: un numero intero da 1 a %(most)d.") % {"most": LIMIT_MAX})
        audience = audience_of(request.user)
        found = find(catalogue(), audience, text, int(limit), language)
        _note(request, audience, [hit.layer for hit in found.hits if hit.layer and hit.item], "search")
        body = {
            "query": text,
            "approximate": found.is_approximate,
            "results": [_result(hit, language) for hit in found.hits],
        }
    return _answer(body, audience)


@require_safe
def here(request: HttpRequest) -> HttpResponse:
    """The nearest address, the features and the projected coordinates of a place in OGC:CRS84 degrees."""
    language = _language(request)
    with override(language):
        try:
            lon, lat = float(request.GET.get("lon", "")), float(request.GET.get("lat", ""))
        except ValueError:
            return _refused(_("lon e lat: due numeri in gradi, per esempio lon=10.0252&lat=45.1337."))
        if not (abs(lon) <= 180 and abs(lat) <= 90):
            return _refused(_("lon va da -180 a 180 e lat da -90 a 90."))
        audience = audience_of(request.user)
        held = catalogue()
        address = nearest_address(held, audience, lon, lat)
        features = features_at(held, audience, lon, lat)
        _note(request, audience, [one.layer for one in features], "here")
        body: dict[str, Any] = {
            "lon": lon,
            "lat": lat,
            "coordinates": from_degrees(lon, lat),
            "address": None,
            "features": [
                {
                    "layer": _layer(one.layer, language),
                    "item": one.item,
                    "title": one.title,
                    "href": _href(one),
                    "related": _related(one),
                }
                for one in features
            ],
        }
        if address is not None:
            body["address"] = {
                "title": address.title,
                "distance_m": address.distance_m,
                "lon": address.lon,
                "lat": address.lat,
                "layer": _layer(address.layer, language),
                "item": address.item,
                "href": _href(address),
            }
    return _answer(body, audience)


def _result(hit: Hit, language: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "kind": hit.kind,
        "title": hit.title,
        "subtitle": hit.subtitle,
        "lon": hit.lon,
        "lat": hit.lat,
        "bbox": hit.bbox,
        "score": round(hit.score, 1),
    }
    if hit.layer is not None:
        body["layer"] = _layer(hit.layer, language)
    if hit.item:
        body |= {"item": hit.item, "href": _href(hit), "related": _related(hit)}
    if hit.reading is not None:
        order, srid = hit.reading.order, hit.reading.srid
        body |= {"crs": f"EPSG:{srid}", "order": order, "distance_km": hit.reading.distance_km}
        body["subtitle"] = f"EPSG:{srid} ({order})"
    return body


def _layer(layer: LayerEntry, language: str) -> dict[str, str]:
    return {"slug": layer.slug, "title": layer.title_en if language == "en" else layer.title_it}


def _href(thing: Any) -> str:
    return f"/ogc/collections/{thing.layer.slug}/items/{thing.item}"


def _related(thing: Any) -> str:
    """Where what belongs to it is asked: parcel, building, house number, zone."""
    return reverse("api-related", args=[thing.layer.slug, thing.item])


def _note(request: HttpRequest, audience: Audience, layers: list[LayerEntry], door: str) -> None:
    for layer in set(layers):
        note(request.user, audience, layer, door, features=layers.count(layer))


def _language(request: HttpRequest) -> str:
    return request.GET.get("lingua") or (get_language() or "it").split("-")[0]


def _refused(text: str) -> JsonResponse:
    return JsonResponse({"error": "bad_request", "detail": text}, status=400)


def _answer(body: dict[str, Any], audience: Audience) -> JsonResponse:
    response = JsonResponse(body, json_dumps_params={"ensure_ascii": False})
    patch_vary_headers(response, ["Cookie", "Accept-Language"])
    patch_cache_control(response, private=not audience.is_public, public=audience.is_public, no_cache=True)
    return response
