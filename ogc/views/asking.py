"""What a request asks of the features of a layer, and the links of its answer: for pages and whole exports alike."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http.response import HttpResponseBase

from layers.catalogue import LayerEntry
from layers.cql2.reading import LANGUAGES
from layers.crs import parse as parse_crs
from layers.items import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, ItemsQuery, Page
from layers.versions import past
from ogc.door import GEOJSON, Ask, etag_of, refuse_unknown
from ogc.errors import InvalidParameter, NotFound

PAGE_FORM = 2
"""Raised when the same data gives other bytes, so that ETags change with the code."""
LINK_BYTES = 6144
"""With the other headers less than the 8 kB that are one head for nginx and others."""
WHOLE = frozenset(
    {"bbox", "bbox-crs", "crs", "datetime", "properties", "skipGeometry", "sortby", "q"}
    | {"filter", "filter-lang", "filter-crs"}
)
"""Parameters that narrow down, order and shape."""
PAGED = WHOLE | {"limit", "offset", "after"}


def version_etag(ask: Ask, layer: LayerEntry) -> str:
    """Of everything that the features of an answer depend on, so that a copy is judged before any SQL.

    Weak, because the `timeStamp` differs from one answer to the next.
    """
    asked = ask.request.META.get("QUERY_STRING", "")
    names = [entry.name for entry in layer.visible_fields(ask.audience_for(layer))]
    return f"W/{etag_of(PAGE_FORM, layer.slug, layer.data_version, names, ask.base, asked, ask.format)}"


def vector_layer(ask: Ask, slug: str) -> LayerEntry:
    """A layer that has features. Raises LayerNotFound and NotFound."""
    layer = ask.layer(slug)
    if layer.kind != "vector":
        raise NotFound(f"{slug!r} is a raster: it has map tiles and no items.")
    return layer


def layer_as_asked(ask: Ask, slug: str) -> LayerEntry:
    """A layer that has features, as it was at the moment of `datetime`. Raises LayerNotFound, NotFound and BadQuery."""
    layer = vector_layer(ask, slug)
    return past.at(layer, ask.param("datetime")) if "datetime" in ask.request.GET else layer


def read_query(ask: Ask, layer: LayerEntry, known: frozenset[str]) -> ItemsQuery:
    """The query of a request that may use the parameters `known`. Raises InvalidParameter, UnknownCrs."""
    given = ask.request.GET
    names = {entry.name for entry in layer.visible_fields(ask.audience_for(layer)) if entry.is_filterable}
    # A parameter of the standard wins over an attribute of the same name; the filter reaches both.
    refuse_unknown(ask.request, known | names)
    if "after" in given and "offset" in given:
        raise InvalidParameter("after and offset exclude each other; follow the link `next` as it is.")
    query = ItemsQuery(
        limit=whole(ask, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX),
        offset=whole(ask, "offset", 0, 0, OFFSET_MAX),
        after=ask.param("after"),
        bbox=ask.param("bbox"),
        datetime=ask.param("datetime"),
        q=ask.param("q"),
        sortby=ask.param("sortby"),
        filter=ask.param("filter"),
        filter_lang=ask.param("filter-lang", "cql2-text"),
        values={name: ask.param(name, may_be_empty=True) for name in given if name in names - PAGED - {"f"}},
        skip_geometry=yes_or_no(ask, "skipGeometry"),
    )
    if query.filter_lang not in LANGUAGES:
        raise InvalidParameter(f"filter-lang={query.filter_lang[:40]!r}: use {' or '.join(LANGUAGES)}.")
    if "crs" in given:
        query.crs = parse_crs(ask.param("crs"), layer.srid)
    if "bbox-crs" in given:
        query.bbox_crs = parse_crs(ask.param("bbox-crs"), layer.srid)
    if "filter-crs" in given:
        query.filter_crs = parse_crs(ask.param("filter-crs"), layer.srid)
    if "properties" in given:
        text = ask.param("properties", may_be_empty=True)
        query.properties = tuple(name.strip() for name in text.split(",")) if text else ()
    return query


def whole(ask: Ask, name: str, default: int, low: int, high: int) -> int:
    """A whole number within limits; above the upper one it is the upper one for `limit` (Part 1, 7.15.2)."""
    text = ask.param(name)
    if name not in ask.request.GET:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16) or int(text) < low:
        raise InvalidParameter(f"{name}={text[:40]!r}: give a whole number from {low} to {high}.")
    if int(text) > high and name != "limit":
        raise InvalidParameter(f"{name}={text[:40]!r}: the greatest value is {high}; follow the link `next` instead.")
    return min(int(text), high)


def yes_or_no(ask: Ask, name: str) -> bool:
    text = ask.param(name, "false").lower()
    if text not in {"true", "false"}:
        raise InvalidParameter(f"{name}={text[:40]!r}: give true or false.")
    return text == "true"


def page_links(
    ask: Ask, layer: LayerEntry, query: ItemsQuery, page: Page, media: str = GEOJSON
) -> list[dict[str, str]]:
    """self, the same in another form, next, prev and the collection."""
    here = f"{ask.base}/collections/{layer.slug}"
    kept = {name: value for name, value in ask.request.GET.items() if name not in {"after", "offset"}}
    given = ask.request.GET.dict()
    links = [{"rel": "self", "type": media, "href": _address(f"{here}/items", given)}]
    other, form = ("text/html", "html") if media == GEOJSON else (GEOJSON, "json")
    links.append({"rel": "alternate", "type": other, "href": _address(f"{here}/items", {**given, "f": form})})
    if page.next_after:
        links.append(
            {"rel": "next", "type": media, "href": _address(f"{here}/items", {**kept, "after": page.next_after})}
        )
    if page.first:
        before = {**kept, "offset": str(max(0, page.first - query.limit))}
        links.append({"rel": "prev", "type": media, "href": _address(f"{here}/items", before)})
    links.append({"rel": "collection", "type": "application/json", "href": f"{here}?f=json"})
    return links


def _address(path: str, params: dict[str, Any]) -> str:
    return f"{path}?{urlencode(params)}" if params else path


def tell_links(response: HttpResponseBase, links: list[dict[str, str]]) -> None:
    """The same links as the header `Link`: where they are too long for one, `next` alone, or none.

    A filter by a drawn area is thousands of characters and each link repeats it; a front refuses heads of that size.
    """
    for chosen in (links, [link for link in links if link["rel"] == "next"]):
        text = ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; type="{link["type"]}"' for link in chosen)
        if text and len(text) <= LINK_BYTES:
            response["Link"] = text
            return
