"""The figures of the whole instance, read at the moment of asking."""

from __future__ import annotations

import http.client
import json
import logging
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from geoportal.metrics.requests import BOUNDS_S, gathered
from geoportal.sql import queries

logger = logging.getLogger(__name__)

SQL = queries("geoportal.metrics", "metrics")
_LIVE_WAIT_S = 2.0
_INGEST_COUNTERS = {
    "messages": "Messages stored or refused",
    "samples": "Samples of messages, repeated ones included",
    "repeated": "Samples that were stored before",
    "events": "Events and results of commands",
    "gaps": "Gaps that devices reported",
    "lost_by_devices": "Numbers within reported gaps",
    "batches": "Transactions with messages",
    "overflows": "Times that more was waiting than the memory allows",
    "sessions_lost": "Connections for which the broker held no session",
}
_INGEST_GAUGES = {
    "waiting": "Messages received and not yet taken",
    "acks_waiting": "Acknowledgements to devices that wait for their turn",
    "probe_age_s": "Seconds since a message of its own came back",
}


class Collector:
    """For a registry of prometheus_client. A part that does not answer is missing, and `geoportal_up` says so."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("geoportal_up", "Whether a part answers", labels=["part"])
        for part, read in (("database", _database), ("live", _live), ("web", _web)):
            began = time.monotonic()
            try:
                families = list(read())
            except (DatabaseError, InterfaceError, OSError, ValueError, http.client.HTTPException) as error:
                logger.warning("no figures of %s after %.1f s: %s", part, time.monotonic() - began, str(error).strip())
                up.add_metric([part], 0)
                continue
            up.add_metric([part], 1)
            yield from families
        connection.close()  # the database may be restarted between two questions
        yield up


def _database() -> Iterator[Metric]:
    yield from _ingest(_rows("workers"))
    devices = GaugeMetricFamily("geoportal_devices", "Devices in service by kind and health", labels=["kind", "health"])
    for kind, health, count in _rows("devices"):
        devices.add_metric([kind, health], count)
    yield devices
    for name, text, label in (
        ("dead_letters", "Discarded messages that are kept, by reason", "reason"),
        ("alerts", "Open alerts by state", "state"),
    ):
        family = GaugeMetricFamily(f"geoportal_{name}", text, labels=[label])
        for value, count in _rows(name):
            family.add_metric([value], count)
        yield family
    ((marks, oldest, blind, size),) = _rows("store")
    yield GaugeMetricFamily("geoportal_rollup_marks", "Intervals that wait to be rolled up", value=marks)
    yield GaugeMetricFamily("geoportal_rollup_oldest_seconds", "Age of the oldest of them", value=oldest)
    yield GaugeMetricFamily("geoportal_blind_shards", "Shards that nobody listens to", value=blind)
    yield GaugeMetricFamily("geoportal_telemetry_bytes", "Samples with their indexes", value=size)
    ((led,),) = _rows("lead")
    yield GaugeMetricFamily("geoportal_monitor_leads", "Whether a monitor leads", value=led)


def _ingest(workers: Sequence[tuple[Any, ...]]) -> Iterator[Metric]:
    prefix, label = "geoportal_ingest", ["worker"]
    told = [(worker, json.loads(counters)) for worker, _, _, _, counters in workers]
    for name, text in _INGEST_COUNTERS.items():
        counter = CounterMetricFamily(f"{prefix}_{name}", text, labels=label)
        for worker, counts in told:
            counter.add_metric([worker], counts.get(name, 0))
        yield counter
    for name, text in _INGEST_GAUGES.items():
        gauge = GaugeMetricFamily(f"{prefix}_{name}", text, labels=label)
        for worker, counts in told:
            gauge.add_metric([worker], counts.get(name, 0))
        yield gauge
    dead = CounterMetricFamily(f"{prefix}_dead", "Messages that could not be used", labels=["worker", "reason"])
    sizes = HistogramMetricFamily(f"{prefix}_batch_messages", "Messages of a transaction", labels=label)
    delays = HistogramMetricFamily(f"{prefix}_delay_seconds", "From arrival to commit, oldest of a batch", labels=label)
    age = GaugeMetricFamily(f"{prefix}_heartbeat_age_seconds", "Since a worker last spoke", labels=label)
    connected = GaugeMetricFamily(f"{prefix}_connected", "Whether a worker has the broker", labels=label)
    shards = GaugeMetricFamily(f"{prefix}_shard_owner", "Who writes a shard", labels=["worker", "shard"])
    for worker, counts in told:
        for reason, count in counts.get("dead", {}).items():
            dead.add_metric([worker, reason], count)
        for family, name in ((sizes, "batch_sizes"), (delays, "delays_s")):
            if name in counts:
                _add(family, [worker], counts[name]["bounds"], counts[name]["counts"], counts[name]["sum"])
    for worker, owned, seconds, has_broker, _ in workers:
        age.add_metric([worker], seconds)
        connected.add_metric([worker], has_broker)
        for shard in owned:
            shards.add_metric([worker, shard], 1)
    yield from (dead, sizes, delays, age, connected, shards)


def _web() -> Iterator[Metric]:
    took = HistogramMetricFamily("geoportal_http_request_seconds", "Requests", labels=["group", "status"])
    for (group, status), row in sorted(gathered().items()):
        _add(took, [group, status], BOUNDS_S, row[:-1], row[-1])
    yield took


def _live() -> Iterator[Metric]:
    state = _ask_live(settings.LIVE_SOCKET)
    for name, text in (
        ("listening", "Whether the live stream hears the database"),
        ("streams", "Open event streams"),
    ):
        yield GaugeMetricFamily(f"geoportal_live_{name}", text, value=float(state[name]))
    for name, text in (("events", "Events made"), ("dropped", "Slow readers that were let go")):
        yield CounterMetricFamily(f"geoportal_live_{name}", text, value=state[name])


def _ask_live(path: Path) -> dict[str, Any]:
    """What the live process says of itself, over its own socket. Raises OSError and HTTPException."""
    asking = http.client.HTTPConnection("localhost", timeout=_LIVE_WAIT_S)
    asking.sock = socket.socket(socket.AF_UNIX)
    asking.sock.settimeout(_LIVE_WAIT_S)
    try:
        asking.sock.connect(str(path))
        asking.request("GET", "/eventi/stato")
        state: dict[str, Any] = json.loads(asking.getresponse().read())
    finally:
        asking.close()
    return state


def _add(
    family: HistogramMetricFamily, labels: list[str], bounds: Sequence[float], counts: Sequence[float], total: float
) -> None:
    """A histogram from the count of each bound, the last one above all."""
    running, buckets = 0.0, []
    for bound, count in zip((*map(str, map(float, bounds)), "+Inf"), counts, strict=True):
        running += count
        buckets.append((bound, running))
    family.add_metric(labels, buckets, sum_value=total)


def _rows(name: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(SQL[name])
        return list(cursor.fetchall())
