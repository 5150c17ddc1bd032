"""Judging in the database: what is written, which intervals open and close, and what is left alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from geoportal.monitoring.judging import rejudge
from geoportal.monitoring.models import DeviceStatus, MaintenanceWindow, ShardWatch, StateInterval
from tests.monitoring.devices import NOW, ago, device

pytestmark = pytest.mark.django_db


def judge(*ids: int, now: datetime = NOW) -> list[int]:
    with connection.cursor() as cursor:
        return rejudge(cursor, ids, now)


def update(device_id: int, **fields: Any) -> None:
    DeviceStatus.objects.filter(pk=device_id).update(**fields)


def intervals(device_id: int) -> list[tuple[str, str, datetime, datetime | None]]:
    rows = StateInterval.objects.filter(device_id=device_id).order_by("started_at", "id")
    return [(row.health, row.cause, row.started_at, row.ended_at) for row in rows]


def test_a_first_message_makes_an_unknown_device_well() -> None:
    one = device()
    assert judge(one.pk) == [one.pk]
    status = DeviceStatus.objects.get(pk=one.pk)
    assert (status.health, status.cause, status.health_since, status.evidence) == ("ok", "", NOW, [])
    assert intervals(one.pk) == [("ok", "", NOW, None)]


def test_nothing_new_writes_nothing(django_assert_num_queries: Any) -> None:
    one = device()
    judge(one.pk)
    with django_assert_num_queries(2):  # the rows, the capacity of access points
        assert judge(one.pk, now=NOW + timedelta(seconds=5)) == []
    assert len(intervals(one.pk)) == 1


def test_lost_then_silent_then_back_gives_intervals_without_gaps() -> None:
    one = device(status={"last_seen_at": NOW})
    judge(one.pk)
    lost, believed, silent, back = (NOW + timedelta(seconds=seconds) for seconds in (45, 60, 91, 200))
    update(one.pk, presence="lost", presence_at=lost)
    assert judge(one.pk, now=lost) == []
    assert judge(one.pk, now=believed) == [one.pk]
    assert judge(one.pk, now=silent) == [one.pk]
    evidence = DeviceStatus.objects.get(pk=one.pk).evidence
    assert [(item["code"], item["since"]) for item in evidence] == [
        ("silent", NOW.isoformat()),
        ("connection_lost", lost.isoformat()),
    ]
    update(one.pk, presence="online", presence_at=back, last_seen_at=back)
    assert judge(one.pk, now=back) == [one.pk]
    assert intervals(one.pk) == [
        ("ok", "", NOW, believed),
        ("problem", "connection_lost", believed, silent),
        ("critical", "silent", silent, back),
        ("ok", "", back, None),
    ]


def test_a_new_cause_within_one_health_keeps_since_when_it_is_unwell() -> None:
    one = device(status={"presence": "offline", "presence_at": ago(5)})
    judge(one.pk)
    later = NOW + timedelta(seconds=30)
    update(one.pk, presence="online", metrics={"loss": 100}, last_seen_at=later)
    assert judge(one.pk, now=later) == [one.pk]
    status = DeviceStatus.objects.get(pk=one.pk)
    assert (status.health, status.cause, status.health_since) == ("problem", "unreachable", NOW)
    assert [row[1] for row in intervals(one.pk)] == ["switched_off", "unreachable"]


def test_a_number_that_moves_is_written_and_is_no_change_of_state() -> None:
    one = device(status={"metrics": {"temp_cpu": 86.0}})
    judge(one.pk)
    warm = NOW + timedelta(seconds=60)
    update(one.pk, metrics={"temp_cpu": 87.0}, last_seen_at=warm)
    assert judge(one.pk, now=warm) == [one.pk]
    hotter = warm + timedelta(seconds=30)
    update(one.pk, metrics={"temp_cpu": 88.0}, last_seen_at=hotter)
    assert judge(one.pk, now=hotter) == []
    (evidence,) = DeviceStatus.objects.get(pk=one.pk).evidence
    assert (evidence["code"], evidence["value"], evidence["since"]) == ("hot_cpu", 88.0, NOW.isoformat())


def test_capacity_comes_from_the_inventory() -> None:
    full = {"metrics": {"clients_24": 5, "clients_5": 4}, "evidence": [{"code": "saturated", "since": str(ago(900))}]}
    small, large = device("ap-small", capacity=10, status=full), device("ap-large", capacity=100, status=full)
    judge(small.pk, large.pk)
    assert DeviceStatus.objects.get(pk=small.pk).cause == "saturated"
    assert DeviceStatus.objects.get(pk=large.pk).health == "ok"


def test_both_kinds_together_and_unknown_ids_passed_over() -> None:
    point, totem = device(), device("totem-one", "totem", status={"metrics": {"page_alive": False}})
    assert judge(point.pk, totem.pk, 10**9) == [point.pk, totem.pk]
    assert DeviceStatus.objects.get(pk=totem.pk).cause == "page_dead"
    assert judge() == []


@pytest.mark.parametrize(("seconds", "health"), [(-1, "ok"), (0, "maintenance"), (599, "maintenance"), (600, "ok")])
def test_a_maintenance_window_holds_from_its_start_to_before_its_end(seconds: int, health: str) -> None:
    moment = NOW + timedelta(seconds=seconds)
    one = device(status={"last_seen_at": moment})
    MaintenanceWindow.objects.create(device=one, starts_at=NOW, ends_at=NOW + timedelta(seconds=600))
    judge(one.pk, now=moment)
    assert DeviceStatus.objects.get(pk=one.pk).health == health


def test_where_we_are_blind_nothing_is_down() -> None:
    one = device(status={"presence": "lost", "presence_at": ago(300), "last_seen_at": ago(300)})
    ShardWatch.objects.create(shard=one.shard, blind_since=ago(200), checked_at=NOW)
    judge(one.pk)
    status = DeviceStatus.objects.get(pk=one.pk)
    assert (status.health, status.cause) == ("unknown", "we_are_blind")


def test_a_clock_set_back_leaves_valid_intervals() -> None:
    one = device()
    judge(one.pk)
    update(one.pk, presence="offline")
    judge(one.pk, now=ago(5))
    assert [row[3] for row in intervals(one.pk)] == [NOW, None]
