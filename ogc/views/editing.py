"""Features written through the services (Features Part 4): who may, in what form, over which version of a feature."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from layers import editing
from layers.catalogue import LayerEntry
from layers.crs import Crs, served
from layers.crs import parse as parse_crs
from layers.editing import Check, Draft
from layers.errors import FeatureNotFound
from layers.items import item as one_item
from layers.models import LayerVersion
from layers.rights import may_edit
from layers.versions.recording import recorded
from ogc.body import body_of
from ogc.door import Ask, etag_of, refuse_unknown
from ogc.errors import InvalidParameter, OgcError
from ogc.views.asking import vector_layer

if TYPE_CHECKING:
    from geoportal.models import User

BODY_BYTES = 2 * 2**20
GEOJSON_TYPES = frozenset({"application/geo+json", "application/json"})
PATCH_TYPES = GEOJSON_TYPES | {"application/merge-patch+json"}


def create(ask: Ask, slug: str) -> HttpResponseBase:
    """POST of a feature to a collection's items: 201 and where it is now."""
    layer = _editable(ask, slug)
    draft = _draft(ask, layer, GEOJSON_TYPES, partial=False)
    with _recorded(ask):
        identifier = editing.create(layer, ask.audience, draft, user_of(ask))
    crs = parse_crs("OGC:CRS84", None)
    response = HttpResponse(status=201, headers={"ETag": feature_etag(ask, layer, identifier, crs)})
    response["Location"] = f"{ask.base}/collections/{slug}/items/{identifier}"
    return response


def write(ask: Ask, slug: str, identifier: str) -> HttpResponseBase:
    """PUT, PATCH or DELETE of one feature: 204, with the new ETag when there still is a feature."""
    layer = _editable(ask, slug)
    check = _check(ask, layer, identifier)
    method = ask.request.method
    if method == "DELETE":
        with _recorded(ask):
            editing.delete(layer, identifier, check, user_of(ask))
        return HttpResponse(status=204)
    if method == "PUT":
        draft = _draft(ask, layer, GEOJSON_TYPES, partial=False)
        with _recorded(ask):
            editing.replace(layer, ask.audience, identifier, draft, check, user_of(ask))
    else:
        draft = _draft(ask, layer, PATCH_TYPES, partial=True)
        if draft.identifier not in (None, identifier):
            raise InvalidParameter(f"id: feature {identifier[:80]!r} stays that; create another one with POST.")
        with _recorded(ask):
            editing.update(layer, ask.audience, identifier, draft, check, user_of(ask))
    crs = parse_crs("OGC:CRS84", None)
    return HttpResponse(status=204, headers={"ETag": feature_etag(ask, layer, identifier, crs)})


def _recorded(ask: Ask) -> AbstractContextManager[None]:
    """What is written becomes a version of the layer, by this user."""
    return recorded(LayerVersion.What.EDIT, user_of(ask).pk)


def user_of(ask: Ask) -> User:
    """Who writes: `_editable` has seen to it that somebody has signed in."""
    return cast("User", ask.request.user)


def feature_etag(ask: Ask, layer: LayerEntry, identifier: str, crs: Crs) -> str:
    """The ETag of one feature as this asker gets it in one CRS."""
    return item_etag(one_item(layer, ask.audience_for(layer), identifier, crs), crs)


def item_etag(feature: bytes, crs: Crs) -> str:
    """Of the feature itself, without the links around it."""
    return etag_of(feature, crs.uri)


def _editable(ask: Ask, slug: str) -> LayerEntry:
    refuse_unknown(ask.request, frozenset())
    layer = vector_layer(ask, slug)
    user = ask.request.user
    if not user.is_authenticated:
        text = "Sign in to write: send an access token of /profilo/gettoni/ as Bearer or as the password of Basic."
        raise OgcError(401, "Unauthorized", text)
    if not may_edit(ask.audience, layer):
        why = "your account may not write in it" if layer.is_editable else "it is not open to editing"
        raise OgcError(403, "Forbidden", f"Layer {slug!r} cannot be changed: {why}. A steward or administrator can.")
    _against_forgery(ask.request)
    return layer


def _against_forgery(request: HttpRequest) -> None:
    """A browser sends its session with requests of other sites too: those need the token of a page of ours."""
    refused = CsrfViewMiddleware(lambda _request: HttpResponse()).process_view(request, _page, (), {})
    if refused is not None:
        text = "With a session, send the header X-CSRFToken of a page of this site; programs send an access token."
        raise OgcError(403, "Forbidden", text)


def _page(request: HttpRequest) -> HttpResponse:
    """Any view that is not exempt from the check."""
    return HttpResponse()


def _draft(ask: Ask, layer: LayerEntry, types: frozenset[str], *, partial: bool) -> Draft:
    media = (ask.request.content_type or "").lower()
    if not media:
        raise InvalidParameter(f"The request has no Content-Type: send {', '.join(sorted(types))}.")
    if media not in types:
        raise OgcError(415, "UnsupportedMediaType", f"Content-Type {media[:60]!r}: send {', '.join(sorted(types))}.")
    content = body_of(ask.request, BODY_BYTES, "A feature")
    named = ask.request.headers.get("Content-Crs", "").strip("<> ")
    crs = parse_crs(named, layer.srid) if named else parse_crs("OGC:CRS84", None)
    return editing.read_draft(content, crs, partial=partial)


def _check(ask: Ask, layer: LayerEntry, identifier: str) -> Check:
    """Whether the feature still is what `If-Match` names, in any CRS it may have been read in."""
    given = ask.request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return lambda: True
    held = {part.strip() for part in given.split(",")}  # strong comparison: W/ never matches

    def check() -> bool:
        try:
            return any(feature_etag(ask, layer, identifier, crs) in held for crs in served(layer.srid))
        except FeatureNotFound:
            return False

    return check
