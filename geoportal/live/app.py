"""The ASGI application of the live stream: `GET /eventi`, and `GET /eventi/stato` for whoever watches over it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Any

import msgspec
from django.db import DatabaseError

from geoportal.live.feed import Feed
from geoportal.live.hub import Client, Hub, Reader, frame_of
from geoportal.live.readers import WrongToken, kinds_of_sessions, reader_of, request_of, session_key

log = logging.getLogger(__name__)

PING_S = 15.0
"""Browsers see this event and know the stream lives; proxies see traffic and keep it open."""
RIGHTS_S = 60.0
"""Rights are read again this often: sessions end and groups change without the catalogue knowing."""
RETRY_MS = 2000
STOP_S = 2.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class LiveApp:
    """One per process. Rights are read on one thread, notifications on another: the loop waits for no database."""

    def __init__(self) -> None:
        self.hub = Hub()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rights")
        self._tasks: list[asyncio.Task[None]] = []
        self._feed: Feed | None = None
        self._recheck = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] != "http":
            raise ValueError(f"the live stream speaks HTTP, asked for {scope['type']}")
        elif scope["path"] == "/eventi/stato":
            await self._answer_state(send)
        elif scope["path"] != "/eventi":
            await _answer(send, 404, {"error": "not_found", "detail": "L'indirizzo del flusso è /eventi."})
        elif scope["method"] != "GET":
            await _answer(send, 405, {"error": "method_not_allowed", "detail": "Il flusso si legge con GET."})
        else:
            await self._stream(scope, receive, send)

    async def _stream(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        request = request_of(scope["headers"])
        try:
            reader = await self._in_worker(reader_of, request)
        except WrongToken:
            await _answer(send, 401, {"error": "unauthorized", "detail": "Il gettone è errato, scaduto o revocato."})
            return
        except DatabaseError:
            log.warning("A stream was refused: rights cannot be read while the database is away")
            await _answer(send, 503, {"error": "unavailable", "detail": "Il flusso non è disponibile: riprova."})
            return
        client = Client(reader, session_key(request), task=asyncio.current_task())
        # In the hub before the browser knows it is open: what changes from now on is in the queue, and the state that
        # the browser reads when it opens is newer than that.
        self.hub.join(client)
        client.offer(f"retry: {RETRY_MS}\n".encode() + frame_of("hello", "{}"))
        gone = asyncio.create_task(_until_disconnected(receive, client))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            while piece := await client.take():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if not client.closed:
                raise
        finally:
            self.hub.leave(client)
            gone.cancel()

    async def _answer_state(self, send: Send) -> None:
        hub = self.hub
        state = {
            "listening": hub.is_listening,
            "streams": len(hub.clients),
            "events": hub.events,
            "dropped": hub.dropped,
        }
        await _answer(send, 200 if hub.is_listening else 503, state)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self._shut_down()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        hub = self.hub

        self._feed = Feed(
            languages=lambda: list(hub.languages),
            on_changes=lambda changed: _later(loop, hub.publish, changed),
            on_catalogue=lambda: _later(loop, self._recheck.set),
            on_resync=lambda: _later(loop, hub.say, "resync"),
            on_state=lambda listening: _later(loop, self._listening, listening),
        )
        self._feed.start()
        _also_on_stop(loop, self._end_streams)
        self._tasks = [loop.create_task(self._ping()), loop.create_task(self._watch_rights())]

    def _end_streams(self) -> None:
        self.hub.stop()
        asyncio.get_running_loop().call_later(STOP_S, self.hub.abandon)

    def _listening(self, listening: bool) -> None:
        if listening and not self.hub.is_listening:
            # Whatever was notified while nobody listened is lost: every page reads the state again.
            self.hub.say("resync")
        self.hub.is_listening = listening

    async def _shut_down(self) -> None:
        self.hub.stop()
        for task in self._tasks:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                while self.hub.clients:
                    await asyncio.sleep(0.02)
        if self._feed is not None:
            await asyncio.to_thread(self._feed.stop)
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            self.hub.say("ping")

    async def _watch_rights(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._recheck.wait(), RIGHTS_S)
            self._recheck.clear()
            try:
                await self._read_rights_again()
            except DatabaseError as error:
                log.warning("Rights could not be read again: %s", str(error).strip())

    async def _read_rights_again(self) -> None:
        clients = tuple(self.hub.clients)
        if not clients:
            return
        kinds = await self._in_worker(kinds_of_sessions, [client.session for client in clients])
        moved = [client for client in clients if kinds[client.session] != client.reader.kinds]
        for client in moved:
            client.reader = Reader(kinds[client.session], client.reader.language)
        self.hub.say("resync", moved)

    async def _in_worker(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)


def _later(loop: asyncio.AbstractEventLoop, act: Callable[..., None], *arguments: Any) -> None:
    loop.call_soon_threadsafe(act, *arguments)


def _also_on_stop(loop: asyncio.AbstractEventLoop, end_streams: Callable[[], None]) -> None:
    # The server waits for open requests before it tells the application to shut down, and these never end by
    # themselves. Its own handler hangs on the loop's wake-up pipe and still runs: this one comes beside it.
    def handler(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end_streams)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)
        signal.siginterrupt(number, False)


async def _until_disconnected(receive: Receive, client: Client) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.close()


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(body), "more_body": False})
