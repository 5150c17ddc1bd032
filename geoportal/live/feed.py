"""The thread that listens to the database: one connection for the whole process, one SELECT for each burst of changes.

NOTIFY carries ids and is a hint, not a queue. After each reconnection every client is told to read the state again.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg2
import psycopg2.extensions
from django.db import connection as django_connection

from geoportal.devices.answers import changed_devices
from geoportal.monitoring.watching import RESYNC

log = logging.getLogger(__name__)

CHANNEL = "devices"
CATALOGUE_CHANNEL = "catalogue"
_BIGINT = 2**63
PROBE_S = 15.0
"""A connection that died without a word is found by asking after this idle time."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0

Changes = dict[tuple[str, str], str]


class Feed:
    """Calls back, on its own thread, with what changed. The callbacks only hand over to the event loop."""

    def __init__(
        self,
        *,
        languages: Callable[[], list[str]],
        on_changes: Callable[[Changes], None],
        on_catalogue: Callable[[], None],
        on_resync: Callable[[], None],
        on_state: Callable[[bool], None],
    ) -> None:
        self._languages = languages
        self._on_changes, self._on_catalogue = on_changes, on_catalogue
        self._on_resync, self._on_state = on_resync, on_state
        self._stop = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="device-feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end and wait for it."""
        self._stop.set()
        os.write(self._wake_write, b".")
        self._thread.join(5.0)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                link = self._connect()
            except psycopg2.Error as error:
                log.warning("The database cannot be reached: %s", str(error).strip())
                self._stop.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
                continue
            pause = FIRST_PAUSE_S
            try:
                self._on_state(True)
                self._listen(link)
            except (psycopg2.Error, OSError, ValueError) as error:
                if not self._stop.is_set():
                    log.warning("Connection to the database lost: %s", str(error).strip())
            finally:
                self._on_state(False)
                link.close()
            self._stop.wait(pause)

    def _connect(self) -> Any:
        params = django_connection.get_connection_params()
        params.pop("cursor_factory", None)
        params |= {"application_name": "geoportal live", "options": "-c timezone=UTC", "connect_timeout": 5}
        link = psycopg2.connect(**params)
        link.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        with link.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
            cursor.execute(f"LISTEN {CATALOGUE_CHANNEL}")
        return link

    def _listen(self, link: Any) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([link, self._wake_read], [], [], PROBE_S)
            if not ready:
                with link.cursor() as cursor:
                    cursor.execute("SELECT 1")
            link.poll()
            # The SELECT below may itself bring further notifications in: they are taken in the next round.
            while link.notifies and not self._stop.is_set():
                waiting, link.notifies[:] = list(link.notifies), []
                self._tell(link, ids_of(note.payload for note in waiting if note.channel == CHANNEL))
                if any(note.channel == CATALOGUE_CHANNEL for note in waiting):
                    self._on_catalogue()
                if any(note.channel == CHANNEL and note.payload == RESYNC for note in waiting):
                    self._on_resync()

    def _tell(self, link: Any, ids: list[int]) -> None:
        languages = self._languages()
        if not ids or not languages:
            return
        with link.cursor() as cursor:
            self._on_changes(changed_devices(cursor, ids, languages))


def ids_of(payloads: Iterable[str]) -> list[int]:
    """The ids in these payloads, once each, in the order of their first coming. What is no id is passed over."""
    ids: dict[int, None] = {}
    for payload in payloads:
        for part in payload.split(","):
            if part.isdecimal() and int(part) < _BIGINT:
                ids[int(part)] = None
            elif part and part != RESYNC:
                log.warning("NOTIFY %s carried %r, which is not a list of ids", CHANNEL, payload[:80])
    return list(ids)
