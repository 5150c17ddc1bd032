"""What every address under /ogc/ does before and after its own work.

Methods, unknown parameters, format, rights, errors as OGC exceptions, HEAD, OPTIONS, CORS, `Vary`, ETag and 304.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from layers.audit import note
from layers.catalogue import Catalogue, LayerEntry, catalogue
from layers.errors import LayersError
from layers.rights import PUBLIC, Audience, audience_of, may_see
from layers.sources.bounded import each
from layers.sources.gate import ElsewhereFirst, may_be_asked, meet, read
from ogc.errors import InvalidParameter, OgcError, broken, translated

if TYPE_CHECKING:
    from geoportal.models import User

log = logging.getLogger(__name__)

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
METHODS = "GET, HEAD, OPTIONS"
EXPOSED = "Link, Location, ETag, Content-Crs, Content-Bbox, OGC-NumberReturned, OGC-NumberMatched, Preference-Applied"


DESCRIPTIONS = frozenset(
    {
        "collection", "queryables", "schema", "tilesets", "tileset", "map-tilesets", "map-tileset", "styled-tilesets",
        "styled-tileset", "collection-styles", "style", "legend", "dataset-tilesets", "dataset-tileset", "job-results",
    }
)  # fmt: skip
"""Names of the addresses that tell of a layer, or what was made of it, without reading its data now: they answer while
its source does not."""
PATIENT = {"export": 20, "execution": 5}
"""How many times longer than a read of its source an answer may take."""


class Ask:
    """One request as the services see it."""

    def __init__(self, request: HttpRequest, format_: str) -> None:
        self.request = request
        self.format = format_
        self.read_layers: dict[str, LayerEntry] = {}
        """The layers this request has asked for, for the register of reads."""
        self.returned: int | None = None
        """How many features the answer holds, where the view knows it."""

    @cached_property
    def catalogue(self) -> Catalogue:
        """One catalogue for the whole request, even when another is published meanwhile."""
        return catalogue()

    @cached_property
    def audience(self) -> Audience:
        """What the asker may see. Touching it makes the answer depend on the session."""
        return audience_of(self.request.user)

    @property
    def language(self) -> str:
        return "en" if get_language() == "en" else "it"

    @cached_property
    def base(self) -> str:
        """The absolute address of the services, without a slash at its end."""
        root: str = settings.PUBLIC_URL or self.request.build_absolute_uri("/").rstrip("/")
        return f"{root}/ogc"

    def param(self, name: str, default: str = "", *, may_be_empty: bool = False) -> str:
        """A parameter given once. Raises InvalidParameter when it comes twice, or empty."""
        values = self.request.GET.getlist(name)
        if len(values) > 1:
            raise InvalidParameter(f"{name} is given {len(values)} times; give it once.")
        if values and not values[0].strip() and not may_be_empty:
            raise InvalidParameter(f"{name} is empty; give it a value or leave it out.")
        return values[0] if values else default

    def layer(self, slug: str) -> LayerEntry:
        """A layer this asker may see; the session is left alone when everyone may. Raises LayerNotFound."""
        layer = self.catalogue.layers.get(slug)
        if layer is None or not may_see(PUBLIC, layer):
            layer = self.catalogue.layer(slug, self.audience)
        if self._reads_data:
            self.reads(layer)
        else:
            self.read_layers[slug] = layer
        return layer

    def reads(self, layer: LayerEntry) -> None:
        """To be called before a layer is read that the asker is known to see, so that the register has it."""
        meet(layer)
        self.read_layers[layer.slug] = layer

    def answers(self, layer: LayerEntry) -> bool:
        """Whether a layer can be part of an answer that names none: those whose server is away are left out of it."""
        return may_be_asked(layer)

    @property
    def _reads_data(self) -> bool:
        match = self.request.resolver_match
        return match is None or match.url_name not in DESCRIPTIONS

    def audience_for(self, layer: LayerEntry) -> Audience:
        """PUBLIC when every attribute of the layer is open to everyone: then the answer is the same for all."""
        if may_see(PUBLIC, layer) and len(layer.visible_fields(PUBLIC)) == len(layer.fields):
            return PUBLIC
        return self.audience


View = Callable[..., HttpResponseBase]
Telling = Callable[[Ask, OgcError | LayersError], HttpResponse]


def door(
    formats: dict[str, str],
    params: frozenset[str] | None = frozenset(),
    methods: str = METHODS,
    failed: Telling | None = None,
    taken: dict[str, frozenset[str]] | None = None,
) -> Callable[[View], View]:
    """Wrap a view. `formats` maps values of `f` to media types, the default first; `params` None: the view checks.

    `taken` names the media types of bodies by the header that OPTIONS tells them in: Accept-Post, Accept-Patch.

    `failed` writes an error as a service of old does; without it errors are exceptions of OGC API.
    """

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
            ask = Ask(request, next(iter(formats)))
            try:
                if request.method == "OPTIONS":
                    return _opened(_options(methods, taken or {}), methods)
                if request.method not in methods.split(", "):
                    raise OgcError(405, "MethodNotAllowed", f"{request.method} is not possible here; use {methods}.")
                ask.format = negotiate(request, formats)
                if params is not None:
                    refuse_unknown(request, params)
                response = _asked(view, ask, kwargs)
            except (LayersError, OgcError) as error:
                response = _told(failed or failure, ask, error)
            except (SuspiciousOperation, PermissionDenied, Http404):
                raise  # Django's own words for a request that is not one for us
            except Exception:
                # Programs are told in the form they read; the log says the rest.
                log.exception("%s %s could not be answered", request.method, request.path)
                response = _told(failed or failure, ask, broken())
            response = _conditional(request, response)
            if ask.read_layers and response.status_code in {200, 206, 304}:
                _note_reads(ask)
            if response.status_code == 405:
                response["Allow"] = methods
            return _opened(_without_body(request, response), methods)

        return answer

    return wrap


def _options(methods: str, taken: dict[str, frozenset[str]]) -> HttpResponse:
    """What is possible at an address (Features Part 4, /req/create-replace-delete/options-response: 200, not 204)."""
    response = HttpResponse(headers={"Allow": methods} | {name: ", ".join(sorted(one)) for name, one in taken.items()})
    del response["Content-Type"]
    return response


def _asked(view: View, ask: Ask, kwargs: dict[str, str]) -> HttpResponseBase:
    """The answer of a view: where it reads from another server, within the time and the thread of that one."""
    try:
        response: HttpResponseBase = view(ask, **kwargs)
        return response
    except ElsewhereFirst as error:
        layer = error.layer
    match = ask.request.resolver_match
    patience = PATIENT.get(match.url_name or "", 1) if match else 1
    ask.read_layers.clear()
    response = read(
        layer, lambda: _asked(view, ask, kwargs), patience=patience, is_bad=lambda one: one.status_code >= 500
    )
    if response.streaming and layer.source is not None:
        parts = iter(response.streaming_content)  # type: ignore[attr-defined]
        timed = each(layer.source.id, layer.source.timeout_ms * patience, parts)
        response.streaming_content = timed  # type: ignore[attr-defined]
    return response


def _note_reads(ask: Ask) -> None:
    """Tell the register who read which layers. The session is not opened for what everyone may see."""
    match = ask.request.resolver_match
    door = (match.view_name if match else "") or ask.request.path
    item = str(match.kwargs.get("identifier", "")) if match else ""
    for layer in ask.read_layers.values():
        if ask.audience_for(layer) != PUBLIC:
            user = cast("User", ask.request.user)
            note(user, ask.audience, layer, door, item=item, features=ask.returned)


def negotiate(request: HttpRequest, formats: dict[str, str]) -> str:
    """The format by `f`, else by Accept, else the default. Raises InvalidParameter for an unknown `f`."""
    given = request.GET.getlist("f")
    if len(given) > 1:
        raise InvalidParameter(f"f is given {len(given)} times; give it once.")
    if given:
        asked = given[0]
        if asked not in formats:
            raise InvalidParameter(
                f"f={asked[:40]!r} is not a format of this address; use one of {', '.join(formats)}."
            )
        return asked
    default = next(iter(formats))
    best, best_quality = default, 0.0
    for media in request.accepted_types:
        quality = float(media.quality)
        if quality <= best_quality:
            continue
        if str(media) == "*/*":
            found: str | None = default
        else:
            found = next((name for name, offered in formats.items() if media.match(offered.split(";")[0])), None)
        if found is not None:
            best, best_quality = found, quality
    return best


def refuse_unknown(request: HttpRequest, known: frozenset[str]) -> None:
    """Raises InvalidParameter for a parameter that this address does not know (Features Part 1, 7.15.6)."""
    unknown = sorted(set(request.GET) - known - {"f"})
    if unknown:
        names = ", ".join(sorted({*known, "f"}))
        raise InvalidParameter(f"{unknown[0][:80]!r} is not a parameter of this address; it knows {names}.")


def failure(ask: Ask, problem: OgcError | LayersError) -> HttpResponse:
    """The error as OGC exception JSON, or as a page for a browser."""
    error = problem if isinstance(problem, OgcError) else translated(problem)
    # RFC 7807 beside the form of Features; without a kind of its own a problem is what its status says.
    body: dict[str, Any] = {"code": error.code, "description": error.description}
    body |= {"type": error.type or "about:blank", "title": error.code, "status": error.status}
    body["detail"] = error.description
    if ask.request.GET.get("f", "html") == "html" and "text/html" in ask.request.headers.get("Accept", ""):
        response = render(ask.request, "ogc/error.html", {"error": error}, status=error.status)
    else:
        response = HttpResponse(json.dumps(body), content_type=JSON, status=error.status)
    response["Cache-Control"] = "no-store"
    if error.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="Geoportale Cremona", charset="UTF-8"'
    return response


def _told(telling: Telling, ask: Ask, error: OgcError | LayersError) -> HttpResponse:
    response = telling(ask, error)
    if response.status_code == 503:
        response["Retry-After"] = "5"
    return response


def etag_of(*parts: Any) -> str:
    """A strong ETag from what determines the bytes of an answer, or from the bytes themselves."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b"\0")
    return f'"{digest.hexdigest()}"'


def matches(request: HttpRequest, etag: str) -> bool:
    """Whether the client holds this answer already (RFC 9110, 13.1.2: weak comparison)."""
    held = request.headers.get("If-None-Match", "")
    return held == "*" or etag.removeprefix("W/") in (part.strip().removeprefix("W/") for part in held.split(","))


def _conditional(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.method == "POST" or response.status_code != 200 or not isinstance(response, HttpResponse):
        return response
    if "ETag" not in response:
        response["ETag"] = etag_of(response.content, response.get("Content-Type", ""))
    if not matches(request, response["ETag"]):
        return response
    kept = {name: response[name] for name in ("ETag", "Cache-Control", "Content-Crs", "Vary") if name in response}
    return HttpResponse(status=304, headers=kept)


def _without_body(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if request.method == "HEAD" and isinstance(response, HttpResponse):
        size = len(response.content)
        response.content = b""
        response["Content-Length"] = str(size)
    return response


def _opened(response: HttpResponseBase, methods: str) -> HttpResponseBase:
    """Readable by pages of other sites: what they get is what anyone without a session gets."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = (
        "Accept, Accept-Language, Authorization, Content-Crs, Content-Type, If-Match, If-None-Match, Prefer"
    )
    response["Access-Control-Expose-Headers"] = EXPOSED
    response["X-Content-Type-Options"] = "nosniff"
    patch_vary_headers(response, ["Accept"])
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Cookie", "Accept-Language"])
    return response
