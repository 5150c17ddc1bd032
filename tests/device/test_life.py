"""What happens by itself in the simulated city has the rates and the company that it has in a real one."""

import itertools
from collections import Counter
from datetime import datetime
from statistics import correlation, fmean, pvariance

from geoportal.sample_devices import sample_devices
from geoportal.simulator.city import ROME
from geoportal.simulator.life import CABINET_CUT_DAYS, FEEDER_CUT_DAYS, LEAK_DAYS, City
from geoportal.simulator.metrics import Effect, Site, sample
from geoportal.simulator.scenarios import FINE

SITES = [
    Site(one.devid, one.kind, one.place.name, one.place.area, one.cabinet, one.feeder, one.place.is_outdoor)
    for one in sample_devices()
]
CITY = City.of(SITES, 1)
MONDAY = datetime(2026, 5, 18, tzinfo=ROME).timestamp()
DAY = 86_400
BY_ID = {site.devid: site for site in SITES}


def users(site: Site, at: float, effect: Effect = FINE) -> int:
    measured = sample(site, at, seed=1, up_s=60, effect=effect)
    return int(measured["clients_24"] + measured["clients_5"])


def test_the_week_has_its_shape_market_days_fill_the_centre_and_sunday_empties_it() -> None:
    centre = [site for site in SITES if site.kind == "ap" and site.area == "Centro" and site.is_outdoor][:4]

    def mean_of(day: int) -> float:
        weeks = (MONDAY + (7 * week + day) * DAY + hour * 3600 for week in range(16) for hour in (9, 11, 13))
        return fmean(users(site, at) for at in weeks for site in centre)

    plain = fmean(mean_of(day) for day in (0, 1, 3))
    assert mean_of(2) > 1.2 * plain and mean_of(5) > 1.2 * plain and mean_of(6) < plain


def test_the_day_follows_its_curve() -> None:
    square = next(site for site in SITES if site.place == "Piazza del Comune" and site.kind == "ap")
    shares = {0: 0.15, 3: 0.05, 8: 0.5, 12: 0.77, 18: 1.0, 23: 0.45}
    found = [
        fmean(users(square, MONDAY + (7 * week) * DAY + hour * 3600 + minute * 60)
              for week in range(12) for minute in (0, 20, 40)) for hour in shares
    ]  # fmt: skip
    assert correlation(found, list(shares.values())) > 0.95


def test_people_move_slowly_and_neighbours_have_rain_in_common() -> None:
    park = [site for site in SITES if site.area == "Po" and site.kind == "ap"]
    counts = [users(park[0], MONDAY + 15 * 3600 + 120 * step) for step in range(240)]
    jumps = fmean((a - b) ** 2 for a, b in itertools.pairwise(counts))
    assert jumps < 2 * pvariance(counts), "no memory: the numbers would jump twice their variance"


def test_a_cut_takes_a_whole_cabinet_at_once_for_minutes_and_at_the_stated_rate() -> None:
    one_each = {site.cabinet: site for site in SITES}
    days, step = 60, 240
    cuts = 0
    for site in one_each.values():
        dark = [CITY.is_dark(site, MONDAY + second) for second in range(0, days * DAY, step)]
        lengths = [len(list(run)) * step for is_dark, run in itertools.groupby(dark) if is_dark]
        cuts += len(lengths)
        assert all(240 <= length <= 2 * 2400 for length in lengths)
    expected = len(one_each) * days * (1 / CABINET_CUT_DAYS + 1 / FEEDER_CUT_DAYS)
    assert 0.5 * expected < cuts < 1.7 * expected
    moment = next(
        (site, MONDAY + second)
        for second in range(0, 60 * DAY, 120)
        for site in SITES
        if CITY.is_dark(site, MONDAY + second)
    )
    together = [one for one in SITES if one.cabinet == moment[0].cabinet]
    assert len(together) > 1 and all(CITY.is_dark(one, moment[1]) for one in together)


def test_three_leak_until_they_are_restarted_and_the_others_do_not() -> None:
    assert len(CITY.leaking) == 3
    leaking = BY_ID[min(CITY.leaking)]
    memory = [CITY.effect(leaking, MONDAY + hour * 3600).added["mem"] for hour in range(int(LEAK_DAYS * 24 * 3))]
    drops = [(a, b) for a, b in itertools.pairwise(memory) if b < a]
    assert len(drops) in (2, 3, 4) and all(before > 40 and after < 1 for before, after in drops)
    full = sample(leaking, MONDAY, seed=1, up_s=1, effect=Effect(added={"mem": 60.0}))
    assert full["mem"] == 99.0
    calm = next(site for site in SITES if site.kind == "ap" and site.devid not in CITY.leaking)
    assert "mem" not in CITY.effect(calm, MONDAY).added


def test_everybody_restarts_by_itself_once_in_twenty_to_sixty_days() -> None:
    for site in SITES[:8]:
        if site.devid in CITY.leaking:
            continue
        starts = sorted({CITY.started_at(site, MONDAY + hour * 3600) for hour in range(0, 200 * 24, 6)})
        gaps = [(b - a) / DAY for a, b in itertools.pairwise(starts)]
        assert gaps and all(19.9 < gap < 60.1 for gap in gaps)
        assert not CITY.effect(site, starts[1] - 30).powered and CITY.effect(site, starts[1] + 1).powered


def test_two_clocks_are_late_and_one_begins_in_1970_until_it_is_set() -> None:
    assert len(CITY.late) == 2 and len(CITY.unset) == 1
    assert {CITY.effect(BY_ID[devid], MONDAY).clock_offset_s for devid in CITY.late} == {-37.0}
    forgetful = BY_ID[min(CITY.unset)]
    began = CITY.started_at(forgetful, MONDAY)
    assert CITY.effect(forgetful, began + 5).clock_offset_s == -(began + 5)
    assert CITY.effect(forgetful, began + 601).clock_offset_s == 0.0


def test_a_match_fills_the_stadium_every_other_sunday_afternoon_outside_the_summer() -> None:
    stadium = next(site for site in SITES if site.place == "Stadio Zini" and site.kind == "ap")
    sundays = [datetime(2026, 10, 4 + 7 * week, 16, tzinfo=ROME) for week in range(4)]
    factors = [CITY.crowd(stadium, day.timestamp()) for day in sundays]
    assert sorted(factors) == [1.0, 1.0, 8.0, 8.0] and factors[0] == factors[2]
    assert CITY.crowd(stadium, datetime(2026, 7, 5, 16, tzinfo=ROME).timestamp()) == 1.0
    match = sundays[factors.index(8.0)].timestamp()
    assert users(stadium, match, CITY.effect(stadium, match)) > 3 * users(stadium, match)


def test_totems_hang_and_are_opened_at_their_rates() -> None:
    totems = [site for site in SITES if site.kind == "totem"][:5]
    begun: Counter[str] = Counter()
    for site in totems:
        before: set[str] = set()
        for second in range(0, 40 * DAY, 180):
            now = set(CITY.effect(site, MONDAY + second).changes)
            begun.update(now - before)
            before = now
    assert 1 <= begun["page_alive"] <= 12 and 2 <= begun["door"] <= 15, "five and seven are expected"


def test_interference_comes_in_episodes_of_minutes() -> None:
    site = next(site for site in SITES if site.kind == "ap")
    levels = [CITY.effect(site, MONDAY + second).added.get("noise_24", 0.0) for second in range(0, 30 * DAY, 120)]
    runs = [len(list(run)) * 2 for loud, run in itertools.groupby(levels, key=bool) if loud]
    assert 3 <= len(runs) <= 20 and all(8 <= minutes <= 44 for minutes in runs) and max(levels) <= 8
