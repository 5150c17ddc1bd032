"""Roll-ups of telemetry: 5 minutes from samples, hours from those, days from hours, also when data arrives late.

Ingest marks each interval of 5 minutes that gets a sample (`telemetry_dirty`); here the marked ones are computed anew,
whole, and with them the hour and the day they lie in. Computing twice gives the same, so that a crash costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from psycopg2 import sql

from geoportal.messaging import kinds
from geoportal.messaging.kinds import TelemetryKind
from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "rollups")

GRACE = timedelta(seconds=20)
"""After an interval ends, most of what belongs to it has come; what comes later marks it again."""
MARKS = 500
"""Computed in one transaction: ingest waits for it when it marks one of them at that moment."""
ROUNDS = 20
"""So many transactions in one look: a long back-fill is worked off beside the monitor's other duties."""
STEPS = {300: "telemetry_5m", 3600: "telemetry_1h", 86400: "telemetry_1d"}
"""Seconds of a roll-up and what its retention is called."""

Mark = tuple[int, datetime]
"""Device and the beginning of an interval of 5 minutes."""


def roll_up(now: datetime) -> int:
    """Compute what is marked and over. Returns how many marks were taken."""
    done = 0
    for _ in range(ROUNDS):
        with transaction.atomic():
            taken = _roll_some(now - GRACE)
        done += taken
        if taken < MARKS:
            break
    return done


def forget_rollups(now: datetime) -> None:
    """Delete roll-ups that are older than their retention."""
    with connection.cursor() as cursor:
        for step, name in STEPS.items():
            before = now - timedelta(days=settings.RETENTION_DAYS[name])
            cursor.execute(sql.SQL(SQL["forget_rollups"]).format(), {"step": step, "before": before})


def _roll_some(closed: datetime) -> int:
    # A day of samples that retention takes in the meantime would be computed from what is left.
    kept = closed - timedelta(days=settings.RETENTION_DAYS["telemetry"] - 1)
    marks: dict[str, set[Mark]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["take_dirty"]).format(), {"closed": closed, "limit": MARKS})
        rows = cursor.fetchall()
        for kind, device, bucket in rows:
            if kind is not None and bucket > kept:
                marks[kind].add((device, bucket))
        for code, found in marks.items():
            _roll_kind(cursor, kinds.kind(code), found, closed)
    return len(rows)


def _roll_kind(cursor: Any, kind: TelemetryKind, marks: set[Mark], closed: datetime) -> None:
    table = sql.Identifier(kind.table)
    if kind.counters:
        cursor.execute(sql.SQL(SQL["followers"]).format(table=table), {**_columns(marks), "closed": closed})
        marks = marks | set(cursor.fetchall())
    cursor.execute(_roll_samples(kind.code), _columns(marks))
    # An hour of a clock that is put back comes twice; the zone's offset is of whole hours.
    for unit, lower, upper, zone in (("hour", 300, 3600, "UTC"), ("day", 3600, 86400, settings.TIME_ZONE)):
        values = {**_columns(marks), "unit": unit, "from": lower, "to": upper, "zone": zone}
        cursor.execute(sql.SQL(SQL["roll_up"]).format(), values)


def _columns(marks: set[Mark]) -> dict[str, Any]:
    ordered: Sequence[Mark] = sorted(marks)
    return {"devices": [device for device, _ in ordered], "buckets": [bucket for _, bucket in ordered]}


@cache
def _roll_samples(code: str) -> sql.Composed:
    """The statement of one kind: an entry for each measurement, a step for each counter."""
    kind = kinds.kind(code)
    gauges = [_gauge(name, name in kind.flags) for name in kind.columns if name not in kind.counters]
    steps = [
        sql.SQL(", counter_step(lag({0}) OVER by_seq, {0}, seconds) AS {1}").format(sql.Identifier(name), _step(name))
        for name in kind.counters
    ]
    counted = [_counted(name) for name in kind.counters]
    return sql.SQL(SQL["roll_samples"]).format(
        table=sql.Identifier(kind.table),
        gauges=sql.SQL(", ").join(gauges),
        steps=sql.SQL("").join(steps),
        counted=sql.SQL(", ").join(counted),
    )


def _gauge(name: str, is_flag: bool) -> sql.Composed:
    column = sql.SQL("{}::int").format(sql.Identifier(name)) if is_flag else sql.Identifier(name)
    return sql.SQL(
        "{0}, CASE WHEN count({1}) > 0 THEN jsonb_build_array(count({1}), avg({1})::float8, min({1}), max({1})) END"
    ).format(sql.Literal(name), column)


def _counted(name: str) -> sql.Composed:
    return sql.SQL(
        "{0}, CASE WHEN count({1}) > 0 THEN "
        "jsonb_build_array(sum({1}), sum(seconds) FILTER (WHERE {1} IS NOT NULL)) END"
    ).format(sql.Literal(name), _step(name))


def _step(name: str) -> sql.Identifier:
    return sql.Identifier(f"step_{name}")
