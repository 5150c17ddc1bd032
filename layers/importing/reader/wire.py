"""Frames on the socket between the import and a reading process: a letter, a number, a length, and that many bytes.

J: one JSON value. D: text for COPY, with the number of rows that end in it. What the reader sends is not trusted:
lengths are capped and JSON is data only.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

from layers.errors import LayersError

_HEADER = struct.Struct("!cII")
_LARGEST_JSON = 64 * 1024**2
_LARGEST_DATA = 4 * 1024**2
JSON, DATA = b"J", b"D"
RASTER_MADE = "fatto.tif"
"""What a reader calls the raster it makes, in the folder it may write to."""


class ReaderGone(LayersError):
    """The other side closed the connection, or broke the rules of this format."""


def send_json(link: socket.socket, value: Any) -> None:
    """Send one JSON value."""
    _send(link, JSON, 0, json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace"))


def send_data(link: socket.socket, data: bytes | memoryview, rows: int) -> None:
    """Send text for COPY, in pieces; the last one carries the number of rows."""
    for start in range(0, len(data), _LARGEST_DATA):
        piece = data[start : start + _LARGEST_DATA]
        _send(link, DATA, rows if start + len(piece) == len(data) else 0, piece)


def _send(link: socket.socket, letter: bytes, number: int, body: bytes | memoryview) -> None:
    link.sendall(_HEADER.pack(letter, number, len(body)))
    link.sendall(body)


def receive(link: socket.socket) -> tuple[bytes, int, bytearray]:
    """The next frame. Raises ReaderGone."""
    letter, number, length = _HEADER.unpack(_exactly(link, _HEADER.size))
    if letter not in (JSON, DATA) or length > (_LARGEST_JSON if letter == JSON else _LARGEST_DATA):
        raise ReaderGone("a frame that is none")
    return letter, number, _exactly(link, length)


def receive_json(link: socket.socket) -> Any:
    """The next frame, which must be JSON. Raises ReaderGone."""
    letter, _number, body = receive(link)
    if letter != JSON:
        raise ReaderGone("data where an answer was due")
    return parsed(body)


def parsed(body: bytes | bytearray) -> Any:
    """The value of a JSON frame. Raises ReaderGone."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReaderGone("an answer that is not JSON") from error


def _exactly(link: socket.socket, length: int) -> bytearray:
    body = bytearray(length)
    view = memoryview(body)
    while view:
        try:
            count = link.recv_into(view)
        except (ConnectionError, TimeoutError) as error:
            raise ReaderGone(str(error)) from error
        if not count:
            raise ReaderGone("closed")
        view = view[count:]
    return body
