"""Availability, against times added up by hand."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from geoportal.monitoring.availability import Availability, availability
from geoportal.monitoring.models import Device, MaintenanceWindow, StateInterval
from tests.monitoring.devices import device

pytestmark = pytest.mark.django_db

ROME = ZoneInfo("Europe/Rome")
HOUR = 3600
DAY = datetime(2026, 11, 10, tzinfo=ROME)
NEXT = DAY + timedelta(days=1)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def was(one: Device, begin: float, end: float | None, health: str = "ok", cause: str = "") -> None:
    StateInterval.objects.create(
        device=one, health=health, cause=cause, started_at=at(begin), ended_at=None if end is None else at(end)
    )


def of_day(by: str = "device", now: datetime = NEXT) -> list[Availability]:
    return availability(DAY, NEXT, by, ["ap", "totem"], now)


def test_time_is_weighed_and_maintenance_and_blindness_are_left_out() -> None:
    one = device()
    was(one, 0, 10)
    was(one, 10, 11, "problem", "connection_lost")
    was(one, 11, 13, "critical", "silent")
    was(one, 13, 14, "unknown", "we_are_blind")
    was(one, 14, 18, "maintenance", "in_maintenance")
    was(one, 18, 24, "problem", "hot_cpu")
    (row,) = of_day()
    assert (row.key, row.devices) == ("ap-one", 1)
    assert (row.up_s, row.down_s, row.out_s) == (16 * HOUR, 3 * HOUR, 5 * HOUR)
    assert row.percent == pytest.approx(100 * 16 / 19)


def test_the_open_interval_counts_until_now_and_no_further() -> None:
    one = device()
    was(one, -48, 6)
    was(one, 6, None, "critical", "silent")
    (row,) = of_day(now=at(8))
    assert (row.up_s, row.down_s) == (6 * HOUR, 2 * HOUR)


def test_intervals_that_overlap_count_once_the_worse_first() -> None:
    one = device()
    was(one, 0, 12)
    was(one, 10, 14, "critical", "silent")
    was(one, 13, 15, "unknown", "we_are_blind")
    was(one, 15, 24)
    (row,) = of_day()
    assert (row.up_s, row.down_s, row.out_s) == (19 * HOUR, 3 * HOUR, 2 * HOUR)


def test_work_that_was_entered_afterwards_is_left_out_too() -> None:
    one = device()
    was(one, 0, 8)
    was(one, 8, 12, "critical", "silent")
    was(one, 12, 24)
    MaintenanceWindow.objects.create(device=one, starts_at=at(9), ends_at=at(13))
    (row,) = of_day()
    assert (row.up_s, row.down_s, row.out_s) == (19 * HOUR, HOUR, 4 * HOUR)


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_the_days_on_which_clocks_change_have_their_true_length(day: tuple[int, int, int], hours: int) -> None:
    one = device()
    first, last = datetime(*day, tzinfo=ROME), datetime(day[0], day[1], day[2] + 1, tzinfo=ROME)
    StateInterval.objects.create(
        device=one, health="ok", started_at=datetime(2026, 1, 1, tzinfo=UTC), ended_at=datetime(2026, 12, 1, tzinfo=UTC)
    )
    (row,) = availability(first, last, "device", ["ap"], datetime(2026, 12, 1, tzinfo=UTC))
    assert row.up_s == hours * HOUR


def test_months_are_those_of_the_city() -> None:
    one = device()
    # Down in the last hour of October and the first of November, by the clock on the wall.
    for start, end, health in (
        (datetime(2026, 10, 1, tzinfo=ROME), datetime(2026, 10, 31, 23, tzinfo=ROME), "ok"),
        (datetime(2026, 10, 31, 23, tzinfo=ROME), datetime(2026, 11, 1, 1, tzinfo=ROME), "critical"),
        (datetime(2026, 11, 1, 1, tzinfo=ROME), datetime(2026, 12, 1, tzinfo=ROME), "ok"),
    ):
        StateInterval.objects.create(device=one, health=health, started_at=start, ended_at=end)
    rows = availability(
        datetime(2026, 10, 1, tzinfo=ROME), datetime(2026, 12, 1, tzinfo=ROME), "month", ["ap"],
        datetime(2026, 12, 1, tzinfo=ROME),
    )  # fmt: skip
    october, november = rows
    assert [row.key for row in rows] == ["2026-10", "2026-11"]
    # October has the extra hour of the 25th.
    assert (october.up_s, october.down_s) == ((31 * 24 + 1 - 1) * HOUR, HOUR)
    assert (november.up_s, november.down_s) == ((30 * 24 - 1) * HOUR, HOUR)
    each = availability(
        datetime(2026, 10, 1, tzinfo=ROME), datetime(2026, 12, 1, tzinfo=ROME), "device", ["ap"],
        datetime(2026, 12, 1, tzinfo=ROME), monthly=True,
    )  # fmt: skip
    assert [(row.key, row.month, row.up_s, row.down_s) for row in each] == [
        ("ap-one", row.key, row.up_s, row.down_s) for row in rows
    ]


def test_groups_weigh_their_devices_by_time_and_the_worst_stands_first() -> None:
    for name, place, operator, down in (("ap-one", "Piazza", "Uno", 12), ("ap-two", "Piazza", "Due", 0),
                                        ("ap-six", "Parco", "Due", 6)):  # fmt: skip
        one = device(name, place=place, operator=operator)
        was(one, 0, 24 - down)
        if down:
            was(one, 24 - down, 24, "critical", "silent")
    assert [(row.key, row.percent, row.devices) for row in of_day("place")] == [("Parco", 75, 1), ("Piazza", 75, 2)]
    assert [(row.key, row.percent) for row in of_day("operator")] == [("Uno", 50), ("Due", 87.5)]
    assert [row.key for row in of_day()] == ["ap-one", "ap-six", "ap-two"]


def test_of_a_device_that_was_never_known_nothing_is_said() -> None:
    was(device(), 0, 24, "unknown", "never_seen")
    (row,) = of_day()
    assert row.percent is None


def test_another_grouping_is_refused() -> None:
    with pytest.raises(ValueError, match="grouped by one of"):
        of_day("colour")
