"""/ogc/wms: the Web Map Service that desktop tools have spoken for twenty years."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpResponse

from layers.drawing.legend import legend_picture
from layers.errors import LayersError
from layers.rights import PUBLIC
from ogc import documents
from ogc.door import Ask, door, etag_of
from ogc.errors import OgcError
from ogc.feature_info import can_be_queried, found_at, written
from ogc.inspire import spoken
from ogc.kvp import Kvp
from ogc.pictures import MEDIA, answered, chosen
from ogc.wms import (
    EXCEPTIONS,
    INFO_FORMATS,
    REQUESTS,
    Version,
    background_of,
    format_of,
    layers_of,
    report,
    version_of,
    view_of,
)
from ogc.wms_capabilities import capabilities

MAX_FEATURES = 50


def _failed(ask: Ask, error: OgcError | LayersError) -> HttpResponse:
    version = Version(True)
    with suppress(OgcError):
        version = version_of(Kvp(ask.request))
    status, body = report(error, version)
    media = "text/xml" if version.is_13 else "application/vnd.ogc.se_xml"
    return HttpResponse(body, content_type=media, status=status, headers={"Cache-Control": "no-store"})


@door({"xml": "text/xml"}, params=None, failed=_failed)
def wms(ask: Ask) -> HttpResponse:
    """One address for every operation; errors are exception reports."""
    kvp = Kvp(ask.request)
    return _answer(ask, kvp, version_of(kvp))


def _answer(ask: Ask, kvp: Kvp, version: Version) -> HttpResponse:
    if kvp.get("SERVICE") and kvp.get("SERVICE").upper() != "WMS":
        raise OgcError(400, "InvalidParameterValue", f"SERVICE={kvp.get('SERVICE')[:20]!r}: here it is WMS.")
    name = kvp.one_of("REQUEST", (*REQUESTS, "capabilities", "map", "feature_info"), "OperationNotSupported").lower()
    if name in {"getcapabilities", "capabilities"}:
        return _capabilities(ask, kvp, version)
    if name == "getlegendgraphic":
        return _legend(ask, kvp)
    kvp.one_of("EXCEPTIONS", EXCEPTIONS, default="XML")
    return _map(ask, kvp, version) if name in {"getmap", "map"} else _info(ask, kvp, version)


def _capabilities(ask: Ask, kvp: Kvp, version: Version) -> HttpResponse:
    _check_sequence(ask, kvp.get("UPDATESEQUENCE"))
    asked = kvp.get("LANGUAGE")
    name = f"wms {version.text}{' inspire' if asked else ''}"
    with spoken(asked):
        body = documents.held(ask, name, lambda: capabilities(ask, version, for_inspire=bool(asked)))
    media = "text/xml" if version.is_13 else "application/vnd.ogc.wms_xml"
    return HttpResponse(body, content_type=media)


def _check_sequence(ask: Ask, text: str) -> None:
    """Whether the client holds this document already, or one of the future (1.3.0, 7.2.3.5)."""
    if not (text.isascii() and text.isdigit() and len(text) < 40):
        return
    if int(text) == ask.catalogue.version:
        raise OgcError(400, "CurrentUpdateSequence", "The capabilities you hold are the current ones.")
    if int(text) > ask.catalogue.version:
        raise OgcError(400, "InvalidUpdateSequence", f"The current update sequence is {ask.catalogue.version}.")


def _map(ask: Ask, kvp: Kvp, version: Version) -> HttpResponse:
    layers = layers_of(ask, kvp)
    view, form = view_of(kvp, version), format_of(kvp)
    response = answered(ask, layers, view, form, background_of(kvp, form))
    del response["Content-Crs"], response["Content-Bbox"]
    return response


def _info(ask: Ask, kvp: Kvp, version: Version) -> HttpResponse:
    view = view_of(kvp, version)
    layers = layers_of(ask, kvp)
    asked = layers_of(ask, kvp, "QUERY_LAYERS")
    names = {one.layer.slug for one in layers}
    for one in asked:
        if one.layer.slug not in names:
            raise OgcError(400, "LayerNotDefined", f"QUERY_LAYERS names {one.layer.slug!r}, which LAYERS does not.")
        if not can_be_queried(one.layer):
            raise OgcError(400, "LayerNotQueryable", f"Layer {one.layer.slug!r} is a picture and cannot be queried.")
    across, down = ("I", "J") if version.is_13 else ("X", "Y")
    column, row = _pixel(kvp, across, view.width), _pixel(kvp, down, view.height)
    limit = min(max(1, kvp.whole("FEATURE_COUNT")), MAX_FEATURES) if kvp.get("FEATURE_COUNT") else 1
    form = kvp.one_of("INFO_FORMAT", INFO_FORMATS, "InvalidFormat", default="text/html")
    found = [(one.layer, found_at(ask, one.layer, view, (column, row), limit)) for one in asked]
    return written(ask, found, form)


def _pixel(kvp: Kvp, name: str, size: int) -> int:
    text = kvp.get(name)
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) < size):
        raise OgcError(400, "InvalidPoint", f"{name}={text[:20]!r}: a whole number from 0 to {size - 1}.")
    return int(text)


def _legend(ask: Ask, kvp: Kvp) -> HttpResponse:
    form = kvp.one_of("FORMAT", list(MEDIA.values()), "InvalidFormat", default="image/png").removeprefix("image/")
    one = chosen(ask, kvp.need("LAYER"), kvp.get("STYLE"))
    title = one.layer.title_en if ask.language == "en" else one.layer.title_it
    body = legend_picture(one.layer, one.style.spec, ask.language, form, title=title)
    response = HttpResponse(body, content_type=MEDIA[form])
    response["ETag"] = etag_of(body)
    response["Cache-Control"] = "public, no-cache" if one.audience == PUBLIC else "private, no-cache"
    response["Vary"] = "Accept-Language" if one.audience == PUBLIC else "Accept-Language, Cookie"
    return response
