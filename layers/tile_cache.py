"""A cache of tiles in one process: bounded by bytes, least recently used out first, one query for a stampede."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future

OVERHEAD = 200
"""Bytes an entry costs beside its value: key, links, bookkeeping."""


class TileCache:
    """Bytes by key. Keys carry the data version, so nothing is ever removed because it is old."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._held: OrderedDict[Hashable, bytes] = OrderedDict()
        self._making: dict[Hashable, Future[Mapping[Hashable, bytes]]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The value of a key, made once however many ask at the same time; an error reaches all of them."""
        return self.get_of(key, key, lambda: {key: make()})

    def get_of(self, key: Hashable, group: Hashable, make: Callable[[], Mapping[Hashable, bytes]]) -> bytes:
        """The value of a key that is made together with others: once for all that ask for any of its group."""
        with self._lock:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
            waiting = self._making.get(group)
            if waiting is None:
                mine = self._making[group] = Future[Mapping[Hashable, bytes]]()
        if waiting is not None:
            return waiting.result()[key]
        return self._make(group, mine, make)[key]

    def _make(
        self,
        group: Hashable,
        mine: Future[Mapping[Hashable, bytes]],
        make: Callable[[], Mapping[Hashable, bytes]],
    ) -> Mapping[Hashable, bytes]:
        try:
            values = make()
        except BaseException as error:
            with self._lock:
                del self._making[group]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._making[group]
            for key, value in values.items():
                self._store(key, value)
        mine.set_result(values)
        return values

    def _store(self, key: Hashable, value: bytes) -> None:
        size = len(value) + OVERHEAD
        if size > self._max_bytes // 4:
            return
        before = self._held.pop(key, None)
        if before is not None:
            self._bytes -= len(before) + OVERHEAD
        self._held[key] = value
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= len(dropped) + OVERHEAD

    @property
    def size_bytes(self) -> int:
        """What the cache holds now."""
        return self._bytes
