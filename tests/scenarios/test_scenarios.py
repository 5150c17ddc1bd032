"""Each of the eleven scenarios through the real parts: what is shown of the devices, and what calls people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection

from geoportal.messaging.ingest.worker import Worker
from geoportal.monitoring.alerts.models import Alert, AlertDelivery
from geoportal.monitoring.models import DeviceStatus, StateInterval
from geoportal.simulator.metrics import Site
from geoportal.simulator.scenarios import SCENARIOS
from tests.broker import TestBroker
from tests.scenarios.tales import BEGIN, TALES, Tale
from tests.scenarios.world import World, world

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_tales_are_the_scenarios_of_the_simulator() -> None:
    assert [tale.name for tale in TALES] == list(SCENARIOS) and len(TALES) == 11


@pytest.mark.parametrize("tale", TALES, ids=lambda tale: tale.name)
def test_scenario(
    tale: Tale,
    sites: Sequence[Site],
    broker: TestBroker,
    worker: Worker,
    folder: Path,
    mailoutbox: list[EmailMessage],
) -> None:
    with world(tale, sites, broker, worker, folder) as city:
        for minute, shown in tale.shows.items():
            city.play_until(minute)
            if minute in tale.broker_restarts_at:
                city.restart_broker()
            assert city.health(city.cast.targets) == shown, f"minute {minute:g}"
        assert {cause for devid in city.cast.targets for cause in city.seen[devid]} <= tale.causes
        assert {cause for devid in city.bystanders() for cause in city.seen[devid]} <= tale.elsewhere
        subjects = [message.subject for message in mailoutbox]
        assert len(subjects) == len(tale.mail), subjects
        assert all(part in subject for part, subject in zip(tale.mail, subjects, strict=True)), subjects
        afterwards = AFTERWARDS.get(tale.name)
        if afterwards is not None:
            afterwards(city)


def _back_fill_is_whole_and_of_the_past(city: World) -> None:
    (target,) = city.cast.targets
    statement = """
        SELECT count(*), count(*) FILTER (WHERE hist), count(DISTINCT (boot, seq)), min(ts)
        FROM wifi_telemetry JOIN monitoring_device d ON d.id = device_id WHERE devid = %s"""
    stored = _rows(statement, target)
    total, old, numbers, first = stored[0]
    assert total == numbers == 720 + 21 and 700 <= old <= 720
    assert first == BEGIN - timedelta(hours=6)
    assert not Alert.objects.exists()
    assert StateInterval.objects.filter(device__devid=target, health="ok", started_at__lt=BEGIN).count() == 0


def _wrong_clocks_cost_no_sample(city: World) -> None:
    """Two clocks 37 s late are believed; the one that stood at 1972 is not, until it was set."""
    unset, *late = sorted(city.cast.targets)
    assert _rows("SELECT DISTINCT clock_bad FROM wifi_telemetry t JOIN monitoring_device d ON d.id = t.device_id "
                 "WHERE devid = ANY(%s)", late) == [(False,)]  # fmt: skip
    found = _rows("SELECT clock_bad, count(*), bool_and(ts BETWEEN %s AND %s) FROM wifi_telemetry t "
                  "JOIN monitoring_device d ON d.id = t.device_id WHERE devid = %s GROUP BY 1 ORDER BY 1",
                  BEGIN, BEGIN + timedelta(minutes=15), unset)  # fmt: skip
    assert [(bad, here) for bad, _, here in found] == [(False, True), (True, True)]
    assert sum(count for _, count, _ in found) == 25


def _the_devices_of_a_power_cut_are_recorded_under_it(city: World) -> None:
    (common,) = Alert.objects.filter(scope="feeder")
    assert common.state == "resolved" and common.evidence["lost"] == common.evidence["total"] == len(city.cast.targets)
    recorded = set(Alert.objects.filter(scope="device").values_list("key", "state"))
    assert recorded == {(devid, "resolved") for devid in city.cast.targets}
    assert set(AlertDelivery.objects.values_list("transition__alert__scope", flat=True)) == {"feeder"}


def _nobody_was_lost_to_a_restart(city: World) -> None:
    assert not Alert.objects.exists()
    assert set(DeviceStatus.objects.filter(last_seen_at__isnull=False).values_list("presence", flat=True)) == {"online"}
    assert _rows("SELECT count(*) FROM wifi_telemetry GROUP BY device_id HAVING count(*) <> count(DISTINCT seq)") == []


AFTERWARDS: dict[str, Callable[[World], None]] = {
    "feeder-power-cut": _the_devices_of_a_power_cut_are_recorded_under_it,
    "broker-restart": _nobody_was_lost_to_a_restart,
    "offline-backfill": _back_fill_is_whole_and_of_the_past,
    "clock-skew": _wrong_clocks_cost_no_sample,
}


def _rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
