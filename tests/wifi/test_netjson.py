"""What OpenWISP's agent for OpenWrt posts: taken as from a device of our own, by whom it should be, and counts only."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from geoportal.monitoring.models import DeadLetter, Device, DeviceStatus
from tests.broker import new_device
from wifi.models import AccessPoint, NetJsonKey
from wifi.netjson.document import MAX_BYTES, measurements, read

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "only-for-tests"

DOCUMENT: dict[str, Any] = {
    "type": "DeviceMonitoring",
    "general": {"hostname": "ap-loggia", "local_time": 1795336200, "uptime": 7200},
    "resources": {
        "load": [0.5, 0.3, 0.1],
        "memory": {"total": 128_000_000, "free": 30_000_000, "buffered": 2_000_000, "available": 64_000_000.0},
        "swap": {"total": 0, "free": 0},
        "cpus": 2,
        "disk": [{"mount_point": "/overlay", "used_percent": 12, "used_bytes": 1, "available_bytes": 9}],
    },
    "dhcp_leases": [{"mac": "d4:6a:6a:11:22:33", "ip": "10.0.0.7", "client_name": "telefono-di-ada", "expiry": 1}],
    "neighbors": [{"mac": "d4:6a:6a:11:22:44", "ip": "fe80::1", "interface": "br-lan", "state": "REACHABLE"}],
    "interfaces": [
        {
            "name": "wlan0", "type": "wireless", "mac": "44:d1:fa:4b:38:43", "up": True,
            "wireless": {
                "ssid": "Cremona 2.0", "mode": "access_point", "channel": 6, "frequency": 2437, "noise": -92,
                "clients": [{"mac": "d4:6a:6a:11:22:55", "assoc": True}, {"mac": "d4:6a:6a:11:22:66", "assoc": True}],
            },
            "statistics": {"rx_bytes": 5000, "tx_bytes": 700, "rx_packets": 5},
        },
        {
            "name": "wlan1", "type": "wireless", "mac": "44:d1:fa:4b:38:44",
            "wireless": {"mode": "access_point", "channel": 36, "frequency": 5180, "noise": 0, "clients": {}},
            "statistics": {"rx_bytes": 2000.0, "tx_bytes": 300.0},
        },
        {
            "name": "mesh0", "type": "wireless",
            "wireless": {"mode": "802.11s", "channel": 36, "noise": -99, "clients": [{"mac": "d4:6a:6a:11:22:77"}]},
        },
        {"name": "eth0", "type": "ethernet", "statistics": {"rx_bytes": 90_000, "tx_bytes": 80_000}},
    ],
}  # fmt: skip
"""The form of the agent's own documents, with made-up values."""


@pytest.fixture
def point() -> Iterator[Device]:
    device = AccessPoint.objects.get(pk=new_device(interval_s=300).pk)
    NetJsonKey.objects.create(device=device, digest=hashlib.sha256(KEY.encode()).digest())
    yield device
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wifi_telemetry, telemetry_dirty, ingest_ack")


def told(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%d-%m-%Y_%H:%M:%S.000000")


def post(device: Device, document: Any, at: datetime | None = None, *, key: str = KEY, current: bool = True) -> Any:
    """As the agent does: curl's -d of a JSON text, and everything else in the address."""
    address = f"/api/v1/monitoring/device/{device.devid}/?key={key}&time={told(at or datetime.now(UTC))}"
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Client().post(address + ("&current=true" if current else ""), body, content_type="application/json")


def stored(device: Device) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM wifi_telemetry WHERE device_id = %s ORDER BY ts", [device.pk])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_a_document_becomes_a_sample_and_a_judged_state(point: Device) -> None:
    assert post(point, DOCUMENT).status_code == 200
    (row,) = stored(point)
    wanted = {
        "clients_24": 2, "clients_5": 0, "cpu": 25.0, "load1": 0.5, "mem": 50.0, "noise_24": -92.0, "noise_5": -99.0,
        "rx_total": 7000, "tx_total": 1000, "seq": 7200, "hist": False, "clock_bad": False,
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    status = DeviceStatus.objects.get(device=point)
    assert status.health == "ok" and status.last_seen_at is not None
    assert status.metrics["clients_24"] == 2 and status.metrics["disk"] == 12


def test_nothing_that_names_a_person_or_a_card_is_stored_anywhere(point: Device) -> None:
    post(point, DOCUMENT)
    post(point, {**DOCUMENT, "resources": "telefono-di-ada d4:6a:6a:11:22:33"})
    post(point, json.dumps(DOCUMENT).encode()[:-40])
    assert DeadLetter.objects.count() == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        everything = ""
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(row::text, ' '), '') FROM {table} AS row")
            everything += cursor.fetchone()[0]
    plain = everything + "".join(bytes(letter.payload).decode("latin1") for letter in DeadLetter.objects.all())
    assert point.devid in plain
    assert not re.search(r"d4:6a:6a|44:d1:fa|telefono|10\.0\.0\.7|Cremona 2\.0\b.*wlan", plain)


def test_the_same_document_sent_again_is_stored_once_and_a_restart_is_another_boot(point: Device) -> None:
    now = datetime.now(UTC)
    first = now - timedelta(minutes=10)
    for _ in range(2):
        assert post(point, DOCUMENT, first, current=False).status_code == 200
    later = {**DOCUMENT, "general": {"uptime": 7503}}  # five minutes on, a few seconds of jitter
    post(point, later, first + timedelta(minutes=5), current=False)
    post(point, {**DOCUMENT, "general": {"uptime": 60}}, now)
    rows = stored(point)
    assert [(row["seq"], row["hist"]) for row in rows] == [(7200, True), (7503, True), (60, False)]
    boots = [row["boot"] for row in rows]
    assert boots[0] == boots[1] != boots[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ingest_ack")
        assert cursor.fetchone() == (0,)


def test_what_was_kept_during_an_outage_does_not_change_the_present(point: Device) -> None:
    now = datetime.now(UTC)
    post(point, DOCUMENT, now)
    full = {**DOCUMENT, "resources": {"load": [9, 9, 9], "cpus": 1}}
    post(point, full, now - timedelta(hours=2), current=False)
    assert len(stored(point)) == 2
    assert DeviceStatus.objects.get(device=point).metrics["cpu"] == 25.0


def test_a_wrong_key_learns_nothing(point: Device) -> None:
    other = new_device()
    answers = [post(point, DOCUMENT, key="wrong"), post(point, DOCUMENT, key=""), post(other, DOCUMENT)]
    assert [answer.status_code for answer in answers] == [403] * 3
    Device.objects.filter(pk=point.pk).update(lifecycle="suspended")
    assert post(point, DOCUMENT).status_code == 403
    assert stored(point) == [] and not DeadLetter.objects.exists()
    assert Client().get(f"/api/v1/monitoring/device/{point.devid}/?key={KEY}").status_code == 405


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"{" * 5000, "not_json"),
        (b"[]", "invalid"),
        (b'{"type": "NetworkGraph"}', "invalid"),
        (b'{"type": "DeviceMonitoring"}', "invalid"),
        (b'{"type": "DeviceMonitoring", "general": {"uptime": -1}}', "invalid"),
        (b'{"type": "DeviceMonitoring", "resources": {"load": [1e400]}}', "invalid"),
        (b'{"type": "DeviceMonitoring", "x": "' + b"y" * MAX_BYTES + b'"}', "too_large"),
    ],
)
def test_what_cannot_be_used_is_counted_and_let_go(point: Device, body: bytes, reason: str) -> None:
    assert post(point, body).status_code == 400  # the agent throws it away and goes on with the next
    letter = DeadLetter.objects.get()
    assert (letter.reason, point.devid in letter.topic, bytes(letter.payload)) == (reason, True, b"")
    assert post(point, DOCUMENT).status_code == 200


def test_a_time_that_cannot_be_read_is_refused(point: Device) -> None:
    address = f"/api/v1/monitoring/device/{point.devid}/?key={KEY}&time="
    assert Client().post(address + "ieri", b"{}", content_type="application/json").status_code == 400
    assert (
        Client()
        .post(address + told(datetime.now(UTC))[:-7], json.dumps(DOCUMENT), content_type="application/json")
        .status_code
        == 200
    )


def test_the_command_gives_what_the_agent_needs_and_curl_can_use_it(point: Device, live_server: LiveServer) -> None:
    out = io.StringIO()
    call_command("netjson_key", point.devid, url=live_server.url, stdout=out)
    said = dict(re.findall(r"uci set openwisp\.http\.(\w+)='(.*)'", out.getvalue()))
    assert said["uuid"] == point.devid and "interval='300'" in out.getvalue()
    address = f"{said['url']}/api/v1/monitoring/device/{said['uuid']}/?key={said['key']}&time={told(datetime.now(UTC))}"
    command = ["curl", "-s", "-w", "%{http_code}", "--output", "/dev/null", "-H", "Content-Type: application/json"]
    sent = subprocess.run(
        [*command, "-d", json.dumps(DOCUMENT), f"{address}&current=true"], capture_output=True, text=True, timeout=30
    )
    assert sent.stdout == "200", sent
    assert len(stored(point)) == 1
    assert post(point, DOCUMENT).status_code == 403, "the old key has ended"
    call_command("netjson_key", point.devid, revoke=True, stdout=out)
    assert not NetJsonKey.objects.exists()


def test_odd_but_allowed_forms_are_read() -> None:
    odd = {
        "type": "DeviceMonitoring",
        "resources": {"load": {}, "disk": {}, "memory": {"total": 100, "free": 20, "buffered": 5}},
        "interfaces": [
            {"type": "ethernet", "statistics": {"rx_bytes": 1.0}},
            {"wireless": {"mode": "access_point", "channel": 36}},
        ],
    }
    assert measurements(read(json.dumps(odd).encode())) == {"mem": 75.0, "clients_5": 0, "rx_total": 1}
    assert measurements(read(json.dumps({**odd, "interfaces": {}}).encode())) == {"mem": 75.0}
