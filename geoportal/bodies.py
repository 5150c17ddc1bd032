"""Bodies as HTTP has them: read to their end before the answer goes out, and none where an answer has none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase

CHUNK_BYTES = 2**16
WITHOUT = frozenset({204, 304})
"""Statuses without one: a type or a length would be taken for that of what the client holds (RFC 9110, 8.6, 15.4.5)."""


class Bodies:
    """Middleware, the outermost that sees the answer of every view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        if request.META.get("CONTENT_LENGTH"):
            _read_on(request)
        if response.status_code in WITHOUT:
            del response["Content-Type"], response["Content-Length"]
        return response


def _read_on(request: HttpRequest) -> None:
    """Take what the view has left unread: the server closes a connection with unread bytes, and the front says 502."""
    with suppress(UnreadablePostError):  # the client has gone: nobody is left to answer
        while request.read(CHUNK_BYTES):
            pass
