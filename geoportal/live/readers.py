"""Who opens a stream: from cookies and headers to what they may see. Asks the database, on the one worker thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.db import close_old_connections
from django.http import HttpRequest
from django.utils.translation import get_language_from_request

from geoportal.accounts import tokens
from geoportal.device_layers import visible_kinds
from geoportal.live.hub import Reader
from geoportal.models import User
from layers.catalogue import verify
from layers.rights import PUBLIC, Audience, audience_of

_sessions: Any = import_module(settings.SESSION_ENGINE)
_HEADER = "Authorization: "
"""No key of a session has a space."""


def request_of(headers: Iterable[tuple[bytes, bytes]]) -> HttpRequest:
    """A request with the cookies and the language wish of these ASGI headers, and nothing else."""
    request = HttpRequest()
    for name, value in headers:
        text = value.decode("latin-1")
        if name == b"cookie":
            request.COOKIES.update(_cookies(text))
        elif name == b"authorization":
            request.META["HTTP_AUTHORIZATION"] = text
        elif name == b"accept-language":
            request.META["HTTP_ACCEPT_LANGUAGE"] = text
    return request


class WrongToken(Exception):
    """The stream was asked for with an access token that is not good."""


def session_key(request: HttpRequest) -> str:
    """What the asker signs in by: an `Authorization` header, else the key of the session; empty for the public."""
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    if tokens.read_header(header) is not None:
        return f"{_HEADER}{header}"
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")


def language_of(request: HttpRequest) -> str:
    return get_language_from_request(request).split("-")[0]


def kinds_of_sessions(keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """The kinds of device that each session may see now; an empty key is the public."""
    close_old_connections()
    verify()
    found: dict[str, frozenset[str]] = {}
    seen: dict[Audience, frozenset[str]] = {}
    for key in set(keys):
        audience = _audience(key)
        if audience not in seen:
            seen[audience] = visible_kinds(audience)
        found[key] = seen[audience]
    return found


def reader_of(request: HttpRequest) -> Reader:
    """What the asker may see, in the language wished for. Raises WrongToken."""
    key = session_key(request)
    if key.startswith(_HEADER) and _user_of_token(key) is None:
        raise WrongToken
    return Reader(kinds_of_sessions([key])[key], language_of(request))


def _audience(key: str) -> Audience:
    if not key:
        return PUBLIC
    if key.startswith(_HEADER):
        user = _user_of_token(key)
        return audience_of(user) if user else PUBLIC
    request = HttpRequest()
    # A forged, expired or ended session reads as an empty one, and its user as anonymous.
    request.session = _sessions.SessionStore(key)
    return audience_of(get_user(request))


def _user_of_token(key: str) -> User | None:
    presented = tokens.read_header(key.removeprefix(_HEADER))
    return tokens.find(presented) if presented else None


def _cookies(text: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}
