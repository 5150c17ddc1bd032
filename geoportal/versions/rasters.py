"""What sets two versions of a raster apart: for the page, for programs, as a picture."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_GET

from geoportal.versions.asking import Asked, asked, numbers, whole
from layers.catalogue import LayerEntry
from layers.errors import BadQuery, LayersError, RasterUnreadable
from layers.versions.models import RasterState
from layers.versions.past import at_version
from layers.versions.raster_comparing import RasterComparison, compare_rasters, difference_picture

_BANDS_MOST = 1000


def raster_facts(state: RasterState) -> dict[str, Any]:
    """What a version of a raster is, in its own numbers."""
    bands = state.info.get("bands") or []
    return {
        "width": state.info.get("width"),
        "height": state.info.get("height"),
        "bands": len(bands),
        "dataType": bands[0].get("dtype") if bands else None,
        "srid": state.srid,
        "bytes": state.bytes,
        "sha256": state.checksum,
    }


def raster_document(request: HttpRequest, found: Asked, pair: tuple[int, int]) -> dict[str, Any]:
    """The comparison for programs. Raises BadQuery and RasterUnreadable."""
    band = _band(request)
    result = compare_rasters(found.layer, pair, band)
    query = urlencode({"da": pair[0], "a": pair[1], "banda": band})
    picture = f"{reverse('layer-difference', args=[found.layer.slug])}?{query}"
    known = {_camel(name): value for name, value in asdict(result).items()}
    return {"from": pair[0], "to": pair[1], **known, "picture": request.build_absolute_uri(picture)}


def page(request: HttpRequest, found: Asked, context: dict[str, Any]) -> HttpResponse:
    """The comparison for people; `context` has the layer, its title and its versions."""
    status = 200
    try:
        pair, band = numbers(request, found), _band(request)
        result = compare_rasters(found.layer, pair, band)
        _picture, limit = difference_picture(found.layer, pair, band)
        context |= {"first": pair[0], "last": pair[1], "result": result, "limit": limit}
        context |= {"band_names": _band_names(found.layer, result), "states": _states(found.layer, pair)}
    except LayersError as error:
        context["error"], status = str(error), 500 if isinstance(error, RasterUnreadable) else 400
    return render(request, "geoportal/versions/comparison_raster.html", context, status=status)


@require_GET
def picture(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/versioni/confronto/differenza.png?da=1&a=2&banda=1"""
    found = asked(request, slug, "layer-difference")
    if found.layer.kind != "raster":
        raise Http404
    try:
        body, _limit = difference_picture(found.layer, numbers(request, found), _band(request))
    except BadQuery as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    except RasterUnreadable as error:
        return HttpResponse(str(error), status=500, content_type="text/plain; charset=utf-8")
    response = HttpResponse(body, content_type="image/png")
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _band(request: HttpRequest) -> int:
    return whole(request, "banda", 1, 1, _BANDS_MOST)


def _band_names(layer: LayerEntry, result: RasterComparison) -> list[tuple[int, str]]:
    known = layer.raster_info.get("bands") or []
    texts = [str(band.get("description") or "") for band in known] + [""] * result.bands
    return [(number, texts[number - 1] or str(number)) for number in range(1, result.bands + 1)]


def _states(layer: LayerEntry, pair: tuple[int, int]) -> list[dict[str, Any]]:
    """Size and values of both, side by side."""
    found = []
    for number in pair:
        info = at_version(layer, number).raster_info
        found.append({"number": number, "width": info.get("width"), "height": info.get("height"), "info": info})
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
