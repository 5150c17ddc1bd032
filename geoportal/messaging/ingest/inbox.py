"""Messages between the network thread and the writer: bounded in bytes, in the order they came."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

BYTES = 32 * 1024 * 1024
"""Mosquitto 2.0.11 sends beyond the agreed window (measured), so that the window alone does not bound the memory."""


_EACH = 300
"""Bytes that a message takes beside its payload."""


class Message(NamedTuple):
    """One message as the broker gave it. `epoch` is the connection it came over."""

    epoch: int
    mid: int
    qos: int
    topic: str
    payload: bytes
    retain: bool
    rx: float
    """Seconds since 1970, our clock."""


class Inbox:
    """A queue of one producer and one consumer. `put` never blocks and never raises."""

    def __init__(self, limit_bytes: int = BYTES) -> None:
        self._limit = limit_bytes
        self._messages: deque[Message] = deque()
        self._filled = threading.Event()
        self._put = 0
        self._taken = 0
        self.overflowed = False
        """A message was refused. It is not acknowledged and comes again with the next connection."""

    def put(self, messages: Iterable[Message]) -> None:
        """Add what came; from the first one that does not fit on, nothing."""
        for message in messages:
            if self.overflowed or self._put - self._taken > self._limit:
                self.overflowed = True
                return
            self._put += len(message.payload) + _EACH
            self._messages.append(message)
        if not self._filled.is_set():
            self._filled.set()

    def __len__(self) -> int:
        return len(self._messages)

    def wake(self) -> None:
        """Let a waiting `take` return."""
        self._filled.set()

    def take(self, limit: int, wait_s: float, gather_s: float) -> list[Message]:
        """Up to `limit` messages: waits for the first one, then a little for others to share its transaction."""
        if not self._messages and not self._filled.wait(wait_s):
            return []
        self._filled.clear()
        if not self._messages:
            return []
        end = time.monotonic() + gather_s
        while len(self._messages) < limit and (left := end - time.monotonic()) > 0:
            self._filled.wait(left)
            self._filled.clear()
            if len(self._messages) < limit and left > 0.005:
                time.sleep(0.005)
        taken = [self._messages.popleft() for _ in range(min(limit, len(self._messages)))]
        self._taken += sum(len(message.payload) + _EACH for message in taken)
        return taken
