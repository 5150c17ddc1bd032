"""The recordings of the data pack through the real broker and ingest, against an independent reading of the files."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geoportal.monitoring.models import Device, DeviceStatus
from geoportal.recordings import freifunk, linknyc, tasmota
from tests.broker import TestBroker
from tests.messaging.conftest import Ingest, eventually, rows
from tests.messaging.conftest import ingest as ingest

pytestmark = pytest.mark.django_db(transaction=True)

FREIFUNK = "wifi_kiosk/freifunk_nodes_2015-09-25.json"
LINKNYC = "wifi_kiosk/linknyc_per_ap_usage_2018-07.csv"
CAPTURE = "wifi_kiosk/iot_lab_mqtt_messages_2020-03-31.json"


def replay(adapter: str, path: Path, **options: Any) -> str:
    out = io.StringIO()
    call_command("replay_recording", adapter, str(path), stdout=out, **options)
    return out.getvalue().strip()


def stored_everywhere() -> str:
    """Everything that is kept of devices, as text."""
    tables = (
        "wifi_telemetry",
        "kiosks_telemetry",
        "monitoring_devicestatus",
        "monitoring_device",
        "monitoring_deadletter",
    )
    return "".join(str(rows(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")) for table in tables)


def test_freifunk_nodes(real_data: Path, ingest: Ingest) -> None:
    nodes = json.loads((real_data / FREIFUNK).read_text())["nodes"]
    online = [node for node in nodes.values() if node["flags"]["online"]]
    clients = sum(node["statistics"]["clients"] for node in online)
    received = sum(node["statistics"]["traffic"]["rx"]["bytes"] for node in online)
    ingest.ready()
    assert replay("freifunk", real_data / FREIFUNK).startswith(f"{len(nodes)} devices said {len(online)} samples")
    eventually(lambda: rows("SELECT count(*) FROM wifi_telemetry") == [(len(online),)], "every node is stored", 60)
    sums = "SELECT sum((extra ->> 'clients')::int), sum(rx_total)::bigint, max(mem) FROM wifi_telemetry"
    ((stored, bytes_in, memory),) = rows(sums)
    assert (stored, bytes_in) == (clients, received)
    assert memory == pytest.approx(100 * max(node["statistics"]["memory_usage"] for node in online), abs=0.001)
    assert Device.objects.count() == len(nodes) == 214
    eventually(lambda: DeviceStatus.objects.filter(health="ok").count() == len(online), "those online are well", 60)
    kept = stored_everywhere()
    cards = {node["nodeinfo"]["network"]["mac"] for node in nodes.values()}
    assert len(cards) == 214 and not any(card in kept or card.replace(":", "") in kept for card in cards)


def test_linknyc_month(real_data: Path, ingest: Ingest) -> None:
    with (real_data / LINKNYC).open(newline="") as file:
        table = list(csv.DictReader(file))

    def total(column: str, some: list[dict[str, str]]) -> int:
        return sum(int(row[column].replace(",", "")) for row in some)

    everything = list(linknyc.read(real_data / LINKNYC))
    assert len(everything) == len({device.devid for device in everything}) == len(table) == 1709
    samples = [device.samples[0].m for device in everything]
    assert sum(one["sessions_month"] for one in samples) == total("Number of Sessions", table)
    assert sum(one["rx_total"] for one in samples) == total("MB Transferred (download)", table) * 1_000_000
    assert sum("uptime_month_pct" not in one for one in samples) == 1
    assert sum(one.get("uptime_month_pct") == 100 for one in samples) == 918
    ingest.ready()
    replay("linknyc", real_data / LINKNYC, limit=60)
    eventually(lambda: rows("SELECT count(*) FROM wifi_telemetry") == [(60,)], "sixty are stored", 60)
    sums = "SELECT sum((extra ->> 'clients_month')::bigint)::bigint, sum(tx_total)::bigint FROM wifi_telemetry"
    first = table[:60]
    upload = total("MB Transferred (upload)", first) * 1_000_000
    assert rows(sums) == [(total("Number of Unique Clients", first), upload)]


def test_an_mqtt_capture_with_tasmota_sockets(real_data: Path, ingest: Ingest) -> None:
    elements: list[Any] = json.loads((real_data / CAPTURE).read_text())
    while any(isinstance(element, list) for element in elements):
        elements = [one for element in elements for one in (element if isinstance(element, list) else [element])]
    distinct = {json.dumps([one["topic"], one["payload"], *_short(one)], sort_keys=True) for one in elements}
    ingest.ready()
    said = replay("tasmota", real_data / CAPTURE)
    assert said.startswith(f"4 devices said {len(elements)} samples")
    eventually(lambda: rows("SELECT count(*) FROM kiosks_telemetry") == [(len(distinct),)], "each is stored once", 60)
    warmest = max(one["payload"].get("temp-C", 0) for one in elements)
    assert rows("SELECT max(temp_case), count(*) FILTER (WHERE disp_on) FROM kiosks_telemetry") == [(warmest, 0)]
    signals = [one["payload"]["Wifi"]["Signal"] for one in elements if "Wifi" in one["payload"]]
    assert rows("SELECT min((extra ->> 'wifi_signal_dbm')::int) FROM kiosks_telemetry") == [(min(signals),)]
    assert not re.search(r"70:4F:57|Umbrella", stored_everywhere())


def _short(element: dict[str, Any]) -> list[str]:
    """The short messages of a socket are told apart by nothing but when they came."""
    return [element["receivedTimestamp"]] if "power" in element["payload"] else []


@pytest.mark.parametrize(
    ("adapter", "name", "content", "words"),
    [
        ("freifunk", "nodes.json", "[]", "no timestamp"),
        ("freifunk", "nodes.json", "{", "not a recording of freifunk"),
        ("linknyc", "usage.csv", "a,b\n", "YYYY-MM"),
        ("linknyc", "usage-2018-07.csv", "a,b\n1,2\n", "AP Device Name"),
        ("tasmota", "capture.json", '[{"topic": "x", "payload": {}}]', "neither"),
        ("tasmota", "missing.json", None, "cannot be read"),
    ],
)
def test_what_is_not_such_a_recording_is_said(
    broker: TestBroker, tmp_path: Path, adapter: str, name: str, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(CommandError, match=words):
        replay(adapter, tmp_path / name)
    assert not Device.objects.exists()


def test_reading_a_recording_twice_gives_the_same_numbers(real_data: Path) -> None:
    for read, file in ((freifunk.read, FREIFUNK), (tasmota.read, CAPTURE)):
        assert list(read(real_data / file)) == list(read(real_data / file))
