"""The bodies of requests to the services, within a size."""

from django.http import HttpRequest

from ogc.errors import OgcError


def body_of(request: HttpRequest, most_bytes: int, what: str) -> bytes:
    """A whole body. Raises OgcError (413), by the length announced, before any of it is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if int(announced) > most_bytes:
        raise OgcError(413, "ContentTooLarge", f"{what} has {most_bytes} bytes at most; this one has {announced}.")
    return request.body
