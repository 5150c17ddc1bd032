"""Queries of OGC API EDR on the measures of devices: locations, position, area."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from urllib.parse import quote

from django.http import HttpResponse

from layers import observations
from layers.catalogue import LayerEntry
from layers.crs import crs84
from layers.filters import parse_bbox, parse_datetime
from layers.items import LIMIT_MAX
from layers.observations import Parameter, Series
from ogc import edr as made
from ogc import service_pages
from ogc.door import HTML, JSON, Ask, door
from ogc.errors import InvalidParameter, NotFound
from ogc.views.asking import whole

SERIES = {"CoverageJSON": made.COVJSON, "GeoJSON": made.GEOJSON, "json": made.COVJSON}
PLACES = {"GeoJSON": made.GEOJSON, "json": made.GEOJSON, "html": HTML}
NAMES = "parameter-name", "parameter_names"
"""What the standard calls it, and what OWSLib sends."""
COMMON = frozenset({"datetime", "crs", *NAMES})
_NUMBER = r"[-+]?\d{1,3}(?:\.\d{1,15})?"
_POINT = re.compile(rf"POINT\s*\(\s*({_NUMBER})\s+({_NUMBER})\s*\)", re.IGNORECASE)
# Each character belongs to one alternative only: a pattern that could split digits in two ways tries all of them.
_AREA = re.compile(r"(?:MULTI)?POLYGON\s*\([\s(),.\d+-]+\)", re.IGNORECASE)
AREA_MAX = 100_000


@door(PLACES, params=frozenset({"bbox", "limit", "crs", *NAMES}))
def locations(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/locations: where there are measures, within `bbox` and up to `limit`."""
    layer, known = _measured(ask, slug)
    boxes = parse_bbox(ask.param("bbox"), crs84()) if "bbox" in ask.request.GET else []
    features, returned, matched = observations.places(layer, boxes, whole(ask, "limit", LIMIT_MAX, 1, LIMIT_MAX))
    tail = {"numberMatched": matched, "numberReturned": returned, "links": _links(ask, slug, "locations")}
    rest = json.dumps(tail, ensure_ascii=False).encode()
    body = b'{"type":"FeatureCollection","features":[%s],%s' % (features, rest[1:])
    if ask.format == "html":
        return service_pages.locations(ask, layer, known, json.loads(body))
    return HttpResponse(body, content_type=made.GEOJSON)


@door(SERIES, params=COMMON)
def location(ask: Ask, slug: str, place: str) -> HttpResponse:
    """/ogc/collections/{slug}/locations/{place}"""
    layer, known = _measured(ask, slug)
    if "\x00" in place:
        raise NotFound("There is no such location.")
    return _answer(ask, slug, known, observations.at_place(layer, list(known), place, _when(ask)))


@door(SERIES, params=COMMON | {"coords"})
def position(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/position"""
    layer, known = _measured(ask, slug)
    match = _POINT.fullmatch(ask.param("coords").strip())
    if match is None or abs(float(match[1])) > 180 or abs(float(match[2])) > 90:
        raise InvalidParameter("coords: write POINT(longitude latitude) in degrees.")
    point = float(match[1]), float(match[2])
    return _answer(ask, slug, known, observations.at_position(layer, list(known), point, _when(ask)))


@door(SERIES, params=COMMON | {"coords"})
def area(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/area"""
    layer, known = _measured(ask, slug)
    text = ask.param("coords").strip()
    if len(text) > AREA_MAX or not _AREA.fullmatch(text):
        raise InvalidParameter(
            "coords: write POLYGON((longitude latitude, …)) in degrees, of 100,000 characters at most."
        )
    return _answer(ask, slug, known, observations.in_area(layer, list(known), text, _when(ask)))


def _measured(ask: Ask, slug: str) -> tuple[LayerEntry, dict[str, Parameter]]:
    """A layer with measures, and those asked for. Raises LayerNotFound, NotFound, InvalidParameter."""
    layer = ask.layer(slug)
    known = observations.parameters(layer, ask.audience)
    if not known:
        raise NotFound(f"{slug!r} has no measures; its items say what there is.")
    crs = ask.param("crs", "CRS84")
    if crs not in {"CRS84", made.CRS84, "EPSG:4326"}:
        raise InvalidParameter(f"crs={crs[:60]!r}: measures are given in CRS84.")
    for given in (name for name in NAMES if name in ask.request.GET):
        wanted = [name.strip() for name in ask.param(given).split(",")]
        wrong = [name for name in wanted if name not in known]
        if wrong:
            raise InvalidParameter(f"{given}: {wrong[0][:60]!r} is not measured here; use {', '.join(known)}.")
        known = {name: known[name] for name in wanted}
    return layer, known


def _when(ask: Ask) -> tuple[datetime, datetime]:
    if "datetime" not in ask.request.GET:
        return observations.span(None, None)
    start, stop = parse_datetime(ask.param("datetime"))
    return observations.span(_moment(start, time.min), _moment(stop, time.max))


def _moment(day: date | None, of_day: time) -> datetime | None:
    return day if day is None or isinstance(day, datetime) else datetime.combine(day, of_day, UTC)


def _links(ask: Ask, slug: str, query: str) -> list[dict[str, str]]:
    """self and the collection, as every GeoJSON answer has them (19-086r6, /req/edr-geojson/content)."""
    here = f"{ask.base}/collections/{slug}"
    asked = ask.request.GET.urlencode()
    return [
        {"rel": "self", "type": made.GEOJSON, "href": f"{here}/{query}" + (f"?{asked}" if asked else "")},
        {"rel": "collection", "type": JSON, "href": f"{here}?f=json"},
    ]


def _answer(ask: Ask, slug: str, known: dict[str, Parameter], found: list[Series]) -> HttpResponse:
    if not found:
        return HttpResponse(status=204)
    if ask.format == "GeoJSON":
        query = ask.request.path.partition(f"/collections/{slug}/")[2]
        document = made.features(found, known, ask.language) | {"links": _links(ask, slug, quote(query))}
    else:
        document = made.coverages(found, known, ask.language)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    response = HttpResponse(body, content_type=made.GEOJSON if ask.format == "GeoJSON" else made.COVJSON)
    response["Content-Crs"] = f"<{made.CRS84}>"
    return response
