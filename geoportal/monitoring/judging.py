"""Judging devices in the database: read, judge, write what changed. The rules themselves stand in `health`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec
from psycopg2 import sql

from geoportal.monitoring.health import LOST_HOLD, Judgement, Observation, judge, rules_of
from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "judging")
MOST_ARE_LOST = sql.SQL(SQL["most_are_lost"])
"""A condition for statements that need it; it takes `now` and `lost_hold`."""


class Cursor(Protocol):
    """A database cursor inside a transaction: psycopg2's own or Django's."""

    def execute(self, query: Any, vars: Any = None, /) -> Any: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


class _Known(msgspec.Struct):
    code: str
    since: datetime


_known = msgspec.json.Decoder(list[_Known])
_metrics = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Row:
    """One device as it stands, with what was said of it last."""

    id: int
    seen: Observation
    health: str
    cause: str
    evidence: str


@dataclass(frozen=True, slots=True)
class _Verdict:
    id: int
    judgement: Judgement
    evidence: str
    moved: bool
    """Whether health or cause changed, not just a number in the evidence."""


def rejudge(cursor: Cursor, device_ids: Sequence[int], now: datetime) -> list[int]:
    """Judge these devices inside the caller's transaction. Returns the ids whose health or cause changed.

    Locks the status rows, writes those whose health, cause or evidence changed, and with health or cause the state
    interval. Ids without a status row are passed over.
    """
    if not device_ids:
        return []
    verdicts = [_judge(row) for row in _read(cursor, device_ids, now)]
    changed = [verdict for verdict in verdicts if verdict is not None]
    if not changed:
        return []
    cursor.execute(SQL["write_judgements"], {**_columns(changed), "now": now})
    moved = [verdict for verdict in changed if verdict.moved]
    if moved:
        cursor.execute(SQL["close_intervals"], {"ids": [verdict.id for verdict in moved], "now": now})
        cursor.execute(SQL["open_intervals"], {**_columns(moved), "now": now})
    return [verdict.id for verdict in moved]


def _judge(row: _Row) -> _Verdict | None:
    judgement = judge(row.seen)
    evidence = msgspec.json.encode([one.as_json() for one in judgement.evidence]).decode()
    moved = (judgement.health, judgement.cause) != (row.health, row.cause)
    if not moved and (not judgement.evidence) == (row.evidence == "[]") and _same(evidence, row.evidence):
        return None
    return _Verdict(row.id, judgement, evidence, moved)


def _same(new: str, held: str) -> bool:
    # PostgreSQL orders the keys of a jsonb in its own way: compared as values, and only when there is something.
    return new == held or bool(msgspec.json.decode(new) == msgspec.json.decode(held))


def _columns(verdicts: list[_Verdict]) -> dict[str, list[Any]]:
    return {
        "ids": [verdict.id for verdict in verdicts],
        "healths": [verdict.judgement.health for verdict in verdicts],
        "causes": [verdict.judgement.cause for verdict in verdicts],
        "evidences": [verdict.evidence for verdict in verdicts],
    }


def _read(cursor: Cursor, device_ids: Sequence[int], now: datetime) -> Iterable[_Row]:
    lost_hold = f"{LOST_HOLD.total_seconds()} s"
    statement = sql.SQL(SQL["observe"]).format(most_are_lost=MOST_ARE_LOST)
    cursor.execute(statement, {"ids": list(device_ids), "now": now, "lost_hold": lost_hold})
    rows = cursor.fetchall()
    attributes = _attributes(cursor, rows)
    return [_row(row, attributes.get(row[0], {}), now) for row in rows]


def _row(row: tuple[Any, ...], attributes: Mapping[str, Any], now: datetime) -> _Row:
    (device, kind, lifecycle, interval, enrolled_at, presence, presence_at, *rest) = row
    last_seen, reconnections, most_are_lost, clock_bad, metrics, health, cause, evidence, *rest = rest
    maintenance, blind_since, listening_since = rest
    seen = Observation(
        now=now,
        kind=kind,
        lifecycle=lifecycle,
        interval_s=interval,
        enrolled_at=enrolled_at,
        presence=presence,
        presence_at=presence_at,
        last_seen_at=last_seen,
        reconnections=reconnections,
        most_are_lost=most_are_lost,
        clock_bad=clock_bad,
        metrics=_metrics.decode(metrics),
        attributes=attributes,
        in_maintenance_since=maintenance,
        blind_since=blind_since,
        listening_since=listening_since,
        known_since={} if evidence == "[]" else {one.code: one.since for one in _known.decode(evidence)},
    )
    return _Row(device, seen, health, cause, evidence)


def _attributes(cursor: Cursor, rows: list[tuple[Any, ...]]) -> dict[int, dict[str, Any]]:
    """What the inventory knows of these devices, by id: one query for each kind whose rules ask for columns."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_kind[row[1]].append(row[0])
    found: dict[int, dict[str, Any]] = {}
    for kind, ids in by_kind.items():
        rules = rules_of(kind)
        if rules is None or not rules.columns:
            continue
        columns = sql.SQL(", ").join(map(sql.Identifier, rules.columns))
        statement = sql.SQL(SQL["attributes"]).format(table=sql.Identifier(rules.table), columns=columns)
        cursor.execute(statement, {"ids": ids})
        for device, *values in cursor.fetchall():
            found[device] = dict(zip(rules.columns, values, strict=True))
    return found
