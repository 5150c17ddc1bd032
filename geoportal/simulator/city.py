"""The city around the devices: season, weather, hours, market days, matches. All functions of time and seed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from geoportal.simulator.noise import drift, uniform

ROME = ZoneInfo("Europe/Rome")
_HOURS = ((0.0, 0.15), (3.0, 0.05), (6.0, 0.15), (8.0, 0.5), (12.5, 0.8), (15.0, 0.7), (18.0, 1.0), (23.0, 0.45))
"""Demand over a day: local hour, share of the peak."""
MARKET_DAYS = (2, 5)
"""Wednesday and Saturday, in the centre."""
RAINY_SHARE = 0.18
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds for the whole city at a moment. `local` is civil time in Cremona."""

    at: float
    local: datetime
    demand: float
    """Share of the peak hour's demand, 0 to 1."""
    ambient_c: float
    sun: float
    """0 at night to 1 at a clear summer noon."""
    raining: bool

    @property
    def hour(self) -> float:
        """Local time in hours."""
        return self.local.hour + self.local.minute / 60 + self.local.second / 3600


def moment(at: float, seed: int) -> Moment:
    """The city at `at`, seconds since the epoch."""
    local = datetime.fromtimestamp(at, ROME)
    hour = local.hour + local.minute / 60 + local.second / 3600
    day = local.timetuple().tm_yday
    season = -math.cos(2 * math.pi * (day - 20) / 365.25)  # coldest about 20 January
    raining = drift(at, 6 * 3600, seed, "rain") > 0.92  # about RAINY_SHARE of the time
    height = max(0.0, math.sin(math.pi * (hour - 6.5) / 12.5)) if 6.5 < hour < 19 else 0.0
    sun = height * (0.65 + 0.35 * season) * (0.25 if raining else 1.0)
    ambient = 14.5 + 11 * season + (3.5 + 2 * season) * math.sin(2 * math.pi * (hour - 9) / 24)
    ambient += 2.5 * drift(at, _DAY_S, seed, "weather") - (2.0 if raining else 0.0)
    return Moment(at, local, demand_at(hour), min(37.0, max(-6.0, ambient)), sun, raining)


def demand_at(hour: float) -> float:
    """Share of the peak demand at a local hour, straight lines between the given ones."""
    points = (*_HOURS, (24.0, _HOURS[0][1]))
    for (start, low), (end, high) in itertools.pairwise(points):
        if start <= hour < end:
            return low + (high - low) * (hour - start) / (end - start)
    return _HOURS[0][1]


def weekly(local: datetime, area: str) -> float:
    """How much more or less than on a plain working day."""
    if area == "Centro" and local.weekday() in MARKET_DAYS and 8 <= local.hour < 14:
        return 1.4
    return (1.0, 1.0, 1.0, 1.0, 1.05, 1.2, 0.9)[local.weekday()]


def rain_factor(now: Moment, *, is_outdoor: bool) -> float:
    """Rain empties squares and parks."""
    return 0.5 if now.raining and is_outdoor else 1.0


def poisson(mean: float, *key: object) -> int:
    """A Poisson number that belongs to this key; for large means the rounded normal approximation."""
    if mean > 60:
        return max(0, round(mean + math.sqrt(mean) * (2 * uniform(*key) - 1) * 1.7))
    limit, product, count = math.exp(-mean), 1.0, -1
    while product > limit:
        count += 1
        product *= uniform(*key, count)
    return count
