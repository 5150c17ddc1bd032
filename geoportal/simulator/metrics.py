"""What devices measure at a moment: pure functions of site, time, seed and what a scenario does to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geoportal.simulator.city import Moment, moment, poisson, rain_factor, weekly
from geoportal.simulator.noise import drift, gauss, uniform

_CLIENT_PERIOD_S = 1200.0
_PEAKS = {"Centro": 30.0, "Stazione": 34.0, "Nord-est": 16.0, "Po": 12.0}
"""Users at the busiest hour of a plain day."""
_QUIET_PEAK = 15.0
_CROWDED_AIR = 70.0
_MOST = {"mem": 99.0}


@dataclass(frozen=True, slots=True)
class Site:
    """What the inventory knows of a device, as far as it changes what it measures."""

    devid: str
    kind: str
    place: str = ""
    area: str = ""
    cabinet: str = ""
    feeder: str = ""
    is_outdoor: bool = True
    capacity: int = 50


@dataclass(frozen=True, slots=True)
class Effect:
    """What a scenario does to a device at a moment."""

    powered: bool = True
    linked: bool = True
    """False: it runs and samples, but has no network."""
    clock_offset_s: float = 0.0
    crowd: float = 1.0
    """Factor on the people around."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Measurements that are as given here."""
    added: Mapping[str, float] = field(default_factory=dict)
    """What is added to measurements."""
    firmware: str = ""


def sample(site: Site, at: float, *, seed: int, up_s: float, effect: Effect) -> dict[str, Any]:
    """Everything a device measures at `at`, except its traffic counters; `up_s` since its start."""
    now = moment(at, seed)
    measured = _access_point(site, now, seed, up_s, effect) if site.kind == "ap" else _totem(site, now, seed, effect)
    for name, more in effect.added.items():
        measured[name] = round(min(measured[name] + more, _MOST.get(name, math.inf)), 1)
    return {**measured, **effect.changes}


def people(site: Site, now: Moment, seed: int, crowd: float) -> float:
    """The expected number of users around an access point."""
    peak = _PEAKS.get(site.area, _QUIET_PEAK) * (1.0 if site.is_outdoor else 0.6)
    peak *= 0.6 + 0.6 * uniform(seed, site.devid, "busy")
    return peak * now.demand * weekly(now.local, site.area) * rain_factor(now, is_outdoor=site.is_outdoor) * crowd


def _access_point(site: Site, now: Moment, seed: int, up_s: float, effect: Effect) -> dict[str, Any]:
    def wander(name: str, period_s: float = 900.0) -> float:
        return drift(now.at, period_s, seed, site.devid, name)

    expected = max(0.0, people(site, now, seed, effect.crowd) * (1 + 0.18 * wander("clients", _CLIENT_PERIOD_S)))
    # People come and go: new numbers every two minutes, not at every sample.
    clients = min(site.capacity, poisson(expected, seed, site.devid, "count", int(now.at // 120)))
    clients_24 = round(clients * (0.35 + 0.05 * wander("split")))
    active = clients * 0.4
    down = active * 250_000 * max(0.2, 1 + 0.35 * wander("traffic", 180))
    down = min(down, (30 + 70 * uniform(seed, site.devid, "backhaul")) * 1e6)
    air_24 = _within(18 + 1.1 * clients_24 + 6 * wander("air24"), 8, 97)
    air_5 = _within(4 + 0.8 * (clients - clients_24) + 3 * wander("air5"), 2, 95)
    cpu = _within(5 + 0.6 * clients + 8 * down / 1e8 + 3 * wander("cpu", 120), 1, 100)
    fade = max(0.0, 2 + 5 * abs(wander("fade"))) if now.raining and uniform(seed, site.devid, "radio") < 0.1 else 0.0
    shelter = 0.0 if site.is_outdoor else 12 - 0.5 * now.ambient_c
    return {
        "cpu": round(cpu, 1),
        "mem": round(_within(50 + 6 * wander("mem", 6 * 3600) + min(6.0, up_s / 86_400 * 0.5), 35, 75), 1),
        "load1": round(max(0.01, cpu / 100 * 2 * (1 + 0.2 * wander("load", 60))), 2),
        "temp_cpu": round(now.ambient_c + shelter + 23 + 0.1 * cpu + 8 * now.sun * site.is_outdoor + wander("temp"), 1),
        "clients_24": clients_24,
        "clients_5": clients - clients_24,
        "noise_24": round(_within(-91 + 1.5 * wander("noise24"), -97, -84)),
        "noise_5": round(_within(-96 + 1.5 * wander("noise5"), -101, -90)),
        "air_24": round(air_24, 1),
        "air_5": round(air_5, 1),
        "retry": round(_within(6 + 2 * wander("retry") + max(0.0, air_24 - _CROWDED_AIR) * 0.9, 2, 40), 1),
        "rx_bps": round(down),
        "tx_bps": round(down * (0.115 + 0.02 * wander("up"))),
        "loss": round(_within(abs(0.15 * wander("loss", 120)) + fade, 0, 100), 2),
        "rtt": round(_within(8 + 2.5 * wander("rtt", 120) + air_24 / 25 + 3 * fade, 2, 400), 1),
        "uptime": int(up_s),
    }


def _totem(site: Site, now: Moment, seed: int, effect: Effect) -> dict[str, Any]:
    def wander(name: str, period_s: float = 900.0) -> float:
        return drift(now.at, period_s, seed, site.devid, name)

    sessions = _sessions(site, now, seed, effect.crowd)
    heat = 10 + 2.5 * wander("case", 3600) + (12 * now.sun if site.is_outdoor else 0)
    case = now.ambient_c + heat
    if case > 40:  # the fan takes two thirds of what is above
        case = 40 + (case - 40) / 3
    if case < 5:  # and the heater holds five degrees
        case = 5 + 0.5 * wander("heater")
    on_backup = uniform(seed, site.devid, "4g") < 0.25
    cpu = _within(16 + 9 * min(sessions, 2) + 4 * wander("cpu", 120), 4, 95)
    return {
        "cpu": round(cpu, 1),
        "mem": round(_within(52 + 5 * wander("mem", 6 * 3600) + 0.3 * ((now.hour - 4) % 24), 35, 90), 1),
        "disk": round(38 + 12 * uniform(seed, site.devid, "disk"), 1),
        "load1": round(cpu / 100 * 4 * 0.9, 2),
        "temp_cpu": round(case + 20 + 0.12 * cpu + wander("temp"), 1),
        "temp_case": round(case, 1),
        "hum": round(_within(45 + 8 * wander("hum", 3600) + (12 if now.raining else 0), 20, 78), 1),
        "page_alive": True,
        "content_age_s": int((now.at + 1800 * uniform(seed, site.devid, "content")) % 3600),
        "touch_ok": True,
        "touches": sum(3 + poisson(6, seed, site.devid, "touches", int(now.at // 30), n) for n in range(sessions)),
        "sessions": sessions,
        "sess_avg_s": round(48 + 20 * abs(gauss(seed, site.devid, "length", int(now.at // 600))), 1),
        "door": False,
        "disp_on": True,
        "backlight": round(30 + 70 * min(1.0, now.sun * 1.3)),
        "volume": 40,
        "store_free": round(18_000 + 4_000 * uniform(seed, site.devid, "store")),
        "undervolt": False,
        "watchdog_resets": 0,
        "err_js": 0,
        "loss": round(_within(abs((0.8 if on_backup else 0.1) * wander("loss", 120)), 0, 100), 2),
        "rtt": round(_within((55 if on_backup else 9) * (1 + 0.2 * wander("rtt", 120)), 2, 400), 1),
    }


def _sessions(site: Site, now: Moment, seed: int, crowd: float) -> int:
    """Sessions begun in these 30 seconds: a day has 20 to 180, between 8 and 23."""
    if not 8 <= now.hour < 23:
        return 0
    busy = {"Piazza del Comune": 180, "Stazione FS": 150}.get(site.place, 30 + 60 * uniform(seed, site.devid, "busy"))
    season = 1.0 if 4 <= now.local.month <= 10 else 0.625
    weekend = 1.0 if now.local.weekday() < 5 else 1.5
    mean_day = busy * season * weekend / 1.5 * crowd
    return poisson(mean_day * now.demand / (15 * 3600 / 30 * 0.75), seed, site.devid, "sessions", int(now.at // 30))


def _within(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
