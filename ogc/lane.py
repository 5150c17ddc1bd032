"""A short way for features and tiles that are the same for everyone: no session, language, account or messages.

Most requests are of this kind. The security headers come from middleware that stands before this one; whatever may
depend on who asks, in which language, or is made for people goes the whole way and meets the same views there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from layers.catalogue import LayerEntry, catalogue
from layers.rights import PUBLIC, may_see
from ogc.views import items, map_tiles, tiles

_PATHS = re.compile(
    r"/ogc/collections/(?P<slug>[^/]+)/"
    r"(?:(?P<items>items)|items/(?P<identifier>[^/]+)|(?P<map>map/)?tiles/(?P<tms>[^/]+)/(?P<z>[^/]+)/(?P<y>[^/]+)/(?P<x>[^/]+))"
)
_FOR_PEOPLE = re.compile(r"(?:^|&)(?:f=html(?:&|$)|datetime=)")
"""What is made for people, and the past, whose attributes may have other rights than those of today."""


class PublicLane:
    """Middleware. Everything it does not answer itself it hands on untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        match = _PATHS.fullmatch(request.path_info) if request.method in {"GET", "HEAD"} else None
        # Credentials are read on the whole way only: a wrong token must not get the answer of who sends none.
        if match is None or "HTTP_AUTHORIZATION" in request.META or _is_for_people(request):
            return self._get_response(request)
        layer = catalogue().layers.get(match["slug"])
        if layer is None or not (is_open(layer) or (may_see(PUBLIC, layer) and _is_nobody(request))):
            return self._get_response(request)
        request.user = AnonymousUser()
        response = _answer(request, match)
        if not response.streaming and "Content-Length" not in response:
            response["Content-Length"] = str(len(response.content))  # type: ignore[attr-defined]
        return response


def is_open(layer: LayerEntry) -> bool:
    """Whether everyone sees the layer and all its attributes: then who asks makes no difference."""
    return may_see(PUBLIC, layer) and len(layer.visible_fields(PUBLIC)) == len(layer.fields)


def _is_for_people(request: HttpRequest) -> bool:
    return "text/html" in request.META.get("HTTP_ACCEPT", "") or bool(
        _FOR_PEOPLE.search(request.META.get("QUERY_STRING", ""))
    )


def _is_nobody(request: HttpRequest) -> bool:
    return not request.META.get("HTTP_COOKIE")


def _answer(request: HttpRequest, match: re.Match[str]) -> HttpResponseBase:
    if match["items"]:
        return items.items(request, slug=match["slug"])
    if match["identifier"] is not None:
        return items.item(request, slug=match["slug"], identifier=match["identifier"])
    view = map_tiles.picture if match["map"] else tiles.tile
    return view(request, **{name: match[name] for name in ("slug", "tms", "z", "y", "x")})
