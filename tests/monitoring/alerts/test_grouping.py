"""Common causes: which devices are one trouble."""

from datetime import UTC, datetime, time, timedelta

import pytest

from geoportal.monitoring.alerts.deciding import ROME, Hours
from geoportal.monitoring.alerts.grouping import Count, Grouping, Lost, common_causes

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GROUPING = Grouping(("feeder", "cabinet", "area"), share=0.6, least=3, window=timedelta(seconds=180))


def lost(name: str, seconds_ago: float = 0, **belongs: str) -> Lost:
    return Lost(name, NOW - timedelta(seconds=seconds_ago), belongs)


def causes(found: list[Lost], counts: dict[tuple[str, str], int], **held: datetime) -> list[tuple[str, str, int]]:
    opened = {("feeder", name): since for name, since in held.items()}
    answer = common_causes(GROUPING, found, {target: Count(seen) for target, seen in counts.items()}, opened)
    return [(*cause.target, len(cause.devids)) for cause in answer]


def test_a_feeder_explains_its_cabinets() -> None:
    found = [lost(f"d{n}", n * 10, feeder="L1", cabinet=f"C{n % 2}") for n in range(8)]
    assert causes(found, {("feeder", "L1"): 10, ("cabinet", "C0"): 4, ("cabinet", "C1"): 4}) == [("feeder", "L1", 8)]


def test_without_the_share_of_the_feeder_it_is_the_cabinet() -> None:
    found = [lost(f"d{n}", feeder="L1", cabinet="C0") for n in range(4)]
    assert causes(found, {("feeder", "L1"): 10, ("cabinet", "C0"): 5}) == [("cabinet", "C0", 4)]


@pytest.mark.parametrize(("number", "total"), [(2, 2), (3, 6), (5, 9)])
def test_too_few_or_too_small_a_share_is_no_common_cause(number: int, total: int) -> None:
    assert causes([lost(f"d{n}", area="Centro") for n in range(number)], {("area", "Centro"): total}) == []


def test_devices_lost_days_apart_have_nothing_in_common() -> None:
    found = [lost(f"d{n}", n * 86400, feeder="L1") for n in range(5)]
    assert causes(found, {("feeder", "L1"): 5}) == []


def test_an_open_group_stays_until_half_of_what_raised_it_is_back() -> None:
    since = NOW - timedelta(seconds=600)
    for left, expected in ((3, [("feeder", "L1", 3)]), (2, [])):
        found = [lost(f"d{n}", 590, feeder="L1") for n in range(left)]
        assert causes(found, {("feeder", "L1"): 10}, L1=since) == expected


def test_who_was_lost_long_before_is_not_part_of_it() -> None:
    found = [lost(f"d{n}", feeder="L1") for n in range(6)] + [lost("old", 90_000, feeder="L1")]
    assert causes(found, {("feeder", "L1"): 8}) == [("feeder", "L1", 6)]


@pytest.mark.parametrize(
    ("begin", "end", "weekdays", "local", "expected"),
    [
        (None, None, "1234567", "2026-11-24 03:00", True),
        (None, None, "67", "2026-11-24 03:00", False),
        (time(7), time(23), "1234567", "2026-11-24 06:59", False),
        (time(7), time(23), "1234567", "2026-11-24 07:00", True),
        (time(7), time(23), "1234567", "2026-11-24 23:00", False),
        (time(22), time(2), "2", "2026-11-24 23:00", True),
        (time(22), time(2), "2", "2026-11-25 01:59", True),
        (time(22), time(2), "2", "2026-11-24 01:59", False),
    ],
)
def test_hours(begin: time | None, end: time | None, weekdays: str, local: str, expected: bool) -> None:
    assert Hours(begin, end, weekdays).cover(datetime.fromisoformat(local).replace(tzinfo=ROME)) is expected
