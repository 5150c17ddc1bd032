"""Counts whom the broker turned away at the door, from its own log topic: guessed passwords, strangers, anonymous.

Mosquitto says of a refused connection only that there was one; its address is taken from the line before, when no other
connection was being made at the time. Whom it denies a topic stands in its log only: see `denials`.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2

from geoportal.messaging.dynsec import BROKER_LOG
from geoportal.monitoring.denials import Counts, Denials
from geoportal.sql import queries

log = logging.getLogger(__name__)

LOG_TOPIC = BROKER_LOG
SQL = queries("geoportal.monitoring", "refusals")
_MOST_PENDING = 500
_MOST_ADDRESSES = 200
"""Different addresses counted in one flush; a flood from more of them is counted without."""
_NEW = re.compile(r"New connection from (\S+):(\d+) on port")
_WELCOME = re.compile(r"New client connected from (\S+):(\d+) as ")
_REFUSED = re.compile(r"Client .* disconnected, not authorised")


class Doorkeeper:
    """Reads log lines on one thread and is emptied by another."""

    def __init__(self, broker_log: str = "") -> None:
        self._denials = Denials(Path(broker_log)) if broker_log else None
        self._pending: dict[tuple[str, str], None] = {}
        self._lock = threading.Lock()
        self._counts: Counter[tuple[datetime, str]] = Counter()
        self._denied: dict[datetime, Counts] = {}

    def take(self, payload: bytes) -> None:
        """One line of the broker's log."""
        line = payload.decode("utf-8", "replace")
        if found := _NEW.search(line):
            if len(self._pending) > _MOST_PENDING:
                self._pending.clear()
            self._pending[found[1], found[2]] = None
        elif found := _WELCOME.search(line):
            self._pending.pop((found[1], found[2]), None)
        elif _REFUSED.search(line):
            self._count()

    def _count(self) -> None:
        addresses = {address for address, _ in self._pending}
        address = addresses.pop() if len(addresses) == 1 else ""
        if self._pending:
            self._pending.pop(next(iter(self._pending)))
        hour = _this_hour()
        with self._lock:
            known = (hour, address) in self._counts or len(self._counts) < _MOST_ADDRESSES
            self._counts[hour, address if known else ""] += 1

    def flush(self, cursor: Any) -> None:
        """Write what was counted, when it is this process that counts. Raises psycopg2.Error, and keeps it then."""
        self._take_denials()
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts and not self._denied:
            return
        try:
            cursor.execute(SQL["count_here"])
            if cursor.fetchone()[0]:
                _write(cursor, counts, self._denied)
        except psycopg2.Error:
            with self._lock:
                self._counts.update(counts)
            raise
        self._denied = {}

    def _take_denials(self) -> None:
        hour = _this_hour()
        if self._denials and (found := self._denials.take(hour)):
            self._denied.setdefault(hour, Counter()).update(found)


def _write(cursor: Any, counts: Counter[tuple[datetime, str]], denied: dict[datetime, Counts]) -> None:
    """All of it or nothing, so that what is kept for the next time was not half written."""
    cursor.execute("BEGIN")
    try:
        for (of, address), count in counts.items():
            cursor.execute(SQL["add_refusals"], {"hour": of, "address": address[:64], "count": count})
        for hour, topics in denied.items():
            clients, actions, names = (list(column) for column in zip(*topics, strict=True))
            columns = {"clients": clients, "actions": actions, "topics": names, "counts": list(topics.values())}
            cursor.execute(SQL["add_denials"], {"hour": hour, **columns})
        cursor.execute("COMMIT")
    except psycopg2.Error:
        with contextlib.suppress(psycopg2.Error):
            cursor.execute("ROLLBACK")
        raise
    total = sum(topics.total() for topics in denied.values())
    log.warning("The broker turned away %d connections and denied %d topics", counts.total(), total)


def _this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
