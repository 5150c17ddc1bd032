"""paho's client, reading and acknowledging in large pieces.

As it comes, paho 2.2 asks the kernel four times for every message and once for every acknowledgement, and makes half a
dozen objects of each: measured, 20 µs a message on the thread that shares the interpreter's lock with the writer. Here
one call fetches what is there, and whole PUBLISH packets are cut out of it in one go; every other packet, and each one
that is not whole yet, stays paho's.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

_READ = 65536
_PUBACK = 0x40
_PUBLISH = 0x30
_IN_ONE_GO = 1000
"""Packets handled before the loop looks after writing and keep-alive again."""


class Publish(NamedTuple):
    """One PUBLISH packet of QoS 0 or 1. `mid` is 0 for QoS 0."""

    mid: int
    qos: int
    retain: bool
    topic: str
    payload: bytes


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

    def take_publishes(self) -> list[Publish]:
        """Cut out the whole PUBLISH packets that come next. Call it between two packets only."""
        found: list[Publish] = []
        self._at = cut_publishes(self._held, self._at, found)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def cut_publishes(data: bytes, at: int, found: list[Publish]) -> int:
    """Append the packets that begin at `at` to `found`, up to the first that is not a whole PUBLISH of QoS 0 or 1 with
    few properties; returns where that one begins. MQTT 5, §3.3: fixed header, topic, id, properties, payload.
    """
    end = len(data)
    while at + 2 <= end:
        head = data[at]
        if head & 0xF4 != _PUBLISH:
            break
        body, length = at + 2, data[at + 1]
        if length > 127:
            shift, length = 7, length & 127
            while body < end and shift <= 21:
                digit = data[body]
                body += 1
                length |= (digit & 127) << shift
                shift += 7
                if digit < 128:
                    break
            else:
                break
        after = body + length
        if after > end:
            break
        name = body + 2
        rest = name + (data[body] << 8 | data[body + 1] if length > 1 else end)
        qos = head >> 1 & 1
        start = rest + 2 * qos
        # A list of properties over 127 bytes has a longer length; a packet that overruns itself is paho's to refuse.
        if start >= after or data[start] > 127 or (payload := start + 1 + data[start]) > after:
            break
        mid = data[rest] << 8 | data[rest + 1] if qos else 0
        topic = sys.intern(data[name:rest].decode("utf-8", "replace"))  # thousands wait with the same few
        found.append(Publish(mid, qos, bool(head & 1), topic, data[payload:after]))
        at = after
    return at


class Client(mqtt.Client):
    """Uses some members that paho does not promise; requirements pin its version."""

    on_publishes: Callable[[Sequence[Publish]], None]
    """Gets what `on_message` does not, on the network thread, in the order it came. MQTT 5 only."""

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
            if self._in_packet["command"] == 0 and (found := held.take_publishes()):
                self.on_publishes(found)
                if not held.pending():
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

    def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages of QoS 0 with one write, a few microseconds each where paho takes a hundred. MQTT 5, §3.3."""
        if messages:
            # Queued as an acknowledgement is: of a publication paho keeps a record, which nobody needs here.
            self._packet_queue(_PUBACK, b"".join([_publish(topic.encode(), said) for topic, said in messages]), 0, 0)


def _publish(topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH packet of QoS 0 without properties."""
    body = b"%s%s\0%s" % (len(topic).to_bytes(2), topic, payload)
    size, length = len(body), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return b"\x30%s%c%s" % (length, size, body)
