"""Something of the database held in memory, one version at a time.

A process listens to a channel of the database on a thread of its own and drops its copy when the version changes.
While it cannot listen it compares the version on each call, which is slower and equally right.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable
from typing import Protocol

import psycopg2
import psycopg2.extensions
from django.db import connection
from psycopg2 import sql

log = logging.getLogger(__name__)


class Versioned(Protocol):
    """What can be held."""

    @property
    def version(self) -> int: ...


class Held[T: Versioned]:
    """The copy of this process, and whether it may be trusted without asking."""

    def __init__(self, load: Callable[[], T], version: Callable[[], int], *, channel: str) -> None:
        self._load, self._version, self._channel = load, version, channel
        self._value: T | None = None
        self._lock = threading.Lock()
        self._listening = threading.Event()
        self._pid: int | None = None

    def current(self) -> T:
        """The newest, without a query when nothing changed and this process is listening."""
        self._ensure_listener()
        held = self._value
        if held is not None and (self._listening.is_set() or held.version == self._version()):
            return held
        with self._lock:
            held = self._value
            if held is None or held.version != self._version():
                held = self._value = self._load()
        return held

    def verify(self) -> None:
        """Ask the database whether it is the newest."""
        with self._lock:
            if self._value is not None and self._value.version != self._version():
                self._value = None

    def _ensure_listener(self) -> None:
        # Web workers fork after import: a thread does not survive that, so each process starts its own, once.
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._listening.clear()
            self._value = None
            self._pid = os.getpid()
            threading.Thread(target=self._listen_forever, name=f"{self._channel}-listener", daemon=True).start()

    def _listen_forever(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self._listen()
            except (psycopg2.Error, OSError, ValueError) as error:
                log.warning(
                    "Not listening for changes of the %s, versions are compared instead: %s",
                    self._channel,
                    str(error).strip(),
                )
            self._listening.clear()
            pause.wait(2.0)

    def _listen(self) -> None:
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        link = psycopg2.connect(**{**params, "application_name": f"geoportal {self._channel} listener"})
        try:
            link.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
            with link.cursor() as cursor:
                cursor.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
            # Under the lock: a copy that is being read right now may be of before anybody listened.
            with self._lock:
                self._value = None
                self._listening.set()
            while True:
                ready, _, _ = select.select([link], [], [], 30.0)
                if not ready:
                    # A half-open connection would leave this process with an old copy for ever.
                    with link.cursor() as cursor:
                        cursor.execute("SELECT 1")
                link.poll()
                if link.notifies:
                    link.notifies.clear()
                    # Under the lock: a copy that is being read right now began before this change.
                    with self._lock:
                        self._value = None
        finally:
            link.close()
