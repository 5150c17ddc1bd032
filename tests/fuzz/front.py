"""What the front server refuses by itself, before it asks which service an address is of."""

from __future__ import annotations

from requests import PreparedRequest

LONGEST_LINE = 32 * 1024
"""Bytes of a request's first line that the front takes (`large_client_header_buffers`, deploy/nginx.conf.in)."""


def too_long(request: PreparedRequest) -> bool:
    """Whether the first line of a request is longer than that: the answer is 414."""
    return len(f"{request.method} {request.path_url} HTTP/1.1\r\n".encode()) > LONGEST_LINE
