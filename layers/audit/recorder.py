"""Reads of restricted data on their way to the register.

The request only adds to a small table in memory; a thread writes it every half second over a connection of its own.
What could not be written is kept and tried again, and a normal stop writes what is left. Nothing waits, nothing is
forgotten short of a killed process: that loses at most the last half second.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

import psycopg2
from django.db import connection
from psycopg2.extras import execute_values

from geoportal.sql import queries
from layers.rights import Audience, is_restricted

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from geoportal.models import User
    from layers.catalogue import LayerEntry

log = logging.getLogger(__name__)

PAUSE_S = 0.5
MOST_KEPT = 200_000
"""Different reads kept while the database is away; past that a read is told to the log instead."""


@dataclass(frozen=True, slots=True)
class _Read:
    """What makes two reads equal."""

    at: datetime
    """To the second."""
    user_id: int
    user_name: str
    token_id: int | None
    layer: str
    door: str
    item: str


def note(
    user: User | AnonymousUser,
    audience: Audience,
    layer: LayerEntry,
    door: str,
    *,
    item: str = "",
    features: int | None = None,
) -> None:
    """Write down that this person read this layer, when it or a field the person sees of it is restricted."""
    if not user.is_authenticated:
        return  # whoever is not known sees nothing restricted
    if not is_restricted(layer) and not any(map(is_restricted, layer.visible_fields(audience))):
        return
    now = datetime.now(UTC).replace(microsecond=0)
    name = user.get_username()[:150]
    _recorder.add(_Read(now, user.pk, name, user.token_id, layer.slug, door[:60], item[:200]), features)


def flush() -> None:
    """Write what is noted, now. Raises psycopg2.Error when the database is away; nothing is lost then."""
    _recorder.write()


class _Recorder:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._noted: dict[_Read, list[Any]] = {}
        self._wake = threading.Event()
        self._pid: int | None = None
        self._link: Any = None

    def add(self, read: _Read, features: int | None) -> None:
        self._ensure_thread()
        with self._lock:
            if read in self._noted or len(self._noted) < MOST_KEPT:
                self._count(read, features, 1)
            else:
                log.critical("The register of reads cannot be written and is full; this read is only here: %s", read)
        self._wake.set()

    def _count(self, read: _Read, features: int | None, requests: int) -> None:
        held = self._noted.setdefault(read, [None, 0])
        held[0] = held[0] if features is None else (held[0] or 0) + features
        held[1] += requests

    def _ensure_thread(self) -> None:
        # Web workers fork after import: each starts a thread of its own, at its first read.
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._link = None
            self._pid = os.getpid()
            threading.Thread(target=self._write_forever, name="audit-writer", daemon=True).start()
            # A worker of the web server leaves by multiprocessing's door, which does not run atexit.
            atexit.register(self._last_words)
            Finalize(None, self._last_words, exitpriority=100)

    def _write_forever(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.wait()
            pause.wait(PAUSE_S)
            self._wake.clear()
            try:
                self.write()
            except (psycopg2.Error, OSError) as error:
                log.error("Reads of restricted data wait for the database: %s", str(error).strip())
                pause.wait(2.0)
                self._wake.set()

    def _last_words(self) -> None:
        try:
            self.write()
        except (psycopg2.Error, OSError) as error:
            for read, (features, requests) in self._noted.items():
                log.critical("Not in the register (%s): %s, %s features, %d requests", error, read, features, requests)

    def write(self) -> None:
        with self._writing:
            with self._lock:
                taken, self._noted = self._noted, {}
            if not taken:
                return
            try:
                self._insert(taken)
            except (psycopg2.Error, OSError):
                self._link = None
                with self._lock:
                    for read, (features, requests) in taken.items():
                        self._count(read, features, requests)
                raise

    def _insert(self, taken: dict[_Read, list[Any]]) -> None:
        rows = [
            (r.at, r.user_id, r.user_name, r.token_id, r.layer, r.door, r.item, features, requests)
            for r, (features, requests) in taken.items()
        ]
        kept = self._link is not None and not self._link.closed
        try:
            self._send(rows)
        except (psycopg2.OperationalError, psycopg2.InterfaceError):
            # A connection kept since the last write may have ended with its server: that is known only by using it.
            if not kept:
                raise
            self._link = None
            self._send(rows)

    def _send(self, rows: list[tuple[Any, ...]]) -> None:
        if self._link is None or self._link.closed:
            params = connection.get_connection_params()
            params.pop("cursor_factory", None)
            self._link = psycopg2.connect(**{**params, "application_name": "geoportal audit"})
        with self._link, self._link.cursor() as cursor:
            execute_values(cursor, queries("layers.audit", "audit")["insert"], rows, page_size=1000)


_recorder = _Recorder()
