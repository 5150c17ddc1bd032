"""What Prometheus reads, against what really happened."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from prometheus_client.parser import text_string_to_metric_families

from geoportal.metrics import requests as counted
from geoportal.metrics.exposition import serve_metrics
from tests.liveserver import ROOT
from tests.messaging.conftest import Fielded, Ingest, eventually, rows
from tests.messaging.conftest import ingest as ingest
from tests.ports import free_port

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@contextmanager
def scraped() -> Iterator[Figures]:
    """The figures, read as Prometheus does, from the loopback port."""
    port = free_port()
    stop = serve_metrics(port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        yield {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    finally:
        stop()


def value(figures: Figures, name: str, **labels: str) -> float:
    return figures[name, tuple(sorted(labels.items()))]


@contextmanager
def live_on(socket: Path) -> Iterator[None]:
    """The process of the live stream on a socket."""
    environment = os.environ | {"GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    process = subprocess.Popen([sys.executable, "manage.py", "live", "--uds", str(socket)], cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.django_db(transaction=True)
def test_every_part_is_counted_at_one_place(ingest: Ingest, tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR, settings.LIVE_SOCKET = tmp_path, tmp_path / "live.sock"
    process = ingest.ready()
    hotspot = Fielded.new()
    hotspot.tele(1, 2, 3)
    hotspot.tele(2, ts="2026-11-24T09:00:00+00:00", hist=True)
    hotspot.tele(2, ts="2026-11-24T09:00:00+00:00", hist=True)
    hotspot.peer.say("tele", "{")
    told = "SELECT 1 FROM ingest_heartbeat WHERE (counters ->> 'messages')::int = 6"
    eventually(lambda: rows(told), "the heartbeat tells of six messages")
    worker = "ingest-00-0f"
    with live_on(settings.LIVE_SOCKET), scraped() as figures:
        assert value(figures, "geoportal_up", part="database") == 1
        assert value(figures, "geoportal_ingest_samples_total", worker=worker) == 5
        assert value(figures, "geoportal_ingest_repeated_total", worker=worker) == 1
        assert value(figures, "geoportal_ingest_dead_total", worker=worker, reason="not_json") == 1
        assert value(figures, "geoportal_dead_letters", reason="not_json") == 1
        assert value(figures, "geoportal_ingest_batch_messages_sum", worker=worker) == 6
        batches = value(figures, "geoportal_ingest_batches_total", worker=worker)
        assert value(figures, "geoportal_ingest_batch_messages_count", worker=worker) == batches > 0
        assert value(figures, "geoportal_ingest_delay_seconds_bucket", worker=worker, le="+Inf") == batches
        assert value(figures, "geoportal_ingest_connected", worker=worker) == 1
        assert sum(name == "geoportal_ingest_shard_owner" for name, _ in figures) == 16
        assert value(figures, "geoportal_devices", kind="ap", health="ok") == 1
        assert value(figures, "geoportal_rollup_marks") >= 1
        assert value(figures, "geoportal_telemetry_bytes") > 0
    with live_on(settings.LIVE_SOCKET):

        def streams() -> bool:
            with scraped() as figures:
                return figures.get(("geoportal_live_listening", ())) == 1

        eventually(streams, "the live stream tells of itself")
    settings.LIVE_SOCKET.unlink(missing_ok=True)
    with scraped() as figures:
        assert value(figures, "geoportal_up", part="live") == 0
        assert value(figures, "geoportal_up", part="database") == 1
    ingest.stop(process)


def test_requests_of_many_processes_are_summed_and_never_fall(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(counted, "_WRITE_S", -1.0)
    counted.fold_ended()

    answers = {"/ogc/collections": 200, "/ogc/x": 404, "/": 200}
    for pid in (4_194_400, os.getpid()):  # one that cannot live any more, and one that does
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        middleware = counted.CountRequests(lambda request: HttpResponse(status=answers[request.path_info]))
        for path in answers:
            request = HttpRequest()
            request.path_info = path
            middleware(request)
    before = counted.gathered()
    assert {key: sum(row[:-1]) for key, row in before.items()} == {
        ("ogc", "2xx"): 2,
        ("ogc", "4xx"): 2,
        ("site", "2xx"): 2,
    }
    counted.fold_ended()
    assert counted.gathered() == before
    assert len(list(counted.folder().glob("*.json"))) == 2


def test_a_port_that_is_taken_does_not_stop_the_monitor(settings: Any, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    port = free_port()
    stop = serve_metrics(port)
    second = serve_metrics(port)
    second()
    stop()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2)
