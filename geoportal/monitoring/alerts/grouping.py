"""Common causes: which feeder, cabinet or area explains that many devices are lost together. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

Target = tuple[str, str]
"""(scope, key): `("device", devid)`, `("feeder", name)`, `("cabinet", name)`, `("area", name)`, `("self", "")`."""

SCOPES = ("feeder", "cabinet", "area")
"""Widest electrical cause first: a cut of a feeder also darkens its cabinets."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """The part of a rule that is about common causes."""

    scopes: Sequence[str] = ()
    share: float = 0.6
    least: int = 3
    window: timedelta = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Lost:
    """A device for which the condition holds."""

    devid: str
    since: datetime
    belongs: Mapping[str, str]
    """Scope to key, where it belongs to one."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many devices of a group are in service and seen, and how many cannot be seen now."""

    seen: int
    unseen: int = 0


@dataclass(frozen=True, slots=True)
class Cause:
    """A group whose loss is one trouble, with the devices that it explains."""

    target: Target
    since: datetime
    total: int
    devids: tuple[str, ...] = field(default_factory=tuple)


def common_causes(
    grouping: Grouping,
    lost: Sequence[Lost],
    counts: Mapping[Target, Count],
    open_since: Mapping[Target, datetime],
) -> list[Cause]:
    """The groups lost together. A group that is already open stays until less than half of what raised it is lost."""
    causes: list[Cause] = []
    rest = list(lost)
    for scope in [scope for scope in SCOPES if scope in grouping.scopes]:
        by_key: dict[str, list[Lost]] = defaultdict(list)
        for one in rest:
            if key := one.belongs.get(scope):
                by_key[key].append(one)
        for key, members in sorted(by_key.items()):
            cause = _cause(grouping, (scope, key), members, counts, open_since.get((scope, key)))
            if cause is not None:
                causes.append(cause)
                explained = set(cause.devids)
                rest = [one for one in rest if one.devid not in explained]
    return causes


def _cause(
    grouping: Grouping,
    target: Target,
    members: list[Lost],
    counts: Mapping[Target, Count],
    since: datetime | None,
) -> Cause | None:
    total = max(counts.get(target, Count(0)).seen, len(members))
    need = max(grouping.least, ceil(grouping.share * total))
    if since is None:
        together = _together(members, grouping.window)
        if len(together) < need:
            return None
    else:
        together = [one for one in members if one.since >= since - grouping.window]
        if len(together) < max(2, ceil(need / 2)):
            return None
    beginning = min(one.since for one in together)
    return Cause(target, since or beginning, total, tuple(sorted(one.devid for one in together)))


def _together(members: list[Lost], window: timedelta) -> list[Lost]:
    """The largest set lost within one window; of two as large the later."""
    ordered = sorted(members, key=lambda one: one.since)
    best: list[Lost] = []
    first = 0
    for last, one in enumerate(ordered):
        while one.since - ordered[first].since > window:
            first += 1
        if last + 1 - first >= len(best):
            best = ordered[first : last + 1]
    return best
