"""Features in other formats: a page of them (`items?f=…`) or a whole collection (`export?f=…`)."""

from __future__ import annotations

from collections.abc import Generator

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from layers.catalogue import LayerEntry
from layers.exporting.formats import FORMATS, Format
from layers.exporting.made import made
from layers.exporting.rows import Source
from layers.items import ItemsQuery, page_ends
from ogc.door import Ask, door, matches
from ogc.errors import InvalidParameter
from ogc.views import asking

EXPORTS = {name: entry.media for name, entry in FORMATS.items()}


@door(EXPORTS, params=None)
def export(ask: Ask, slug: str) -> HttpResponseBase:
    """/ogc/collections/{slug}/export: every feature that matches, in one file."""
    layer = asking.layer_as_asked(ask, slug)
    query = asking.read_query(ask, layer, asking.WHOLE)
    return answer(
        ask, layer, Source(layer, ask.audience_for(layer), query), f"{layer.slug}.{FORMATS[ask.format].extension}"
    )


def page(ask: Ask, layer: LayerEntry, query: ItemsQuery) -> HttpResponseBase:
    """One page in another format than GeoJSON: its links stand in the header `Link`."""
    audience = ask.audience_for(layer)
    ends = page_ends(layer, audience, query)
    ask.returned = ends.returned
    links = asking.page_links(ask, layer, query, ends, FORMATS[ask.format].media)
    response = answer(ask, layer, Source(layer, audience, query, is_page=True), "")
    asking.tell_links(response, links)
    response["OGC-NumberReturned"] = str(ends.returned)
    if ends.matched is not None:
        response["OGC-NumberMatched"] = str(ends.matched)
    return response


def answer(ask: Ask, layer: LayerEntry, source: Source, filename: str) -> HttpResponseBase:
    """The bytes of a source in the format asked for, sent as they come."""
    form = FORMATS[ask.format]
    _check(form, source)
    etag = "" if layer.is_live else asking.version_etag(ask, layer)
    if etag and matches(ask.request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    response: HttpResponseBase
    if ask.request.method == "HEAD":
        response = StreamingHttpResponse((), content_type=form.media)  # how long it will be nobody knows
    else:
        response = StreamingHttpResponse(Parts(made(form.name, source)), content_type=form.media)
    response["Content-Crs"] = f"<{source.query.crs.uri}>"
    name = filename or f"{layer.slug}-items.{form.extension}"
    response["Content-Disposition"] = f'{"attachment" if filename else "inline"}; filename="{name}"'
    if etag:
        response["ETag"] = etag
    return response


def _check(form: Format, source: Source) -> None:
    if form.needs_geometry and not source.has_geometry:
        raise InvalidParameter(f"f={form.name}: {form.title} needs a geometry; use f=csv, gpkg or parquet for a table.")
    if form.crs84_only and source.query.crs.srid != 4326:
        raise InvalidParameter(f"crs: {form.title} holds longitude and latitude only; leave crs out.")


class Parts:
    """The parts of a body. The first is made at once, so that what goes wrong in asking is an answer of its own.

    The server closes it at the end or when the client leaves: then the query ends and files are removed.
    """

    def __init__(self, parts: Generator[bytes]) -> None:
        self._parts = parts
        self._first: bytes | None = next(parts, b"")

    def __iter__(self) -> Parts:
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, None
        return next(self._parts) if first is None else first

    def close(self) -> None:
        self._parts.close()
