"""Scripted troubles by name: data and small functions of device, place in the fleet and model seconds since the start.

Each answers what happens to one device at a moment. `settled` names what a normal day has in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from geoportal.simulator.metrics import Effect, Site

FINE = Effect()
_LOST_AFTER_S = 20.0
Happens = Callable[["Story", Site, float], Effect]


@dataclass(frozen=True, slots=True)
class Story:
    """A scenario with the devices it is about."""

    name: str
    about: str
    happens: Happens
    targets: frozenset[str]
    settled: dict[str, Effect]
    backlog_s: float = 0.0
    """The targets begin with samples of this many seconds in their spool, as after a time without network."""

    def effect(self, site: Site, elapsed_s: float) -> Effect:
        """What happens to a device `elapsed_s` model seconds after the start."""
        if site.devid in self.targets:
            return self.happens(self, site, elapsed_s)
        usual = self.settled.get(site.devid, FINE)
        # A device that is lost was there before: it announces itself first.
        return FINE if not usual.linked and elapsed_s < _LOST_AFTER_S else usual


def _nothing(_story: Story, _site: Site, _elapsed_s: float) -> Effect:
    return FINE


def _power_cut(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(powered=not 60 <= elapsed_s < 960)


def _rain_fade(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(changes={"loss": 14.0, "rtt": 85.0}) if 60 <= elapsed_s < 2460 else FINE


def _broker_restart(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(linked=not 60 <= elapsed_s < 68)


def _flapping(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(linked=elapsed_s % 90 < 45)


def _skewed(story: Story, site: Site, elapsed_s: float) -> Effect:
    if site.devid == min(story.targets):
        return Effect(clock_offset_s=-1_700_000_000.0 if elapsed_s < 600 else 0.0)
    return Effect(clock_offset_s=-37.0)


def _overheating(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    case = min(74.0, 38 + elapsed_s / 30)
    if case >= 74:
        return Effect(powered=False)
    return Effect(changes={"temp_case": round(case, 1), "temp_cpu": round(min(96.0, case + 22), 1)})


def _stuck_touch(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(changes={"touches": 190, "sessions": 0}) if elapsed_s >= 60 else FINE


def _firmware(story: Story, site: Site, elapsed_s: float) -> Effect:
    """One device after another restarts with the new version; the last of them never comes back well."""
    turn = sorted(story.targets).index(site.devid) * 60 + 60
    if elapsed_s < turn:
        return FINE
    if elapsed_s < turn + 40:
        return Effect(powered=False)
    if site.devid == max(story.targets):
        return Effect(powered=(elapsed_s - turn) % 120 >= 40, firmware="2.1.0", changes={"cpu": 99.0, "mem": 96.0})
    return Effect(firmware="2.1.0")


def _match(_story: Story, _site: Site, elapsed_s: float) -> Effect:
    return Effect(crowd=8.0) if elapsed_s < 3 * 3600 else FINE


def _of(sites: Sequence[Site], kind: str, count: int, skip: int = 0) -> frozenset[str]:
    return frozenset([site.devid for site in sites if site.kind == kind][skip : skip + count])


def _one_feeder(sites: Sequence[Site]) -> frozenset[str]:
    feeders = sorted({site.feeder for site in sites if site.feeder})
    return frozenset(site.devid for site in sites if feeders and site.feeder == feeders[0])


def _at_the_stadium(sites: Sequence[Site]) -> frozenset[str]:
    return frozenset(site.devid for site in sites if "Stadio" in site.place)


def _everyone(sites: Sequence[Site]) -> frozenset[str]:
    return frozenset(site.devid for site in sites)


@dataclass(frozen=True, slots=True)
class _Recipe:
    about: str
    happens: Happens
    choose: Callable[[Sequence[Site]], frozenset[str]]
    backlog_s: float = 0.0


SCENARIOS: dict[str, _Recipe] = {
    "normal-week": _Recipe("ordinary life", _nothing, lambda sites: frozenset()),
    "feeder-power-cut": _Recipe("a power line is cut for 15 minutes", _power_cut, _one_feeder),
    "rain-fade": _Recipe("rain weakens six radio links for 40 minutes", _rain_fade, lambda s: _of(s, "ap", 6, 8)),
    "broker-restart": _Recipe("nobody reaches the broker for 8 seconds", _broker_restart, _everyone),
    "offline-backfill": _Recipe("a device comes back after 6 hours", _nothing, lambda s: _of(s, "ap", 1, 4), 21_600.0),
    "flapping-access-point": _Recipe("one comes and goes every 90 seconds", _flapping, lambda s: _of(s, "ap", 1, 6)),
    "clock-skew": _Recipe("two clocks 37 s late, one not set", _skewed, lambda s: _of(s, "ap", 3, 10)),
    "totem-overheating": _Recipe("a totem heats up until it stops", _overheating, lambda s: _of(s, "totem", 1, 1)),
    "stuck-touch": _Recipe("a screen feels touches that nobody makes", _stuck_touch, lambda s: _of(s, "totem", 1, 3)),
    "firmware-roll": _Recipe("a new firmware, and one bad unit", _firmware, lambda s: _of(s, "ap", 8, 14)),
    "stadium-match": _Recipe("a match fills the stadium for 3 hours", _match, _at_the_stadium),
}


def story(name: str, sites: Sequence[Site]) -> Story:
    """A scenario cast with the devices of a fleet. Raises KeyError."""
    recipe = SCENARIOS[name]
    targets = recipe.choose(sites)
    settled = {devid: effect for devid, effect in _ordinary_troubles(sites).items() if devid not in targets}
    return Story(name, recipe.about, recipe.happens, targets, settled, recipe.backlog_s)


def _ordinary_troubles(sites: Sequence[Site]) -> dict[str, Effect]:
    """What a city of fifty devices has on any day: one without network, three that need somebody."""
    if len(sites) < 10:
        return {}
    points = [site.devid for site in sites if site.kind == "ap"]
    totems = [site.devid for site in sites if site.kind == "totem"]
    troubles = {}
    if len(points) > 20:
        troubles[points[20]] = Effect(linked=False)
        troubles[points[11]] = Effect(changes={"temp_cpu": 88.5})
        troubles[points[17]] = Effect(changes={"loss": 13.0, "rtt": 64.0})
    if len(totems) > 7:
        troubles[totems[7]] = Effect(changes={"touch_ok": False})
    return troubles
