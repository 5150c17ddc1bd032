"""What must happen to devices although nothing arrived: silence, blindness, maintenance, and the store's days.

Each function is one statement or a few, and takes the moment from its caller. `monitor` calls them in turn.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from psycopg2 import sql

from geoportal.monitoring.health import (
    FIRST_WORD,
    LATE_WILLS,
    LONG_SILENCE,
    LONG_SILENCE_INTERVALS,
    LOST_HOLD,
    LOST_MOMENT,
    RECONNECTION_WINDOW,
    SILENT_INTERVALS,
    UNSTABLE,
)
from geoportal.monitoring.judging import MOST_ARE_LOST, rejudge
from geoportal.sql import queries

log = logging.getLogger(__name__)

SQL = queries("geoportal.monitoring", "watching")

BLIND_AFTER = timedelta(seconds=15)
"""Ingest says every second that it listens; after fifteen missed ones nobody does."""
BATCH = 2000
"""Devices judged in one transaction: a city that falls silent at once is judged in several."""
DAYS_AHEAD = 3
RESYNC = "resync"
"""Payload that stands for no ids but for everything."""
_NOTIFY_BYTES = 7500
"""PostgreSQL refuses a notification of 8000 bytes or more."""


def take_lead() -> bool:
    """Whether this connection is the one monitor that acts."""
    return bool(_value("lead", {}))


def watch(now: datetime) -> list[int]:
    """Look at the shards, judge every device whose time has come, and tell. Returns the ids that changed."""
    _watch_shards(now)
    changed: list[int] = []
    after = 0
    while True:
        due, moved = _judge_due(now, after)
        changed += moved
        if len(due) < BATCH:
            return changed
        after = due[-1]


def note_reconnections(now: datetime) -> None:
    """Count how often devices connected again, and judge those for which it matters."""
    window = f"{RECONNECTION_WINDOW.total_seconds()} s"
    parameters: dict[str, Any] = {"now": now, "window": window, "most": 2 * UNSTABLE, "unstable": UNSTABLE}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["note_reconnections"], parameters)
        notify(cursor, rejudge(cursor, [device for (device,) in cursor.fetchall()], now))


def notify(cursor: Any, ids: Sequence[int]) -> None:
    """Announce changed devices when the transaction commits, in payloads that PostgreSQL takes."""
    part: list[str] = []
    size = 0
    for text in map(str, ids):
        if size + len(text) + 1 > _NOTIFY_BYTES:
            cursor.execute(SQL["notify"], {"ids": ",".join(part)})
            part, size = [], 0
        part.append(text)
        size += len(text) + 1
    if part:
        cursor.execute(SQL["notify"], {"ids": ",".join(part)})


def announce(ids: Sequence[int], now: datetime) -> None:
    """Judge these devices and tell every open page of them: after a change in the inventory."""
    with transaction.atomic(), connection.cursor() as cursor:
        rejudge(cursor, ids, now)
        notify(cursor, ids)


def resync() -> None:
    """Have every open page read the devices again when the transaction commits: one was added, moved or removed."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["notify"], {"ids": RESYNC})


def ingest_age() -> tuple[float | None, bool]:
    """Seconds since the heartbeat of the shard that is served worst, and whether all have the broker."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["ingest_age"])
        age, connected = cursor.fetchone()
    return age, bool(connected)


def make_partitions(now: datetime) -> None:
    """Make the telemetry days that come next, and yesterday's for samples that are late."""
    days = {"first": now.date() - timedelta(days=1), "last": now.date() + timedelta(days=DAYS_AHEAD)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regproc('telemetry_ensure_day') IS NOT NULL")
        if cursor.fetchone()[0]:
            cursor.execute(SQL["ensure_partitions"], days)


def forget_old(now: datetime) -> list[str]:
    """Delete what is older than the settings' retention. Returns the names of the dropped telemetry days."""
    before = {name: now - timedelta(days=days) for name, days in settings.RETENTION_DAYS.items()}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["old_partitions"]).format(), {"before": before["telemetry"].date()})
        old = [str(name) for (name,) in cursor.fetchall()]
        for name in old:
            # One transaction each: dropping takes a lock on the parent, and none is held longer than needed.
            cursor.execute(sql.SQL(SQL["drop_partition"]).format(table=sql.Identifier(name)))
        cursor.execute(SQL["forget_dead_letters"], {"before": before["dead_letters"]})
        cursor.execute(SQL["forget_intervals"], {"before": before["state_intervals"]})
    return old


def _watch_shards(now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL["has_heartbeats"])
        if cursor.fetchone()[0]:
            cursor.execute(SQL["watch_shards"], {"now": now, "blind_after": f"{BLIND_AFTER.total_seconds()} s"})


def _judge_due(now: datetime, after: int) -> tuple[list[int], list[int]]:
    """Judge the next devices whose time has come. Returns their ids, in order, and of these the ones that changed."""
    parameters: dict[str, datetime | int | str] = {
        "now": now,
        "after": after,
        "intervals": SILENT_INTERVALS,
        "first_word": f"{FIRST_WORD.total_seconds()} s",
        "long": f"{LONG_SILENCE.total_seconds()} s",
        "lost_hold": f"{LOST_HOLD.total_seconds()} s",
        "lost_moment": f"{LOST_MOMENT.total_seconds()} s",
        "late_wills": f"{LATE_WILLS.total_seconds()} s",
        "long_intervals": LONG_SILENCE_INTERVALS,
        "limit": BATCH,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["due"]).format(most_are_lost=MOST_ARE_LOST), parameters)
        due = [device for (device,) in cursor.fetchall()]
        changed = rejudge(cursor, due, now)
        notify(cursor, changed)
    if changed:
        log.info("%d devices changed state without a message", len(changed))
    return due, changed


def _value(name: str, parameters: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(SQL[name], parameters)
        return cursor.fetchone()[0]
