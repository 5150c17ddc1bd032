"""A cache of tiles in one process: bounded by bytes, least recently used out first, one query for a stampede."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

OVERHEAD = 200
"""Bytes an entry costs beside its value: key, links, bookkeeping."""


class TileCache:
    """Bytes by key. Keys carry the data version, so nothing is ever removed because it is old."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: OrderedDict[Hashable, bytes] = OrderedDict()
        self._making: dict[Hashable, Future[bytes]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The value of a key, made once however many ask at the same time; an error reaches all of them."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
            waiting = self._making.get(key)
            if waiting is None:
                mine = self._making[key] = Future[bytes]()
        if waiting is not None:
            return waiting.result()
        return self._make(key, mine, make)

    def _make(self, key: Hashable, mine: Future[bytes], make: Callable[[], bytes]) -> bytes:
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._making[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            self._store(key, value)
        mine.set_result(value)
        return value

    def _store(self, key: Hashable, value: bytes) -> None:
        size = len(value) + OVERHEAD
        if size > self._max_bytes // 4:
            return
        self._held[key] = value
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= len(dropped) + OVERHEAD

    @property
    def size_bytes(self) -> int:
        """What the cache holds now."""
        return self._bytes
