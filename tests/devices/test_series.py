"""`/api/dispositivi/{devid}/serie`: samples and roll-ups as one form, counters as rates, for whom it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from geoportal.monitoring.models import Device
from geoportal.monitoring.rollups import roll_up
from layers.models import Access, Layer
from layers.rights import TECHNICIANS
from tests.geodata import forget_catalogue
from tests.monitoring.devices import device

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
BOOT = "1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911"


@pytest.fixture
def measured(db: None) -> Any:
    """A sample a minute for an hour: cpu is the minute, 6000 bytes a minute."""
    one = device("ap-uno")
    with connection.cursor() as cursor:
        cursor.execute("SELECT telemetry_ensure_day('wifi_telemetry', %s)", [START.date()])
        cursor.execute(
            "INSERT INTO wifi_telemetry (device_id, ts, boot, seq, rx_at, hist, clock_bad, cpu, rx_total) "
            "SELECT %s, at, %s, n, at, false, false, n, 6000 * n FROM generate_series(0, 59) AS n, "
            "LATERAL (SELECT %s::timestamptz + n * interval '1 minute' AS at) AS moment",
            [one.pk, BOOT, START],
        )
        cursor.execute(
            "INSERT INTO telemetry_dirty "
            "SELECT DISTINCT device_id, date_bin('5 minutes', ts, 'epoch') FROM wifi_telemetry"
        )
    roll_up(START + timedelta(hours=2))
    forget_catalogue()
    yield one
    forget_catalogue()


@pytest.fixture
def technician(client: Client) -> Client:
    user = User.objects.create_user("tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    return client


def ask(client: Client, metric: str, step: str = "", minutes: int = 60, **more: str) -> Any:
    times = {"from": START.isoformat(), "to": (START + timedelta(minutes=minutes)).isoformat()}
    answer = client.get("/api/dispositivi/ap-uno/serie", {"metric": metric, "step": step, **times, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_samples_and_their_roll_ups_have_one_form(measured: Device, technician: Client) -> None:
    raw = ask(technician, "cpu", "0")
    assert (raw["step"], raw["unit"], len(raw["points"])) == (0, "%", 60)
    assert raw["points"][7] == ["2026-11-22T08:07:00+00:00", 7, 7, 7, 1]
    five = ask(technician, "cpu", "300")["points"]
    assert len(five) == 12 and five[1] == ["2026-11-22T08:05:00+00:00", 7, 5, 9, 5]
    assert ask(technician, "cpu", "3600")["points"] == [["2026-11-22T08:00:00+00:00", 29.5, 0, 59, 60]]
    assert ask(technician, "mem", "0")["points"] == []


def test_counters_are_rates(measured: Device, technician: Client) -> None:
    raw = ask(technician, "rx_total", "0")
    assert raw["unit"] == "bit/s"
    assert [point[1] for point in raw["points"]] == [800.0] * 59
    assert [point[1] for point in ask(technician, "rx_total", "300")["points"]] == [800.0] * 12
    assert ask(technician, "rx_total", "3600")["points"][0][1] == 800.0


@pytest.mark.parametrize(("hours", "step"), [(6, 0), (7, 300), (72, 300), (73, 3600), (1440, 3600), (1441, 86400)])
def test_a_long_time_is_answered_from_roll_ups(measured: Device, technician: Client, hours: int, step: int) -> None:
    assert ask(technician, "cpu", minutes=60 * hours)["step"] == step


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "metric"),
        ({"metric": "ssid"}, "clients_24"),
        ({"metric": "cpu", "step": "60"}, "300"),
        ({"metric": "cpu", "from": "ieri"}, "ieri"),
        ({"metric": "cpu", "from": "2026-11-22T08:00:00"}, "fuso"),
        ({"metric": "cpu", "from": "0001-01-01T00:00:00+23:59"}, "0001-01-01"),
        ({"metric": "cpu", "to": "9999-12-31T23:59:59-10:00"}, "9999-12-31"),
        ({"metric": "cpu", "from": "2026-11-23T00:00:00Z", "to": "2026-11-22T00:00:00Z"}, "prima"),
        ({"metric": "cpu", "from": "2020-01-01T00:00:00Z", "to": "2026-11-22T00:00:00Z", "step": "300"}, "10000"),
    ],
)
def test_a_bad_question_is_told_what_can_be_asked(
    measured: Device, technician: Client, asked: dict[str, str], words: str
) -> None:
    answer = technician.get("/api/dispositivi/ap-uno/serie", asked)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_only_those_who_look_after_devices_of_this_kind_read_them(measured: Device, client: Client) -> None:
    def status() -> int:
        return client.get("/api/dispositivi/ap-uno/serie", {"metric": "cpu"}).status_code

    assert status() == 403
    client.force_login(User.objects.create_user("altro"))
    assert status() == 403
    user = User.objects.create_user("tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    assert status() == 200
    Layer.objects.filter(slug="punti-accesso-wifi").update(access=Access.RESTRICTED)
    forget_catalogue()
    assert status() == 404


def test_the_page_offers_what_the_kind_measures(measured: Device, technician: Client) -> None:
    page = technician.get("/tecnici/ap-uno/").content.decode()
    assert "Utenti a 5 GHz" in page and "/api/dispositivi/ap-uno/serie" in page
    assert "Temperatura della cassa" not in page
