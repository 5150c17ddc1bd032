"""The life of one alert: pending → firing → acknowledged → resolved. Pure: the moment is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

FLAP_WINDOW = timedelta(minutes=30)
FLAP_FLIPS = 6
"""Comings and goings within the window that make a condition flapping: three times there and back."""
FLAP_CALM = timedelta(minutes=15)
"""A flapping condition has to stay away this long before the alert ends."""

PENDING, FIRING, ACKNOWLEDGED, RESOLVED = "pending", "firing", "acknowledged", "resolved"
CALLS = frozenset({"lasted", "flapping", "repeated", "escalated", "cleared", "apart"})
"""Reasons for which people are called. The others are recorded only."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The part of a rule that is about time, in seconds."""

    for_s: int = 120
    keep_s: int = 300
    min_samples: int = 2
    repeat_s: int = 14400
    escalate_s: int = 3600


@dataclass(frozen=True, slots=True)
class Reading:
    """What is seen now. `holds` is None when nobody can tell: blind, too old, not measured."""

    holds: bool | None
    mark: str
    """Identity of the sample: one sample looked at twice counts once."""
    since: datetime | None = None
    """When the condition began, where the evidence knows."""
    may_raise: bool = True
    """False outside the hours of the rule: what is open may end, nothing new is raised."""
    silenced: str = ""
    """Why nothing is to be said of it: `maintenance`, `out_of_service`, `rule_off`."""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert as it stands."""

    state: str
    since: datetime
    samples: int = 0
    mark: str = ""
    clear_since: datetime | None = None
    fired_at: datetime | None = None
    notified_at: datetime | None = None
    escalated_at: datetime | None = None
    flips: tuple[datetime, ...] = ()
    is_flapping: bool = False

    @property
    def is_out(self) -> bool:
        return self.state in (FIRING, ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition; `why` is a code of `texts.REASONS`."""

    before: str
    after: str
    why: str


def advance(held: Standing | None, seen: Reading, timing: Timing, now: datetime) -> tuple[Standing | None, list[Step]]:
    """The alert after this look, and its steps. None where there is no alert before or after.

    A resolved standing is returned once, with the step that resolved it.
    """
    if seen.silenced:
        return _end(held, seen.silenced)
    if held is None:
        return _begin(seen, timing, now) if seen.holds and seen.may_raise else (None, [])
    if seen.holds is None:
        # Who cannot see neither raises nor ends: what was out stays as it is, what only waited has to begin anew.
        return (held, []) if held.is_out else _end(held, "unseen")
    held = _note(held, seen, timing, now)
    if held.is_out:
        return _go_on(held, timing, now)
    return _wait(held, seen, timing, now)


def next_due(held: Standing, timing: Timing) -> datetime | None:
    """When this alert has to be looked at again although nothing changes; None when only a change can move it."""
    calm = _calm(held, timing)
    moments = [held.clear_since + calm] if held.clear_since is not None else []
    if held.state == PENDING and held.clear_since is None:
        moments.append(held.since + timedelta(seconds=timing.for_s))
    return min(moments, default=None)


def _begin(seen: Reading, timing: Timing, now: datetime) -> tuple[Standing, list[Step]]:
    since = min(seen.since or now, now)
    held = Standing(PENDING, since, samples=1, mark=seen.mark, flips=(now,))
    return held, [Step("", PENDING, "seen")]


def _end(held: Standing | None, why: str) -> tuple[Standing | None, list[Step]]:
    if held is None:
        return None, []
    return replace(held, state=RESOLVED), [Step(held.state, RESOLVED, why)]


def _note(held: Standing, seen: Reading, timing: Timing, now: datetime) -> Standing:
    """Count the sample and the change, without a decision."""
    flips = tuple(moment for moment in held.flips if now - moment <= FLAP_WINDOW)
    if seen.holds:
        if held.clear_since is not None:
            since = held.since if held.is_out else max(seen.since or now, held.clear_since)
            held = replace(held, clear_since=None, since=since, samples=0)
            flips = (*flips, now)
        if held.samples < timing.min_samples and seen.mark != held.mark:
            # Counted only as far as it matters: an alert that merely goes on is not written at every look.
            held = replace(held, samples=held.samples + 1, mark=seen.mark)
    elif held.clear_since is None:
        held = replace(held, clear_since=now)
        flips = (*flips, now)
    flapping = len(flips) >= FLAP_FLIPS or (held.is_flapping and bool(flips) and now - flips[-1] < FLAP_CALM)
    return replace(held, flips=flips[-2 * FLAP_FLIPS :], is_flapping=flapping)


def _wait(held: Standing, seen: Reading, timing: Timing, now: datetime) -> tuple[Standing, list[Step]]:
    if held.clear_since is not None and not held.is_flapping:
        if now - held.clear_since >= timedelta(seconds=timing.keep_s):
            return replace(held, state=RESOLVED), [Step(PENDING, RESOLVED, "passed")]
        return held, []
    if not seen.may_raise:
        return held, []
    lasted = now - held.since >= timedelta(seconds=timing.for_s) and held.clear_since is None
    if held.is_flapping or (lasted and held.samples >= timing.min_samples):
        out = replace(held, state=FIRING, fired_at=now, notified_at=now)
        return out, [Step(PENDING, FIRING, "lasted" if lasted else "flapping")]
    return held, []


def _go_on(held: Standing, timing: Timing, now: datetime) -> tuple[Standing, list[Step]]:
    if held.clear_since is not None:
        if now - held.clear_since >= _calm(held, timing):
            return replace(held, state=RESOLVED), [Step(held.state, RESOLVED, "cleared")]
        return held, []
    if held.state == ACKNOWLEDGED:
        return held, []
    waited = now - (held.fired_at or now)
    if timing.escalate_s and held.escalated_at is None and waited >= timedelta(seconds=timing.escalate_s):
        return replace(held, escalated_at=now, notified_at=now), [Step(FIRING, FIRING, "escalated")]
    if timing.repeat_s and now - (held.notified_at or now) >= timedelta(seconds=timing.repeat_s):
        return replace(held, notified_at=now), [Step(FIRING, FIRING, "repeated")]
    return held, []


def _calm(held: Standing, timing: Timing) -> timedelta:
    keep = timedelta(seconds=timing.keep_s)
    return max(keep, FLAP_CALM) if held.is_flapping else keep
