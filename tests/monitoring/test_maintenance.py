"""Announced work by device and by group, once and again and again."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from geoportal.monitoring.maintenance import Target, cancel, occurrences, save, targets, unroll
from geoportal.monitoring.models import DeviceStatus, MaintenancePlan, MaintenanceWindow
from tests.monitoring.devices import NOW, device

ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)


def plan(**fields: object) -> MaintenancePlan:
    usual = {"scope": "cabinet", "key": "C1", "starts_at": NOW - HOUR, "ends_at": NOW + HOUR, "repeat": "once"}
    return MaintenancePlan(**{**usual, **fields})


def starts(one: MaintenancePlan, begin: datetime, days: int) -> list[str]:
    return [start.isoformat() for start, _ in occurrences(one, begin, begin + timedelta(days=days))]


def test_a_repeated_one_keeps_the_hour_on_the_wall_when_summer_time_ends() -> None:
    first = datetime(2026, 10, 20, 3, tzinfo=ROME)
    daily = plan(starts_at=first, ends_at=first + HOUR, repeat="daily")
    assert starts(daily, datetime(2026, 10, 24, tzinfo=ROME), 3) == [
        "2026-10-24T03:00:00+02:00",
        "2026-10-25T03:00:00+01:00",
        "2026-10-26T03:00:00+01:00",
    ]


def test_a_weekly_one_comes_on_its_day_until_the_last() -> None:
    first = datetime(2026, 11, 3, 22, tzinfo=ROME)
    weekly = plan(starts_at=first, ends_at=first + 8 * HOUR, repeat="weekly", until=date(2026, 11, 17))
    found = starts(weekly, datetime(2026, 11, 11, 5, tzinfo=ROME), 30)
    # The one of the 10th lasts until six in the morning of the 11th.
    assert [start[:10] for start in found] == ["2026-11-10", "2026-11-17"]


def test_one_that_has_run_for_years_still_comes() -> None:
    first = datetime(2016, 1, 1, 3, tzinfo=ROME)
    assert len(starts(plan(starts_at=first, ends_at=first + HOUR, repeat="daily"), NOW, 7)) == 7


@pytest.mark.django_db
def test_a_plan_puts_its_cabinet_into_maintenance_at_once_and_ending_it_gives_it_back() -> None:
    inside, outside = device("ap-one", cabinet="C1"), device("ap-two", cabinet="C2")
    one = plan()
    assert save(one, NOW) == 1
    assert DeviceStatus.objects.get(device=inside).health == "maintenance"
    assert DeviceStatus.objects.get(device=outside).health != "maintenance"
    cancel(one, NOW + timedelta(seconds=20))
    assert DeviceStatus.objects.get(device=inside).health == "ok"
    window = MaintenanceWindow.objects.get()
    assert window.ends_at == NOW + timedelta(seconds=20), "what was done stays in the history"


@pytest.mark.django_db
def test_unrolling_again_adds_only_what_is_new() -> None:
    device("ap-one", area="Centro")
    one = plan(scope="area", key="Centro", repeat="daily")
    save(one, NOW)
    before = MaintenanceWindow.objects.count()
    assert before == 8 + 1
    unroll(NOW)
    assert MaintenanceWindow.objects.count() == before
    device("ap-two", area="Centro")
    unroll(NOW)
    assert MaintenanceWindow.objects.count() == 2 * before


@pytest.mark.django_db
def test_what_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="dopo l'inizio"):
        save(plan(ends_at=NOW - 2 * HOUR), NOW)


@pytest.mark.django_db
def test_names_of_a_scope_come_from_the_inventory() -> None:
    device("ap-one", operator="LineaCom")
    device("ap-two", operator="LineaCom")
    assert targets() == [
        Target("device", "ap-one", "ap-one", 1),
        Target("device", "ap-two", "ap-two", 1),
        Target("operator", "LineaCom", "", 2),
    ]
