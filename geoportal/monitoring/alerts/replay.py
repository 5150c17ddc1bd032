"""What a rule would have done: the same deciding code run over the stored past, nothing written and nobody called.

Rules about causes run over the state intervals, which keep the weightiest cause of each time; rules about a measurement
run over the stored samples. The alert about ourselves runs over the times in which devices were unknown because we
were blind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from psycopg2 import sql

from geoportal.messaging.kinds import kinds
from geoportal.monitoring.alerts.deciding import Held, Rule, Seen, decide
from geoportal.monitoring.alerts.evaluation import CONNECTION_CAUSES, compiled, falls
from geoportal.monitoring.alerts.grouping import SCOPES, Count, Target
from geoportal.monitoring.alerts.machine import PENDING, RESOLVED, Reading, next_due
from geoportal.monitoring.alerts.models import AlertRule
from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "replay")

LOOK = timedelta(seconds=5)
"""What the monitor would have waited between two looks."""
MINUTE = timedelta(minutes=1)
MOST_EVENTS = 200_000


class TooMuch(Exception):
    """The period holds more than can be replayed at once; the text says how much."""


@dataclass(frozen=True, slots=True)
class Event:
    """From `at` on, a device is in this condition. `holds` None: nobody could tell."""

    at: datetime
    devid: str
    belongs: Mapping[str, str]
    holds: bool | None
    silenced: str = ""
    mark: str = ""
    value: float | None = None


@dataclass(slots=True)
class Replayed:
    """An alert as it would have been. `ended_at` None: still open at the end of the period."""

    scope: str
    key: str
    since: datetime
    fired_at: datetime
    ended_at: datetime | None = None
    under: Target | None = None
    """The common cause that would have kept it quiet."""
    is_flapping: bool = False
    devices: int = 1


@dataclass(slots=True)
class _World:
    """The devices as they stand at one moment of the replayed time."""

    now: dict[str, Event] = field(default_factory=dict)
    counts: dict[Target, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def apply(self, event: Event) -> None:
        before = self.now.get(event.devid)
        if before is not None:
            self._count(before, -1)
        self._count(event, 1)
        self.now[event.devid] = event

    def _count(self, event: Event, by: int) -> None:
        if event.silenced:
            return
        for target in event.belongs.items():
            self.counts[target][event.holds is None] += by


def replay(rule: AlertRule, begin: datetime, end: datetime) -> list[Replayed]:
    """The alerts that the rule would have raised in [begin, end), in order. Raises TooMuch."""
    return run(compiled(rule), events_of(rule, begin, end), end, scope_of_all=_scope(rule))


def _scope(rule: AlertRule) -> Target | None:
    return ("self", "") if rule.subject == AlertRule.Subject.BLIND else None


def run(rule: Rule, events: Iterable[Event], end: datetime, *, scope_of_all: Target | None = None) -> list[Replayed]:
    """Run deciding over events in the order of time. Pure."""
    # A replay tells what would have been raised; it does not count how often people would have been reminded.
    rule = replace(rule, timing=replace(rule.timing, repeat_s=0, escalate_s=0))
    world, held, done = _World(), dict[Target, Held](), dict[Target, Replayed]()
    found: list[Replayed] = []
    waiting = sorted(events, key=lambda event: event.at)
    place = 0
    now: datetime | None = None
    while True:
        moment = waiting[place].at if place < len(waiting) else None
        due = _due(held, world, rule, now)
        if due is not None and (moment is None or due < moment):
            moment = due
        if moment is None or moment >= end:
            return sorted(found, key=lambda one: (one.fired_at, one.scope, one.key))
        now = moment
        while place < len(waiting) and waiting[place].at <= now:
            world.apply(waiting[place])
            place += 1
        _look(rule, world, held, done, found, now, scope_of_all)


def _due(held: Mapping[Target, Held], world: _World, rule: Rule, now: datetime | None) -> datetime | None:
    """The next moment at which time alone moves an alert, never one that was looked at already."""
    if now is None:
        return None
    moments = []
    for one in held.values():
        due = next_due(one.standing, rule.timing)
        if due is not None:
            # Outside its hours, or short of samples, an alert waits on: looked at again every minute.
            short = one.standing.samples < rule.timing.min_samples
            moments.append(due if due > now else now + (LOOK if short else MINUTE))
    if rule.hours.begin is not None and any(
        event.holds and not event.silenced and ("device", devid) not in held for devid, event in world.now.items()
    ):
        # Something holds outside the hours of the rule: it is raised when they begin.
        moments.append(now + MINUTE)
    return min(moments, default=None)


def _look(
    rule: Rule,
    world: _World,
    held: dict[Target, Held],
    done: dict[Target, Replayed],
    found: list[Replayed],
    now: datetime,
    scope_of_all: Target | None,
) -> None:
    seen = _as_one(world, now) if scope_of_all else _seen(world, held, now)
    counts = {target: Count(one[0], one[1]) for target, one in world.counts.items()}
    for decision in decide(rule, seen, held, counts, now):
        target, standing = decision.target, decision.standing
        if standing.state == RESOLVED:
            held.pop(target, None)
            ended = done.pop(target, None)
            if ended is not None:
                ended.ended_at = now
            continue
        held[target] = Held(standing, decision.parent)
        if standing.state != PENDING and target not in done:
            scope, key = scope_of_all or target
            done[target] = Replayed(scope, key, standing.since, now, None, decision.parent)
            found.append(done[target])
        if target in done:
            one = done[target]
            one.under = one.under and decision.parent
            one.is_flapping |= standing.is_flapping
            one.devices = max(one.devices, int(decision.evidence.get("lost", 1)))


def _seen(world: _World, held: Mapping[Target, Held], now: datetime) -> dict[str, Seen]:
    found = {}
    for devid, event in world.now.items():
        if not event.holds and ("device", devid) not in held:
            continue
        evidence: dict[str, Any] = {} if event.value is None else {"value": event.value}
        mark = event.mark or now.isoformat()
        reading = Reading(event.holds, mark, event.at if event.holds else None, True, event.silenced, evidence)
        found[devid] = Seen(reading, event.belongs)
    return found


def _as_one(world: _World, now: datetime) -> dict[str, Seen]:
    """The centre as the only thing that is looked at: blind while any device is unknown for that reason."""
    blind = [event.at for event in world.now.values() if event.holds]
    reading = Reading(bool(blind), now.isoformat(), min(blind, default=None), evidence={"lost": len(blind)})
    return {"": Seen(reading, {})}


def events_of(rule: AlertRule, begin: datetime, end: datetime) -> list[Event]:
    """The stored past of a rule's condition. Raises TooMuch."""
    with connection.cursor() as cursor:
        if rule.subject == AlertRule.Subject.METRIC:
            return [event for table in _tables(rule) for event in _samples(cursor, rule, table, begin, end)]
        blind = rule.subject == AlertRule.Subject.BLIND
        causes = ["we_are_blind"] if blind else rule.causes
        parameters: dict[str, Any] = {
            "begin": begin, "end": end, "kind": rule.kind, "causes": causes, "most": MOST_EVENTS + 1,
        }  # fmt: skip
        cursor.execute(SQL["intervals"], parameters)
        rows = cursor.fetchall()
    _check(len(rows))
    return [_of_interval(row, blind) for row in rows]


def _check(number: int) -> None:
    if number > MOST_EVENTS:
        raise TooMuch(f"more than {MOST_EVENTS} stored changes or samples in the period: choose a shorter one")


def _of_interval(row: tuple[Any, ...], blind: bool) -> Event:
    devid, feeder, cabinet, area, started_at, health, shown, cause = row
    belongs = {scope: key for scope, key in zip(SCOPES, (feeder, cabinet, area), strict=True) if key}
    if blind:
        return Event(started_at, devid, {}, shown)
    holds = None if health == "unknown" else bool(shown)
    # A cause without a sample is seen anew at each look; of the others the interval's samples are not kept.
    mark = "" if cause in CONNECTION_CAUSES or holds else started_at.isoformat()
    return Event(started_at, devid, belongs, holds, "maintenance" if health == "maintenance" else "", mark)


def _tables(rule: AlertRule) -> list[str]:
    """The telemetry tables of the rule's kinds that have the measurement."""
    return [kind.table for kind in kinds() if rule.kind in ("", kind.code) and rule.metric in kind.columns]


def _samples(cursor: Any, rule: AlertRule, table: str, begin: datetime, end: datetime) -> list[Event]:
    statement = sql.SQL(SQL["samples"]).format(table=sql.Identifier(table), metric=sql.Identifier(rule.metric))
    cursor.execute(statement, {"begin": begin, "end": end, "most": MOST_EVENTS + 1})
    rows = cursor.fetchall()
    _check(len(rows))
    out: set[str] = set()
    events = []
    for devid, feeder, cabinet, area, at, value in rows:
        belongs = {scope: key for scope, key in zip(SCOPES, (feeder, cabinet, area), strict=True) if key}
        holds = _beyond(rule, float(value), devid in out)
        (out.add if holds else out.discard)(devid)
        events.append(Event(at, devid, belongs, holds, mark=at.isoformat(), value=float(value)))
    return events


def _beyond(rule: AlertRule, value: float, out: bool) -> bool:
    raise_at, clear_at = rule.raise_at or 0.0, rule.clear_at or 0.0
    if falls(rule):
        return value < clear_at if out else value <= raise_at
    return value > clear_at if out else value >= raise_at
