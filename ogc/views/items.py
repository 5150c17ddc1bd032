"""Features: pages of them, and one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from layers.crs import parse as parse_crs
from layers.exporting.formats import FORMATS as EXPORT_FORMATS
from layers.items import Page
from layers.items import item as one_item
from layers.items import items as page_of_items
from ogc import pages
from ogc.door import GEOJSON, HTML, METHODS, Ask, door, matches
from ogc.views import editing, exports
from ogc.views.asking import PAGED, layer_as_asked, page_links, read_query, tell_links, version_etag

ITEM_FORMATS = {"json": GEOJSON, "geojson": GEOJSON, "html": HTML}
OTHERS = {name: entry.media for name, entry in EXPORT_FORMATS.items() if name != "geojson"}
FORMATS = ITEM_FORMATS | OTHERS


@door(FORMATS, params=None, methods=f"{METHODS}, POST", taken={"Accept-Post": editing.GEOJSON_TYPES})
def items(ask: Ask, slug: str) -> HttpResponseBase:
    """/ogc/collections/{slug}/items"""
    if ask.request.method == "POST":
        return editing.create(ask, slug)
    layer = layer_as_asked(ask, slug)
    query = read_query(ask, layer, PAGED)
    if ask.format in OTHERS:
        return exports.page(ask, layer, query)
    etag = "" if layer.is_live or ask.format == "html" else version_etag(ask, layer)
    if etag and matches(ask.request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    page = page_of_items(layer, ask.audience_for(layer), query)
    ask.returned = page.returned
    links = page_links(ask, layer, query, page)
    body = feature_collection(page, links)
    if ask.format == "html":
        return pages.items(ask, layer, json.loads(body), page.first or 0)
    response = HttpResponse(body, content_type=GEOJSON)
    if etag:
        response["ETag"] = etag
    response["Content-Crs"] = f"<{query.crs.uri}>"
    tell_links(response, links)
    return response


@door(
    ITEM_FORMATS,
    params=frozenset({"crs", "datetime"}),
    methods=f"{METHODS}, PUT, PATCH, DELETE",
    taken={"Accept-Patch": editing.PATCH_TYPES},
)
def item(ask: Ask, slug: str, identifier: str) -> HttpResponseBase:
    """/ogc/collections/{slug}/items/{identifier}"""
    if ask.request.method not in {"GET", "HEAD"}:
        return editing.write(ask, slug, identifier)
    layer = layer_as_asked(ask, slug)
    crs = parse_crs(ask.param("crs"), layer.srid) if "crs" in ask.request.GET else parse_crs("OGC:CRS84", None)
    feature = one_item(layer, ask.audience_for(layer), identifier, crs)
    ask.returned = 1
    if ask.format == "html":
        return pages.item(ask, layer, json.loads(feature))
    here = f"{ask.base}/collections/{slug}"
    links = [
        {"rel": "self", "type": GEOJSON, "href": ask.request.build_absolute_uri()},
        {"rel": "alternate", "type": HTML, "href": f"{here}/items/{quote(identifier, safe='')}?f=html"},
        {"rel": "collection", "type": "application/json", "href": f"{here}?f=json"},
    ]
    body = b'%s,"links":%s}' % (feature[:-1], json.dumps(links).encode())
    response = HttpResponse(body, content_type=GEOJSON)
    response["ETag"] = editing.item_etag(feature, crs)
    response["Content-Crs"] = f"<{crs.uri}>"
    return response


def feature_collection(page: Page, links: list[dict[str, str]]) -> bytes:
    """The answer's bytes: what the database made, between a few words of ours."""
    tail: dict[str, Any] = {"numberReturned": page.returned, "timeStamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if page.matched is not None:
        tail["numberMatched"] = page.matched
    tail["links"] = links
    rest = json.dumps(tail, separators=(",", ":"), ensure_ascii=False).encode()
    return b'{"type":"FeatureCollection","features":[%s],%s' % (page.features, rest[1:])
