"""The same for programs: `GET /api/livelli/{slug}/versioni` and `…/versioni/confronto?da=1&a=2`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET, require_http_methods

from geoportal.versions.asking import LISTED, Asked, asked, has_version, history, numbers, wanted
from geoportal.versions.rasters import raster_document, raster_facts
from layers.errors import BadQuery, QueryTooSlow, RasterUnreadable
from layers.jobs.services import enqueue
from layers.models import LayerVersion
from layers.rights import may_keep
from layers.versions.comparing import Difference, compare

_PAGE = 100


@require_GET
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    """The versions of a layer, the newest first; `prima` goes on before a number."""
    found = asked(request, slug, "api-layer-versions")
    try:
        rows = history(request, found)
    except BadQuery as error:
        return JsonResponse({"code": "InvalidParameterValue", "description": str(error)}, status=400)
    body: dict[str, Any] = {"layer": slug, "versions": [_version(found, row) for row in rows]}
    if len(rows) == LISTED:
        older = request.build_absolute_uri(f"{request.path}?{urlencode({'prima': rows[-1].number})}")
        body["links"] = [{"rel": "next", "href": older}]
    return _private(JsonResponse(body))


@require_GET
def comparison(request: HttpRequest, slug: str) -> HttpResponse:
    """A page of differences as GeoJSON; `solo` one kind, `limit`, `offset`, `chiave` what identifies a feature."""
    found = asked(request, slug, "api-layer-comparison")
    try:
        pair, asked_for = numbers(request, found), wanted(request, _PAGE)
        if found.layer.kind == "raster":
            return _private(JsonResponse(raster_document(request, found, pair)))
        result = compare(found.layer, pair, found.audience, asked_for)
    except BadQuery as error:
        return JsonResponse({"code": "InvalidParameterValue", "description": str(error)}, status=400)
    except QueryTooSlow as error:
        return JsonResponse({"code": "QueryTooSlow", "description": str(error)}, status=503)
    except RasterUnreadable as error:
        return JsonResponse({"code": "RasterUnreadable", "description": str(error)}, status=500)
    counts = {"added": result.added, "changed": result.changed, "removed": result.removed}
    total = counts[asked_for.only] if asked_for.only else sum(counts.values())
    body: dict[str, Any] = {
        "type": "FeatureCollection",
        "from": pair[0],
        "to": pair[1],
        "matchedBy": result.by,
        **counts,
        "numberMatched": total,
        "numberReturned": len(result.page),
        "features": [_feature(one) for one in result.page],
    }
    if asked_for.offset + asked_for.limit < total:
        query = {**request.GET.dict(), "offset": str(asked_for.offset + asked_for.limit)}
        body["links"] = [{"rel": "next", "href": request.build_absolute_uri(f"{request.path}?{urlencode(query)}")}]
    return _private(JsonResponse(body, content_type="application/geo+json", json_dumps_params={"ensure_ascii": False}))


@csrf_protect
@require_http_methods(["POST"])
def restore(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Bring a version back: 202, a worker does it."""
    found = asked(request, slug, "api-layer-restore")
    if not may_keep(found.audience, found.layer):
        status, code = (403, "Forbidden") if request.user.is_authenticated else (401, "Unauthorized")
        text = "Only stewards (group curatori) and administrators restore data."
        return JsonResponse({"code": code, "description": text}, status=status)
    if not has_version(found, number):
        return JsonResponse({"code": "NotFound", "description": f"{slug} has no version {number}."}, status=404)
    job = enqueue("restore-version", {"layer": found.layer.id, "number": number, "language": "it"}, request.user)  # type: ignore[arg-type]
    return JsonResponse({"job": str(job.pk), "versions": reverse("api-layer-versions", args=[slug])}, status=202)


def _version(found: Asked, row: LayerVersion) -> dict[str, Any]:
    as_it_was = urlencode({"datetime": row.valid_from.isoformat()})
    known: dict[str, Any] = {
        "number": row.number,
        "validFrom": row.valid_from,
        "madeAt": row.made_at,
        "what": row.what,
        "added": row.added,
        "changed": row.changed,
        "removed": row.removed,
    }
    if row.raster is not None:
        known |= raster_facts(row.raster)
        known["coverage"] = f"{reverse('ogc:coverage', args=[found.layer.slug])}?{as_it_was}"
    elif row.generation is not None:
        known["table"] = row.generation.first
        known["items"] = f"{reverse('ogc:items', args=[found.layer.slug])}?{as_it_was}"
    if found.is_of_the_house:
        known |= {"user": row.user.get_username() if row.user else None, "note": row.note}
    return known


def _feature(one: Difference) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": one.new if one.new is not None else one.old,
        "geometry": one.shape_after if one.new is not None else one.shape_before,
        "properties": {
            "change": one.change,
            "idBefore": one.old,
            "idAfter": one.new,
            "before": one.before or None,
            "after": one.after or None,
            "differs": [name for name, _old, _new in one.differing],
            "geometryChanged": one.has_moved,
            "geometryBefore": one.shape_before if one.change == "changed" and one.has_moved else None,
        },
    }


def _private(response: HttpResponse) -> HttpResponse:
    patch_cache_control(response, private=True, no_cache=True)
    return response
