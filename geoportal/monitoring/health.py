"""What a device's health is, and why. Pure functions: no clock, no database, the moment is part of the observation.

A judgement rests on an evidence list. One evidence alone makes at most a *problem*; *critical* needs a second,
independent one, or one that has lasted long enough to be its own proof. What we cannot see is *unknown*, never broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

SILENT_INTERVALS = 3
"""Missed samples before silence is an evidence: one may be late, two may be lost on the way."""
LONG_SILENCE = timedelta(minutes=30)
"""Silence that is critical by itself, even without a last will. Source: default tolerance of OpenWISP Monitoring."""
LONG_SILENCE_INTERVALS = 20
"""The same for devices that report so rarely that half an hour is few samples."""
FIRST_WORD = timedelta(minutes=15)
"""A device that has credentials and was never heard for so long: a refused publication looks like success to it."""
LOST_MOMENT = timedelta(milliseconds=700)
"""A will counts after this time, so that those that come together are seen together."""
LOST_HOLD = timedelta(seconds=15)
"""Wills of most devices together count after this: a broker that is restarted sends everybody's, and all come back."""
LATE_WILLS = timedelta(seconds=5)
"""Wills that waited at the broker have all come so long after we began to listen again."""
UNSTABLE, STEADY = 6, 3
"""Connections made anew within `RECONNECTION_WINDOW`: unstable from the first, no longer from below the second."""
RECONNECTION_WINDOW = timedelta(minutes=30)


class Severity(IntEnum):
    """How much an evidence weighs. A note is kept and shown, and changes nothing."""

    NOTE = 0
    PROBLEM = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason: what was found (`code`, `value`), against which `threshold`, and since when without interruption."""

    code: str
    severity: Severity
    value: float | str | bool | None
    threshold: float | str | None
    since: datetime

    def as_json(self) -> dict[str, Any]:
        """The form kept in `DeviceStatus.evidence`."""
        return {
            "code": self.code,
            "severity": self.severity.name.lower(),
            "value": self.value,
            "threshold": self.threshold,
            "since": self.since.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that is known of one device at the moment `now`."""

    now: datetime
    kind: str
    lifecycle: str = "active"
    interval_s: int = 30
    enrolled_at: datetime | None = None
    presence: str = "never"
    presence_at: datetime | None = None
    last_seen_at: datetime | None = None
    reconnections: int = 0
    """How often it connected again within `RECONNECTION_WINDOW`."""
    most_are_lost: bool = False
    """Whether most devices sent their wills within `LOST_HOLD`."""
    clock_bad: bool = False
    metrics: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What the inventory knows and the rules of this kind asked for."""
    in_maintenance_since: datetime | None = None
    blind_since: datetime | None = None
    """When we stopped listening to this device's shard; None while we listen."""
    listening_since: datetime | None = None
    """When we began to listen again: silence before that is ours, not the device's."""
    known_since: Mapping[str, datetime] = field(default_factory=dict)
    """Code and beginning of the evidences of the previous judgement."""

    def since(self, code: str, start: datetime | None = None) -> datetime:
        """When this evidence began: as known before, else `start`, else now."""
        return self.known_since.get(code) or start or self.now

    @property
    def silence(self) -> timedelta | None:
        """For how long we listened and heard nothing; None for a device that was never heard."""
        if self.last_seen_at is None:
            return None
        heard = max(self.last_seen_at, self.listening_since or self.last_seen_at)
        return max(self.now - heard, timedelta(0))

    @property
    def lost_hold(self) -> timedelta:
        """For how long a will is not believed. One that came when we began to listen again was the broker's doing:
        then the device has as long to come back as it has to speak.
        """
        began = self.listening_since
        if self.presence_at and began and began - LOST_HOLD <= self.presence_at <= began + LATE_WILLS:
            return began + timedelta(seconds=SILENT_INTERVALS * self.interval_s) - self.presence_at
        return LOST_HOLD if self.most_are_lost else LOST_MOMENT

    @property
    def is_silent(self) -> bool:
        silence = self.silence
        return silence is not None and silence > timedelta(seconds=SILENT_INTERVALS * self.interval_s)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The health, the code of its weightiest reason, and every evidence, weightiest first."""

    health: str
    cause: str
    evidence: tuple[Evidence, ...] = ()


Rule = Callable[[Observation], Iterable[Evidence]]


@dataclass(frozen=True, slots=True)
class KindRules:
    """What one kind of device adds: rules for its parts, and which inventory columns they need."""

    rule: Rule
    table: str = ""
    columns: tuple[str, ...] = ()


_kinds: dict[str, KindRules] = {}


def register(kind: str, rules: KindRules) -> None:
    """Give a kind of device its rules; each app does so when Django starts it."""
    _kinds[kind] = rules


def rules_of(kind: str) -> KindRules | None:
    """The rules of a kind, None for one that has only the common ones."""
    return _kinds.get(kind)


def judge(seen: Observation) -> Judgement:
    """The health of one device. The first of these that holds decides: lifecycle, maintenance, blindness, evidence."""
    standing = _out_of_service(seen)
    if standing is not None:
        return standing
    if seen.last_seen_at is None:
        return _never_heard(seen)
    if seen.blind_since is not None and seen.last_seen_at <= seen.blind_since:
        blind = Evidence("we_are_blind", Severity.NOTE, None, None, seen.blind_since)
        return Judgement("unknown", blind.code, (blind,))
    evidence = [*_connection(seen)]
    rules = _kinds.get(seen.kind)
    if rules is not None and not seen.is_silent:
        # A sample that is no longer fresh says nothing about the parts now.
        evidence += rules.rule(seen)
    return _weigh(evidence)


def _out_of_service(seen: Observation) -> Judgement | None:
    if seen.lifecycle == "removed":
        return Judgement("unknown", "removed")
    if seen.lifecycle in ("planned", "installed"):
        return Judgement("unknown", "not_yet_active")
    if seen.lifecycle == "suspended":
        return Judgement("maintenance", "suspended")
    if seen.in_maintenance_since is not None:
        window = Evidence("in_maintenance", Severity.NOTE, None, None, seen.in_maintenance_since)
        return Judgement("maintenance", window.code, (window,))
    return None


def _never_heard(seen: Observation) -> Judgement:
    if seen.enrolled_at is None or seen.blind_since is not None:
        return Judgement("unknown", "never_seen")
    start = max(seen.enrolled_at, seen.listening_since or seen.enrolled_at)
    waited = seen.now - start
    limit = max(FIRST_WORD, timedelta(seconds=SILENT_INTERVALS * seen.interval_s))
    if waited <= limit:
        return Judgement("unknown", "never_seen")
    mute = Evidence("never_heard", Severity.PROBLEM, round(waited.total_seconds()), limit.total_seconds(), start)
    return Judgement("problem", mute.code, (replace(mute, since=seen.since(mute.code, start)),))


def _connection(seen: Observation) -> list[Evidence]:
    """What the connection itself says: last will, goodbye, silence, coming and going."""
    if seen.presence == "offline":
        # A device that said goodbye is silent by its own word: that is one evidence, not two.
        return [Evidence("switched_off", Severity.PROBLEM, None, None, seen.since("switched_off", seen.presence_at))]
    found = []
    lost = seen.presence == "lost"
    silence = seen.silence
    if silence is not None and seen.is_silent:
        limit = timedelta(seconds=SILENT_INTERVALS * seen.interval_s)
        long = max(LONG_SILENCE, timedelta(seconds=LONG_SILENCE_INTERVALS * seen.interval_s))
        severity = Severity.CRITICAL if lost or silence > long else Severity.PROBLEM
        threshold = long if severity is Severity.CRITICAL and not lost else limit
        start = seen.since("silent", seen.last_seen_at)
        found.append(Evidence("silent", severity, round(silence.total_seconds()), threshold.total_seconds(), start))
    if lost:
        broken = Evidence("connection_lost", Severity.PROBLEM, None, None, seen.presence_at or seen.now)
        found.append(lasting(seen, broken, hold_s=seen.lost_hold.total_seconds()))
    if seen.reconnections >= (STEADY if "unstable" in seen.known_since else UNSTABLE):
        # Each absence is too short for a will or for silence; together they are a trouble.
        start = seen.since("unstable")
        found.append(Evidence("unstable", Severity.PROBLEM, seen.reconnections, UNSTABLE, start))
    return found


def _weigh(evidence: list[Evidence]) -> Judgement:
    # The sort is stable: within one severity the connection comes first, then the order of the kind's rules.
    ordered = tuple(sorted(evidence, key=lambda one: -one.severity))
    if not ordered or ordered[0].severity is Severity.NOTE:
        return Judgement("ok", "", ordered)
    return Judgement(ordered[0].severity.name.lower(), ordered[0].code, ordered)


@dataclass(frozen=True, slots=True)
class Limit:
    """A measurement against a threshold, with a lower one to clear it, so that a value at the edge does not flicker.

    A reading must last `hold_s` before it counts; until then it is a note. `critical_after_s` makes a lasting problem
    critical: many samples in a row are their own second evidence.
    """

    code: str
    metric: str
    raise_at: float
    clear_at: float
    hold_s: int = 0
    severity: Severity = Severity.PROBLEM
    critical_after_s: int | None = None
    falling: bool = False
    """Raised when the value falls to the threshold instead of rising to it."""

    def check(self, seen: Observation, value: Any) -> Evidence | None:
        """The evidence, or None when the value is fine or not measured: what cannot be measured is not an evidence."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        limit = self.clear_at if self.code in seen.known_since else self.raise_at
        if not (value <= limit if self.falling else value >= limit):
            return None
        return lasting(
            seen,
            Evidence(self.code, self.severity, value, self.raise_at, seen.now),
            hold_s=self.hold_s,
            critical_after_s=self.critical_after_s,
        )


def lasting(
    seen: Observation, evidence: Evidence, *, hold_s: float = 0, critical_after_s: int | None = None
) -> Evidence:
    """The evidence with its true beginning: a note until it lasted `hold_s`, critical after `critical_after_s`."""
    since = seen.since(evidence.code, evidence.since)
    lasted = (seen.now - since).total_seconds()
    severity = evidence.severity
    if lasted < hold_s:
        severity = Severity.NOTE
    elif critical_after_s is not None and lasted >= critical_after_s:
        severity = Severity.CRITICAL
    return replace(evidence, severity=severity, since=since)


def check_limits(seen: Observation, limits: Sequence[Limit]) -> list[Evidence]:
    """The evidences of a table of limits over the newest sample."""
    metrics = seen.metrics
    found = []
    for limit in limits:
        value = metrics.get(limit.metric)
        if value is not None and (evidence := limit.check(seen, value)) is not None:
            found.append(evidence)
    return found
