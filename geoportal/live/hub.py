"""Who is listening, and what each of them gets. Runs on the event loop alone: no locks, no database.

A frame is made once for each combination of kinds and language, however many read it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

QUEUE_FRAMES = 64
"""Frames that may wait for one client. One that falls further behind is let go, and reads the state when it returns."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What one client may see, and in which language."""

    kinds: frozenset[str]
    language: str


@dataclass(eq=False, slots=True)
class Client:
    """One open stream. `session` is the key its rights are read from again; empty for an anonymous one."""

    reader: Reader
    session: str = ""
    closed: bool = False
    task: asyncio.Task[None] | None = None
    """The task that sends: it hangs in `send` while the other side does not read, and is then cancelled."""
    _waiting: deque[bytes] = field(default_factory=deque)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: bytes) -> bool:
        """Put a frame in the queue; False, and closed, when the client is too far behind."""
        if len(self._waiting) >= QUEUE_FRAMES:
            self.abandon()
            return False
        self._waiting.append(frame)
        self._ready.set()
        return True

    def close(self) -> None:
        """End the stream: whatever still waits is not sent."""
        self.closed = True
        self._ready.set()

    def abandon(self) -> None:
        """End the stream even in the middle of sending."""
        self.close()
        if self.task is not None:
            self.task.cancel()

    async def take(self) -> bytes:
        """Everything that waits, as one piece; empty when the stream is to end."""
        await self._ready.wait()
        self._ready.clear()
        if self.closed:
            return b""
        piece = b"".join(self._waiting)
        self._waiting.clear()
        return piece


class Hub:
    """The open streams of this process."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.languages: tuple[str, ...] = ()
        """The languages that somebody reads now; replaced as a whole, so that another thread may read it."""
        self._readers: Counter[str] = Counter()
        self.is_listening = False
        """Whether the database tells us of changes now."""
        self.events = 0
        self.dropped = 0
        self.stopping = False
        self._run = f"{time.time_ns() // 1_000_000:x}"

    def join(self, client: Client) -> None:
        """Add a stream; from here on it gets every frame."""
        self.clients.add(client)
        self._count_language(client.reader.language, 1)
        if self.stopping:
            client.close()

    def leave(self, client: Client) -> None:
        """Forget a stream that ended."""
        if client in self.clients:
            self.clients.remove(client)
            self._count_language(client.reader.language, -1)

    def publish(self, changed: dict[tuple[str, str], str]) -> None:
        """Send changed devices, JSON arrays by language and kind, to whoever may see them."""
        self.events += 1
        frames: dict[Reader, bytes] = {}
        for client in tuple(self.clients):
            frame = frames.get(client.reader)
            if frame is None:
                frame = frames[client.reader] = self._device_frame(client.reader, changed)
            if frame:
                self._offer(client, frame)

    def say(self, event: str, clients: Iterable[Client] | None = None) -> None:
        """Send an event without content of its own, to all or to these."""
        frame = frame_of(event, "{}")
        for client in tuple(self.clients if clients is None else clients):
            self._offer(client, frame)

    def stop(self) -> None:
        """End every stream, and each that opens from now on."""
        self.stopping = True
        for client in tuple(self.clients):
            client.close()

    def abandon(self) -> None:
        """End the streams that are still there after `stop`: their readers do not read."""
        for client in tuple(self.clients):
            client.abandon()

    def _count_language(self, language: str, change: int) -> None:
        self._readers[language] += change
        if (self._readers[language] > 0) != (language in self.languages):
            self.languages = tuple(sorted(name for name, count in self._readers.items() if count > 0))

    def _offer(self, client: Client, frame: bytes) -> None:
        if not client.offer(frame):
            self.dropped += 1
            self.leave(client)

    def _device_frame(self, reader: Reader, changed: dict[tuple[str, str], str]) -> bytes:
        arrays = [changed[reader.language, kind] for kind in sorted(reader.kinds) if (reader.language, kind) in changed]
        if not arrays:
            return b""
        # Arrays as the database wrote them, put together without reading them: "[a, b]" and "[c]" are "[a, b,c]".
        joined = "[" + ",".join(array.strip()[1:-1] for array in arrays) + "]"
        return frame_of("device", joined, f"{self._run}-{self.events}")


def frame_of(event: str, data: str, identifier: str = "") -> bytes:
    """One server-sent event. Line breaks between JSON tokens are left out: each would begin a new field."""
    head = f"id: {identifier}\n" if identifier else ""
    return f"{head}event: {event}\ndata: {data.replace(chr(10), '')}\n\n".encode()
