"""The simulated city: the same for a seed, and within what is real."""

import itertools
from datetime import UTC, datetime
from statistics import mean

import msgspec
import pytest

from geoportal.sample_devices import sample_devices
from geoportal.simulator.city import moment
from geoportal.simulator.metrics import Effect, Site, sample
from geoportal.simulator.noise import drift
from geoportal.simulator.scenarios import FINE, SCENARIOS, story

SITES = [
    Site(one.devid, one.kind, one.place.name, one.place.area, one.cabinet, one.feeder, one.place.is_outdoor)
    for one in sample_devices()
]
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
A_YEAR = [START + day * 86_400 + (day * 7 % 24) * 3600 for day in range(0, 365, 3)]


def test_the_same_seed_and_moment_give_the_same_measurements_and_another_seed_others() -> None:
    for site in (SITES[0], SITES[-1]):
        first = sample(site, START, seed=3, up_s=60, effect=FINE)
        assert first == sample(site, START, seed=3, up_s=60, effect=FINE)
        assert first != sample(site, START, seed=4, up_s=60, effect=FINE)


def test_a_year_of_the_city_stays_in_range_and_nobody_is_named() -> None:
    for site in SITES[::4] + SITES[-2:]:
        for at in A_YEAR:
            measured = sample(site, at, seed=1, up_s=3600, effect=FINE)
            msgspec.json.encode(measured)
            for name in ("cpu", "mem", "loss"):
                assert 0 <= measured[name] <= 100, (site.devid, at, name)
            assert measured["temp_cpu"] < 85, (site.devid, at)
            if site.kind == "ap":
                assert 0 <= measured["clients_24"] + measured["clients_5"] <= site.capacity
                assert -101 <= measured["noise_5"] < measured["noise_24"] + 5 <= 0
            else:
                assert -5 < measured["temp_case"] < 55, (site.devid, at)
                assert measured["touches"] < 150


def test_people_come_by_day_and_not_by_night() -> None:
    square = next(site for site in SITES if site.place == "Piazza del Comune")
    day = datetime(2026, 5, 19, tzinfo=UTC).timestamp()

    def users(hour: int) -> float:
        counts = []
        for minute in range(0, 60, 5):
            measured = sample(square, day + hour * 3600 + minute * 60, seed=1, up_s=1, effect=FINE)
            counts.append(measured["clients_24"] + measured["clients_5"])
        return float(mean(counts))

    assert users(1) < 6 < users(16)


def test_it_rains_sometimes_and_summer_is_warmer() -> None:
    weather = [moment(at, 1) for at in A_YEAR]
    assert 0.05 < mean(now.raining for now in weather) < 0.4
    assert mean(now.ambient_c for now in weather if now.local.month == 7) > 20
    assert mean(now.ambient_c for now in weather if now.local.month == 1) < 8


def test_drift_is_smooth() -> None:
    values = [drift(at, 600.0, "x") for at in range(0, 6000, 10)]
    assert max(abs(a - b) for a, b in itertools.pairwise(values)) < 0.2


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_has_its_devices_and_leaves_the_others_alone(name: str) -> None:
    cast = story(name, SITES)
    changed = {site.devid for site in SITES for second in range(0, 4000, 20) if cast.effect(site, second) != FINE}
    assert changed - set(cast.settled) <= cast.targets
    assert name == "normal-week" or cast.targets
    assert len(cast.settled) <= 4


def test_a_power_cut_takes_one_line_and_gives_it_back() -> None:
    cast = story("feeder-power-cut", SITES)
    lines = {site.feeder for site in SITES if site.devid in cast.targets}
    assert len(lines) == 1
    (one, *_) = [site for site in SITES if site.devid in cast.targets]
    assert [cast.effect(one, second).powered for second in (0, 100, 2000)] == [True, False, True]


def test_a_scenario_overrides_what_it_names() -> None:
    measured = sample(SITES[-1], START, seed=1, up_s=1, effect=Effect(changes={"touch_ok": False}))
    assert measured["touch_ok"] is False
