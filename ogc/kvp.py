"""Requests of the older services: names of parameters in any case, values by position, exceptions as XML."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest

from ogc.errors import OgcError


class Kvp:
    """The parameters of one request by their names in capitals."""

    def __init__(self, request: HttpRequest) -> None:
        self._held: dict[str, list[str]] = {}
        for name in request.GET:
            self._held.setdefault(name.upper(), []).extend(request.GET.getlist(name))

    def get(self, name: str, default: str = "") -> str:
        """A value given at most once. Raises OgcError."""
        values = self._held.get(name, [])
        if len(values) > 1:
            raise OgcError(400, "InvalidParameterValue", f"{name} is given {len(values)} times; give it once.")
        return values[0] if values else default

    def need(self, name: str) -> str:
        """A value that must be given. Raises OgcError."""
        value = self.get(name)
        if not value:
            raise OgcError(400, "MissingParameterValue", f"{name} is missing.")
        return value

    def whole(self, name: str) -> int:
        """A whole number that must be given. Raises OgcError."""
        text = self.need(name)
        if not (text.isascii() and text.isdigit() and len(text) < 9):
            raise OgcError(400, "InvalidParameterValue", f"{name}={text[:20]!r}: write a whole number.")
        return int(text)

    def one_of(self, name: str, known: Sequence[str], code: str = "InvalidParameterValue", default: str = "") -> str:
        """One of these values, in any case. Raises OgcError."""
        text = self.get(name) or default
        for value in known:
            if value.lower() == text.lower():
                return value
        raise OgcError(400, code, f"{name}={text[:60]!r}: use one of {', '.join(known)}.")
