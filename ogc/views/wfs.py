"""WFS 2.0 at /ogc/wfs: reading, by address or by XML; errors as ows:ExceptionReport."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from django.http import HttpResponse

from layers.catalogue import LayerEntry
from layers.crs import Crs, epsg
from layers.crs import parse as parse_crs
from layers.errors import LayersError
from layers.items import LIMIT_MAX, OFFSET_MAX, ItemsQuery
from layers.members import GEOMETRY, Members, members
from ogc.door import Ask, door
from ogc.errors import InvalidParameter, OgcError, translated
from ogc.inspire import spoken
from ogc.wfs import documents as made
from ogc.wfs.asking import WfsRequest, read_request
from ogc.wfs.filters import ReadFilter, read_filter

XML = "application/xml"
_JSON_NAMES = frozenset({"application/json", "application/geo+json", "json", "geojson"})
_SCHEMAS = "http://www.opengis.net/wfs/2.0 http://schemas.opengis.net/wfs/2.0/wfs.xsd"


def _failed(_ask: Ask, error: OgcError | LayersError) -> HttpResponse:
    known = error if isinstance(error, OgcError) else translated(error)
    body = made.exception(known.code, getattr(error, "parameter", ""), known.description)
    return HttpResponse(body, content_type=XML, status=known.status, headers={"Cache-Control": "no-store"})


@door({"xml": XML}, params=None, methods="GET, HEAD, POST, OPTIONS", failed=_failed)
def wfs(ask: Ask) -> HttpResponse:
    """/ogc/wfs"""
    return _answer(ask, read_request(ask.request))


def _answer(ask: Ask, asked: WfsRequest) -> HttpResponse:
    operation = asked.get("request")
    if asked.get("service", "WFS").upper() != "WFS":
        raise InvalidParameter("service: this address is a WFS.")
    if operation == "GetCapabilities":
        inspire = asked.get("language")
        with spoken(inspire):
            return _xml(made.capabilities(_layers(ask), ask.base, ask.language, for_inspire=bool(inspire)))
    if not asked.get("version", "2.0.0").startswith("2.0"):
        raise OgcError(400, "VersionNegotiationFailed", "This service speaks version 2.0.0.")
    if operation == "DescribeFeatureType":
        return _xml(_describe(ask, asked))
    if operation in {"ListStoredQueries", "DescribeStoredQueries"}:
        return _xml(made.stored_queries(_layers(ask), described=operation == "DescribeStoredQueries"))
    if operation == "GetFeature":
        return _by_id(ask, asked) if asked.get("storedquery_id") else _features(ask, asked)
    known = ", ".join(made.OPERATIONS)
    raise OgcError(400, "OperationNotSupported", f"request={operation[:60]!r} is not possible here; use {known}.")


def _xml(body: str) -> HttpResponse:
    return HttpResponse(body, content_type=XML)


def _layers(ask: Ask) -> list[LayerEntry]:
    return [layer for layer in ask.catalogue.visible(ask.audience) if layer.kind == "vector"]


def _layer(ask: Ask, name: str) -> LayerEntry:
    """A layer by the name of its type, with or without a prefix. Raises LayerNotFound, InvalidParameter."""
    local = name.strip().strip("()").rsplit(":", 1)[-1]
    layer = ask.layer(local.removeprefix("_") if local.startswith("_") else local)
    if layer.kind != "vector":
        raise InvalidParameter(f"{local!r} is a raster: it has no features.")
    return layer


def _describe(ask: Ask, asked: WfsRequest) -> str:
    names = asked.get("typenames") or asked.get("typename")
    layers = [_layer(ask, name) for name in names.split(",")] if names else _layers(ask)
    return made.feature_types([(layer, layer.visible_fields(ask.audience)) for layer in layers])


def _features(ask: Ask, asked: WfsRequest) -> HttpResponse:
    names = asked.get("typenames") or asked.get("typename")
    ids = tuple(asked.get("resourceid").split(",")) if asked.get("resourceid") else ()
    if not names and ids:
        names = ids[0].rsplit(".", 1)[0]
    if not names:
        raise OgcError(400, "MissingParameterValue", "typenames: name the type to read.")
    if "," in names:
        raise InvalidParameter("typenames: name one type; joins are not made here.")
    layer = _layer(ask, names)
    fields = {entry.name: entry for entry in layer.visible_fields(ask.audience_for(layer))}
    read = read_filter(asked.filter, fields) if asked.filter is not None else ReadFilter()
    query = _query(asked, layer, read)
    hits = asked.get("resulttype", "results").lower() == "hits"
    is_json = asked.get("outputformat").split(";")[0].lower() in _JSON_NAMES
    _known_format(asked.get("outputformat"), is_json)
    found = members(
        layer,
        ask.audience_for(layer),
        query,
        form="json" if is_json else "gml",
        type_name=made.type_name(layer),
        ids=tuple(_own(layer, one) for one in (*ids, *read.ids)),
        counted=True,
    )
    return _json(found) if is_json else _collection(ask, asked, layer, query, found, hits)


def _own(layer: LayerEntry, resource: str) -> str:
    """The identifier in a resource id; of another type's, one that no feature has."""
    prefix = f"{made.type_name(layer)}."
    return resource.strip().removeprefix(prefix) if resource.strip().startswith(prefix) else ""


def _known_format(text: str, is_json: bool) -> None:
    is_gml = not text or "gml" in text.lower() or text.lower().startswith(("text/xml", "application/xml"))
    if not (is_json or is_gml):
        raise InvalidParameter(f"outputFormat={text[:60]!r}: use {made.GML} or {made.JSON}.")


def _query(asked: WfsRequest, layer: LayerEntry, read: ReadFilter) -> ItemsQuery:
    own = epsg(layer.srid or 4326)
    hits = asked.get("resulttype").lower() == "hits"
    query = ItemsQuery(
        limit=0 if hits else _whole(asked, "count", made.COUNT_DEFAULT, LIMIT_MAX),
        offset=_whole(asked, "startindex", 0, OFFSET_MAX),
        crs=_crs(asked.get("srsname"), layer) if asked.get("srsname") else own,
        filter=read.cql,
        filter_lang="cql2-json",
    )
    if asked.get("propertyname"):
        wanted = [name.strip().rsplit(":", 1)[-1].rsplit("/", 1)[-1] for name in asked.get("propertyname").split(",")]
        query.properties = tuple(name for name in wanted if name not in {GEOMETRY, "*"})
        if "*" in wanted:
            query.properties = None
    text, crs = read.bbox, read.bbox_crs
    if asked.get("bbox"):
        parts = asked.get("bbox").split(",")
        text, crs = ",".join(parts[:4]), ",".join(parts[4:])
    if text:
        query.bbox, query.bbox_crs = text, _crs(crs, layer) if crs else own
    return query


def _crs(name: str, layer: LayerEntry) -> Crs:
    # Version 2.0 knows no easting first for a code: http://www.opengis.net/gml/srs/epsg.xml#4326 and EPSG:4326 as well.
    old = re.fullmatch(r"http://www\.opengis\.net/gml/srs/epsg\.xml#(\d+)", name)
    return parse_crs(f"EPSG:{old[1]}" if old else name, layer.srid)


def _whole(asked: WfsRequest, name: str, default: int, most: int) -> int:
    text = asked.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidParameter(f"{name}={text[:40]!r}: give a whole number.")
    return min(int(text), most)


def _collection(
    ask: Ask, asked: WfsRequest, layer: LayerEntry, query: ItemsQuery, found: Members, hits: bool
) -> HttpResponse:
    matched = "unknown" if found.matched is None else str(found.matched)
    schema = (
        f"{ask.base}/wfs?service=WFS&version=2.0.0&request=DescribeFeatureType&typenames=cr:{made.type_name(layer)}"
    )
    location = quoteattr(f"{_SCHEMAS} {made.NAMESPACE} {schema}")
    following = ""
    if not hits and found.matched is not None and ask.request.method != "POST":
        after = query.offset + found.returned
        if after < found.matched and found.returned:
            given = {**asked.values, "startindex": str(after), "count": str(query.limit)}
            address = "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
            following = f" next={quoteattr(f'{ask.base}/wfs?{address}')}"
    head = (
        f'{made.HEAD}<wfs:FeatureCollection {made.SPACES} xsi:schemaLocation={location} numberMatched="{matched}" '
        f'numberReturned="{found.returned}" timeStamp="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"{following}>'
    )
    return HttpResponse(head.encode() + found.text + b"</wfs:FeatureCollection>", content_type=made.GML)


def _json(found: Members) -> HttpResponse:
    body = b'{"type":"FeatureCollection","features":[%s],"numberMatched":%d,"numberReturned":%d}' % (
        found.text,
        found.matched or 0,
        found.returned,
    )
    return HttpResponse(body, content_type=made.JSON)


def _by_id(ask: Ask, asked: WfsRequest) -> HttpResponse:
    """The stored query GetFeatureById: the feature itself, without a collection around it."""
    if asked.get("storedquery_id") != made.BY_ID:
        raise InvalidParameter(f"storedquery_id: there is {made.BY_ID}.")
    resource = asked.get("id")
    if not resource:
        raise OgcError(400, "MissingParameterValue", "id: name the feature.")
    layer = _layer(ask, resource.rsplit(".", 1)[0])
    query = ItemsQuery(limit=1, crs=epsg(layer.srid or 4326))
    own = (_own(layer, resource),)
    audience = ask.audience_for(layer)
    found = members(layer, audience, query, form="gml", type_name=made.type_name(layer), ids=own)
    if not found.returned:
        raise OgcError(404, "NotFound", f"There is no feature {resource[:80]!r}.")
    text = found.text.decode().removeprefix("<wfs:member>").removesuffix("</wfs:member>")
    return HttpResponse(
        made.HEAD + re.sub(r"^<([\w:.-]+)", rf"<\1 {made.SPACES}", text, count=1), content_type=made.GML
    )
