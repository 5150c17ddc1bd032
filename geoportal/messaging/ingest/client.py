"""paho's client, reading and acknowledging in large pieces.

As it comes, paho 2.2 asks the kernel four times for every message and once for every acknowledgement, and each of these
calls hands the interpreter's lock to the writer: measured, that halves what one worker can take in.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

_READ = 65536
_PUBACK = 0x40
_IN_ONE_GO = 1000
"""Packets handled before the loop looks after writing and keep-alive again."""


class BufferedSocket:
    """A socket that reads ahead. `pending` says how much is there, as an SSL socket does."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._held = b""
        self._at = 0

    def recv(self, size: int) -> bytes:
        at, held = self._at, self._held
        if at >= len(held):
            held = self._held = self._inner.recv(_READ)
            at = self._at = 0
        end = self._at = min(at + size, len(held))
        return held[at:end]

    def pending(self) -> int:
        left = len(self._held) - self._at
        if left > 0:
            return left
        below = getattr(self._inner, "pending", None)
        return below() if below is not None else 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Client(mqtt.Client):
    """Uses three methods that paho does not promise; requirements pin its version."""

    def _create_socket(self) -> Any:
        made = super()._create_socket()
        if isinstance(made, socket.socket):
            # What the kernel holds ready decides how much one call can fetch.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        return BufferedSocket(made)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Handle everything that has been read, not one packet."""
        done = super().loop_read(max_packets)
        for _ in range(_IN_ONE_GO):
            held: Any = self._sock
            if done or held is None or not held.pending():
                break
            done = super().loop_read(max_packets)
        return done

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge messages of QoS 1, in their order, with one write. MQTT 5, §3.4: reason and properties may be
        left out when all went well.
        """
        if mids:
            packets = b"".join([b"\x40\x02" + mid.to_bytes(2) for mid in mids])
            self._packet_queue(_PUBACK, packets, 0, 0)
