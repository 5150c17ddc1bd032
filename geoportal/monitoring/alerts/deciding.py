"""One look at one rule: readings and standing alerts in, decisions out. Pure, so that replay and monitor agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from geoportal.monitoring.alerts.grouping import Cause, Count, Grouping, Lost, Target, common_causes
from geoportal.monitoring.alerts.machine import RESOLVED, Reading, Standing, Step, Timing, advance

ROME = ZoneInfo("Europe/Rome")


@dataclass(frozen=True, slots=True)
class Hours:
    """Local hours in which a rule may raise; without both ends always."""

    begin: time | None = None
    end: time | None = None
    weekdays: str = "1234567"

    def cover(self, now: datetime) -> bool:
        """Hours past midnight belong to the day on which they began."""
        if self.begin is None or self.end is None:
            return str(now.astimezone(ROME).isoweekday()) in self.weekdays
        local = now.astimezone(ROME)
        clock, day = local.time(), local.isoweekday()
        if self.begin <= self.end:
            return self.begin <= clock < self.end and str(day) in self.weekdays
        if clock >= self.begin:
            return str(day) in self.weekdays
        return clock < self.end and str((day - 2) % 7 + 1) in self.weekdays


@dataclass(frozen=True, slots=True)
class Rule:
    """What deciding needs of a rule."""

    id: int
    timing: Timing
    grouping: Grouping
    hours: Hours


@dataclass(frozen=True, slots=True)
class Held:
    """An open alert, and the common cause it was put under."""

    standing: Standing
    parent: Target | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The reading of a device and the groups it belongs to."""

    reading: Reading
    belongs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What one target's alert is from now on. `parent` is the common cause under which nobody is called for it."""

    target: Target
    standing: Standing
    steps: tuple[Step, ...]
    parent: Target | None
    evidence: dict[str, Any]


def decide(
    rule: Rule,
    seen: Mapping[str, Seen],
    held: Mapping[Target, Held],
    counts: Mapping[Target, Count],
    now: datetime,
) -> list[Decision]:
    """Decide every device that shows something or has an open alert, and every group of them, groups first."""
    raising = rule.hours.cover(now)
    open_since = {target: one.standing.since for target, one in held.items() if target[0] != "device"}
    causes = {cause.target: cause for cause in common_causes(rule.grouping, _lost(seen, now), counts, open_since)}
    groups = [
        decision
        for target in [*causes, *(target for target in open_since if target not in causes)]
        if (decision := _decide_group(rule, target, causes.get(target), held, counts, raising, now)) is not None
    ]
    # A group that is ending still covers its own until it has ended.
    standing = {decision.target for decision in groups if decision.standing.state != RESOLVED}
    explained = {devid: cause.target for cause in causes.values() for devid in cause.devids if cause.target in standing}
    devices = [
        decision
        for devid, one in seen.items()
        if (decision := _decide_device(rule, devid, one, held, explained, standing, raising, now)) is not None
    ]
    return groups + devices


def _lost(seen: Mapping[str, Seen], now: datetime) -> Sequence[Lost]:
    return [
        Lost(devid, one.reading.since or now, one.belongs)
        for devid, one in seen.items()
        if one.reading.holds and not one.reading.silenced
    ]


def _decide_group(
    rule: Rule,
    target: Target,
    cause: Cause | None,
    held: Mapping[Target, Held],
    counts: Mapping[Target, Count],
    raising: bool,
    now: datetime,
) -> Decision | None:
    count = counts.get(target, Count(0))
    # A group of which half cannot be seen has not come back: nobody knows.
    holds = True if cause else (None if count.unseen and count.unseen >= count.seen else False)
    evidence = {"lost": len(cause.devids), "total": cause.total, "devids": list(cause.devids)} if cause else {}
    reading = Reading(holds, now.isoformat(), cause.since if cause else None, raising, evidence=evidence)
    before = held.get(target)
    after, steps = advance(before.standing if before else None, reading, rule.timing, now)
    return None if after is None else Decision(target, after, tuple(steps), None, evidence)


def _decide_device(
    rule: Rule,
    devid: str,
    one: Seen,
    held: Mapping[Target, Held],
    explained: Mapping[str, Target],
    standing: set[Target],
    raising: bool,
    now: datetime,
) -> Decision | None:
    target = ("device", devid)
    before = held.get(target)
    reading = one.reading
    if not raising:
        reading = Reading(reading.holds, reading.mark, reading.since, False, reading.silenced, reading.evidence)
    after, steps = advance(before.standing if before else None, reading, rule.timing, now)
    if after is None:
        return None
    was_under = before.parent if before else None
    parent = explained.get(devid) or (was_under if was_under in standing else None)
    if was_under is not None and parent is None and after.is_out and not steps and reading.holds:
        # The common cause is over and this device is still lost: now it is a trouble of its own.
        steps = [Step(after.state, after.state, "apart")]
    return Decision(target, after, tuple(steps), parent, dict(reading.evidence))
