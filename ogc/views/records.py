"""The catalogue as a collection of records: /ogc/collections/metadata."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from layers.items import OFFSET_MAX
from ogc import records as made
from ogc import service_pages
from ogc.door import GEOJSON, HTML, JSON, Ask, door
from ogc.errors import NotFound
from ogc.views.asking import whole

FORMATS = {"json": GEOJSON, "geojson": GEOJSON, "html": HTML}
TEXTS = {
    "bbox": "bbox",
    "datetime": "datetime",
    "q": "q",
    "type": "type",
    "ids": "ids",
    "externalIds": "external_ids",
    "sortby": "sortby",
}


@door({"json": JSON, "html": HTML})
def catalogue(ask: Ask) -> HttpResponse:
    """/ogc/collections/metadata; for people it is the first page of records."""
    if ask.format == "html":
        return service_pages.records(ask, _found(ask, made.RecordsQuery()))
    return _json(made.description(ask.base, ask.language), JSON)


@door({"json": "application/schema+json"})
def sortables(ask: Ask) -> HttpResponse:
    """/ogc/collections/metadata/sortables"""
    return _json(made.sortables(ask.base, ask.language), "application/schema+json")


@door(FORMATS, params=frozenset({"limit", "offset", *TEXTS}))
def items(ask: Ask) -> HttpResponse:
    """/ogc/collections/metadata/items"""
    # One without a value is passed over (20-004r1, /req/record-core-query-parameters/empty-value).
    has_limit = bool(ask.param("limit", may_be_empty=True).strip())
    query = made.RecordsQuery(
        limit=whole(ask, "limit", made.LIMIT_DEFAULT, 1, made.LIMIT_MAX) if has_limit else made.LIMIT_DEFAULT,
        offset=whole(ask, "offset", 0, 0, OFFSET_MAX),
        **{field: ask.param(name, may_be_empty=True).strip() for name, field in TEXTS.items()},
    )
    document = _found(ask, query)
    return service_pages.records(ask, document) if ask.format == "html" else _json(document, GEOJSON)


@door(FORMATS)
def item(ask: Ask, identifier: str) -> HttpResponse:
    """/ogc/collections/metadata/items/{identifier}"""
    found = _known(ask).get(identifier)
    if found is None:
        raise NotFound(
            f"There is no record {identifier[:80]!r}, or it is not open to you; the items list those that are."
        )
    return service_pages.record(ask, found.document) if ask.format == "html" else _json(found.document, GEOJSON)


def _found(ask: Ask, query: made.RecordsQuery) -> dict[str, Any]:
    page, matched = made.search(_known(ask), query)
    return {
        "type": "FeatureCollection",
        "features": page,
        "numberMatched": matched,
        "numberReturned": len(page),
        "timeStamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "links": _links(ask, query, matched),
    }


def _known(ask: Ask) -> dict[str, made.Record]:
    return made.records(ask.catalogue, ask.audience, ask.base, ask.language)


def _links(ask: Ask, query: made.RecordsQuery, matched: int) -> list[dict[str, str]]:
    here = f"{ask.base}/collections/{made.CATALOGUE}"
    given = ask.request.GET.dict()
    starts = {"self": query.offset}
    if query.offset + query.limit < matched:
        starts["next"] = query.offset + query.limit
    if query.offset:
        starts["prev"] = max(0, query.offset - query.limit)
    made_links = [
        {"rel": rel, "type": GEOJSON, "href": f"{here}/items?{urlencode({**given, 'offset': start})}"}
        for rel, start in starts.items()
    ]
    return [*made_links, {"rel": "collection", "type": JSON, "href": f"{here}?f=json"}]


def _json(document: dict[str, Any], media: str) -> HttpResponse:
    response = HttpResponse(json.dumps(document, ensure_ascii=False, separators=(",", ":")), content_type=media)
    if media == GEOJSON:
        response["Content-Crs"] = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    return response
