"""What happens in a city that nobody wrote a script for: cuts of power, restarts, leaks, wrong clocks, hangs, matches.

Pure, like the measurements: the same seed, device and moment give the same event. Sources: devices.md §3 of the design;
rates are the design's, where it names none, chosen so that a technician of fifty devices has something to do each day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from geoportal.simulator.city import ROME, moment
from geoportal.simulator.metrics import Effect, Site
from geoportal.simulator.noise import gauss, uniform

DAY_S = 86_400.0
CABINET_CUT_DAYS, FEEDER_CUT_DAYS = 45.0, 180.0
"""Mean days between cuts of power of one cabinet, of one feeder."""
LEAK_DAYS, LEAK_PER_HOUR = 9.0, 0.2
"""Some access points lose memory until the kernel stops them: percent an hour."""
RESTART_S = 70.0
UNSET_CLOCK_S = 600.0
LATE_S = -37.0
"""Two devices are this late; a third begins in 1970 at each start, until its time server answers."""
HANG_DAYS, DOOR_DAYS = 40.0, 30.0
HEAT_C = 33.0
_EPOCH = datetime(2026, 1, 1, tzinfo=ROME).timestamp()


@dataclass(frozen=True, slots=True)
class City:
    """Which of a fleet's devices have a trouble of their own."""

    seed: int
    leaking: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    unset: frozenset[str] = frozenset()
    wrapping: frozenset[str] = frozenset()
    """Traffic counters of 32 bits."""

    @classmethod
    def of(cls, sites: Sequence[Site], seed: int) -> City:
        """Three access points leak, two devices are late, one forgets the time, one counts in 32 bits."""
        points = sorted(
            (site.devid for site in sites if site.kind == "ap"), key=lambda devid: uniform(seed, devid, "own trouble")
        )
        if len(points) < 10:
            return cls(seed)
        parts = (points[:3], points[3:5], points[5:6], points[6:7])
        return cls(seed, *map(frozenset, parts))

    def effect(self, site: Site, at: float) -> Effect:
        """What happens to a device at `at`, seconds since the epoch."""
        began_at = self.started_at(site, at)
        found = Effect(powered=at >= began_at and not self.is_dark(site, at), crowd=self.crowd(site, at))
        added: dict[str, float] = {}
        if site.devid in self.leaking:
            added["mem"] = LEAK_PER_HOUR * max(0.0, at - began_at) / 3600
        if site.kind == "ap" and (noise := _episode(at, DAY_S / 2, 600, 2400, 0.15, self.seed, site.devid, "noise")):
            added["noise_24"] = 8.0 * noise
        changes = self._totem(site, at) if site.kind == "totem" else {}
        offset = LATE_S if site.devid in self.late else 0.0
        if site.devid in self.unset and at - began_at < UNSET_CLOCK_S:
            offset = -at
        return replace(found, added=added, changes=changes, clock_offset_s=offset)

    def is_dark(self, site: Site, at: float) -> bool:
        """Whether the power of its cabinet or feeder is cut: all of them go together and come back together."""
        return any(
            key and _episode(at, DAY_S, 300, 2400, 1 / days, self.seed, key, "cut") > 0
            for key, days in ((site.cabinet, CABINET_CUT_DAYS), (site.feeder, FEEDER_CUT_DAYS))
        )

    def started_at(self, site: Site, at: float) -> float:
        """When it last came up by itself: leaking ones every nine days, the others every twenty to sixty."""
        days = LEAK_DAYS if site.devid in self.leaking else 20 + 40 * uniform(self.seed, site.devid, "restarts")
        phase = uniform(self.seed, site.devid, "phase")
        number = math.floor((at - _EPOCH) / (days * DAY_S) + phase)
        return _EPOCH + (number - phase) * days * DAY_S + RESTART_S

    def crowd(self, site: Site, at: float) -> float:
        """Factor on the people around: the match fills the stadium, the fair of stringed instruments the totems."""
        local = datetime.fromtimestamp(at, ROME)
        if "Stadio" in site.place and 15 <= local.hour < 18 and self.has_match(local.date()):
            return 8.0
        if site.kind == "totem" and local.month == 9 and local.day >= 22:
            return 2.0
        return 1.0

    def has_match(self, day: date) -> bool:
        """Every other Sunday from September to May."""
        if day.weekday() != 6 or 6 <= day.month <= 8:
            return False
        return (day - date(2026, 1, 4)) // timedelta(days=7) % 2 == 0

    def _totem(self, site: Site, at: float) -> dict[str, bool]:
        found: dict[str, bool] = {}
        if _episode(at, DAY_S, 180, 900, 1 / HANG_DAYS, self.seed, site.devid, "hang"):
            found["page_alive"] = False
        if _episode(at, DAY_S, 600, 1800, 1 / DOOR_DAYS, self.seed, site.devid, "door"):
            found["door"] = True
        if gauss(self.seed, site.devid, int(at // 600)) > 1.5 and moment(at, self.seed).ambient_c > HEAT_C:
            found["undervolt"] = True
        return found


def _episode(at: float, every_s: float, shortest_s: float, longest_s: float, chance: float, *key: object) -> float:
    """How far into an episode `at` is, 0 where there is none; at most one begins in each span of `every_s` seconds.

    The level is 1 in the middle and falls off at the ends, never to 0 within the episode.
    """
    span = int(at // every_s)
    for number in (span - 1, span):
        if uniform(*key, number, "whether") >= chance:
            continue
        begin = (number + uniform(*key, number, "when")) * every_s
        lasts = shortest_s + (longest_s - shortest_s) * uniform(*key, number, "how long") ** 2
        if begin <= at < begin + lasts:
            return 0.3 + 0.7 * math.sin(math.pi * (at - begin) / lasts)
    return 0.0
