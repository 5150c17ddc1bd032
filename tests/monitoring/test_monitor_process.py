"""`manage.py monitor` as a process: it judges, one leads, it survives the loss of its connection, it stops at once."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from geoportal.monitoring.models import Device, DeviceStatus
from tests.liveserver import ROOT
from tests.monitoring.devices import device
from tests.product import eventually

pytestmark = pytest.mark.django_db(transaction=True)

LEADERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (%s)"
THIS_DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"


def start() -> subprocess.Popen[bytes]:
    database = {"GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    return subprocess.Popen([sys.executable, "manage.py", "monitor"], cwd=ROOT, env={**os.environ, **database})


@pytest.fixture
def monitor(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    process = start()
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(60)


def leaders() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(LEADERS % f"({THIS_DATABASE})")
        return [pid for (pid,) in cursor.fetchall()]


def silent_device(devid: str) -> Device:
    heard = timezone.now() - timedelta(seconds=300)
    return device(devid, status={"last_seen_at": heard, "health": "ok", "cause": ""})


def is_silent(one: Device) -> bool:
    return DeviceStatus.objects.get(device=one).cause in ("silent", "we_are_blind")


def test_it_judges_recovers_its_connection_and_stops(monitor: subprocess.Popen[bytes]) -> None:
    first = silent_device("ap-one")
    eventually(lambda: is_silent(first), "the silence is noticed")
    (pid,) = leaders()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    second = silent_device("ap-two")
    eventually(lambda: is_silent(second), "the silence is noticed after the connection was lost")
    assert leaders() not in ([], [pid])
    monitor.send_signal(signal.SIGTERM)
    assert monitor.wait(60) == 0


def test_another_takes_over_when_the_leader_is_killed(monitor: subprocess.Popen[bytes]) -> None:
    eventually(lambda: len(leaders()) == 1, "one monitor leads")
    (pid,) = leaders()
    other = start()
    try:
        one = silent_device("ap-one")
        eventually(lambda: is_silent(one), "the leader works")
        assert leaders() == [pid]
        monitor.kill()
        monitor.wait(60)
        eventually(lambda: leaders() not in ([], [pid]), "the other leads")
    finally:
        other.terminate()
        assert other.wait(60) == 0
