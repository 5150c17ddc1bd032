"""Coverages of rasters: values, schema and domain."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse

from layers.catalogue import LayerEntry
from layers.coverage import geotiff, read_coverage, source_srid
from layers.crs import epsg
from layers.errors import BadQuery
from layers.raster import is_before_all, opened
from layers.versions import past
from ogc import coverages as made
from ogc import service_pages
from ogc.door import HTML, JSON, Ask, door, etag_of, matches
from ogc.errors import NotFound
from ogc.pictures import box_header, moment_of

GEOTIFF = "image/tiff; application=geotiff"
COVJSON = "application/vnd.cov+json"
FORMATS = {"tif": GEOTIFF, "geotiff": GEOTIFF, "covjson": COVJSON, "html": HTML}
WHEN = frozenset({"datetime"})
SCALING = frozenset({"scale-factor", "scale-axes", "scale-size"})
PARAMS = SCALING | WHEN | {"bbox", "bbox-crs", "subset", "subset-crs", "crs", "properties"}
VALUES_MAX = 500_000
"""As text a value takes ten times what it takes in a GeoTIFF."""


@door(FORMATS, params=PARAMS)
def coverage(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/coverage"""
    layer = raster_layer(ask, slug)
    if ask.format == "html":
        made.read_query(ask, layer, made.band_names(layer, opened(layer)))  # what is wrong is told to people too
        crs = epsg(source_srid(layer, opened(layer))).uri
        return service_pages.coverage(ask, layer, raster_schema(ask, layer), crs)
    etag = etag_of(layer.id, layer.data_version, ask.format, sorted(ask.request.GET.lists()), ask.language)
    if matches(ask.request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    names = made.band_names(layer, opened(layer))
    query = made.read_query(ask, layer, names)
    if ask.format == "covjson":
        found = read_coverage(layer, query, VALUES_MAX)
        document = made.coverage_json(layer, found, names, ask.language)
        response = HttpResponse(json.dumps(document, separators=(",", ":"), default=_number), content_type=COVJSON)
    else:
        found = read_coverage(layer, query)
        response = HttpResponse(geotiff(found), content_type=GEOTIFF)
        response["Content-Disposition"] = f'inline; filename="{layer.slug}.tif"'
    response["ETag"] = etag
    answered_in = epsg(found.grid.srid)
    response["Content-Crs"] = f"<{answered_in.uri}>"
    response["Content-Bbox"] = box_header(found.grid.box, answered_in)
    return response


def _number(value: Any) -> Any:
    """A NumPy scalar as JSON writes it."""
    return value.item()


@door({"json": JSON}, params=WHEN)
def domain_set(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/coverage/domainset"""
    layer = raster_layer(ask, slug)
    held = opened(layer)
    crs = epsg(source_srid(layer, held))
    document = {"type": "DomainSet", "crs": crs.uri, **made.grid_extent(held)}
    return HttpResponse(json.dumps(document), content_type=JSON)


@door({"json": "application/schema+json"}, params=WHEN)
def range_type(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/coverage/rangetype"""
    layer = raster_layer(ask, slug)
    return HttpResponse(json.dumps(raster_schema(ask, layer)), content_type="application/schema+json")


def raster_schema(ask: Ask, layer: LayerEntry) -> dict[str, Any]:
    """The fields of a raster, also at /schema."""
    return made.schema(layer, opened(layer), ask.base, ask.language)


def raster_layer(ask: Ask, slug: str) -> LayerEntry:
    """A layer that is a raster, as it was at `datetime`. Raises LayerNotFound, NotFound and BadQuery."""
    layer = ask.layer(slug)
    if layer.kind != "raster":
        raise NotFound(f"{slug!r} is not a raster: it has items and no coverage.")
    found = past.at(layer, moment_of(ask))
    if is_before_all(found):
        raise BadQuery("datetime", f"{slug!r} had no values then; its history begins later.")
    return found
