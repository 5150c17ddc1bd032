"""A publisher that is never the bottleneck: MQTT 3.1.1 packets made beforehand, written in large pieces."""

from __future__ import annotations

import socket
from collections.abc import Iterable

_PIECE = 500


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2) + raw


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | 0x80 if rest else digit])
        if not rest:
            return bytes([kind]) + length + body


class Publisher:
    """One connection; `send` returns when the broker has confirmed everything."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = _text("MQTT") + bytes([4, 0b1100_0010]) + (0).to_bytes(2) + _text(user) + _text(user) + _text(password)
        self._socket.sendall(_packet(0x10, hello))
        answer = self._socket.recv(4)
        if answer[3] != 0:
            raise ConnectionError(f"the broker refuses the publisher with code {answer[3]}")
        self._mid = 0

    def send(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish with QoS 1, at most a few hundred unconfirmed."""
        piece: list[bytes] = []
        for topic, payload in messages:
            self._mid = self._mid % 65_000 + 1
            piece.append(_packet(0x32, _text(topic) + self._mid.to_bytes(2) + payload))
            if len(piece) == _PIECE:
                self._flush(piece)
        self._flush(piece)

    def _flush(self, piece: list[bytes]) -> None:
        self._socket.sendall(b"".join(piece))
        wanted = 4 * len(piece)
        while wanted:
            got = len(self._socket.recv(wanted))
            if not got:
                raise ConnectionError("the broker ended the publisher's connection")
            wanted -= got
        piece.clear()

    def close(self) -> None:
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()
