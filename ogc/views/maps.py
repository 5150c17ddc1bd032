"""Maps of one or several collections, drawn on the server (OGC API - Maps Part 1, 20-058)."""

from __future__ import annotations

from django.http import HttpResponse

from ogc.door import Ask, door
from ogc.errors import InvalidParameter
from ogc.pictures import (
    MAX_LAYERS,
    MEDIA,
    answered,
    background,
    can_be_drawn,
    chosen,
    dataset_crs,
    moment_of,
    native_crs,
    view_of,
)

PARAMS = frozenset({"bbox", "bbox-crs", "crs", "width", "height", "transparent", "bgcolor", "datetime"})


@door(MEDIA, params=PARAMS)
def collection_map(ask: Ask, slug: str, style: str = "") -> HttpResponse:
    """/ogc/collections/{slug}/map, /ogc/collections/{slug}/styles/{style}/map"""
    one = chosen(ask, slug, style, moment_of(ask))
    view = view_of(ask, [one.layer], native_crs(one.layer))
    return answered(ask, [one], view, ask.format, background(ask, ask.format))


@door(MEDIA, params=PARAMS | {"collections"})
def dataset_map(ask: Ask) -> HttpResponse:
    """/ogc/map?collections=a,b: the first one lies below; without `collections`, what is shown by default."""
    text = ask.param("collections")
    slugs = [slug for slug in text.split(",") if slug]
    if len(slugs) > MAX_LAYERS:
        raise InvalidParameter(f"collections names {len(slugs)} layers; {MAX_LAYERS} at most.")
    if "collections" not in ask.request.GET:
        shown = [one for one in ask.catalogue.visible(ask.audience) if can_be_drawn(one) and ask.answers(one)]
        slugs = [one.slug for one in reversed(shown) if one.shown_by_default] or [one.slug for one in shown[:1]]
    if not slugs:
        raise InvalidParameter("collections names no layer; /ogc/collections lists those there are.")
    layers = [chosen(ask, slug, moment=moment_of(ask)) for slug in slugs]
    view = view_of(ask, [one.layer for one in layers], dataset_crs())
    response = answered(ask, layers, view, ask.format, background(ask, ask.format))
    if "collections" not in ask.request.GET:
        # Which layers there are depends on who asks.
        response["Cache-Control"] = "private, no-cache"
        response["Vary"] = "Cookie"
    return response
