"""`make bench`: from the broker to committed rows and to open pages, next to bare loops in the same run.

    pytest tests/benchmarks/bench_devices.py -s      QUICK=1: under three minutes

The database of the tests does not wait for the disk (fsync off): ratios carry over, absolute figures are optimistic.
"""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from django.db import connection

from geoportal.messaging import topics
from geoportal.monitoring.models import Device
from tests.benchmarks.publisher import Publisher
from tests.broker import Peer, TestBroker, new_device
from tests.live.streams import Stream, live
from tests.messaging.conftest import Ingest, eventually, rows
from tests.messaging.conftest import ingest as ingest

pytestmark = pytest.mark.django_db(transaction=True)
QUICK = bool(os.environ.get("QUICK"))
BACKLOG = 20_000 if QUICK else 100_000
PACED_S = 6.0 if QUICK else 30.0
DEVICES = 300
EVERYTHING = "cremona/v1/+/+/up/#"


@pytest.fixture(autouse=True)
def broker_that_saves_now_and_then(broker: TestBroker) -> None:
    """The product's broker writes all it holds after every change, which a backlog of thousands turns into minutes."""
    file = broker.broker.root / "mosquitto.conf"
    if "autosave_on_changes true" not in (text := file.read_text()):
        return
    broker.stop()
    file.write_text(text.replace("autosave_on_changes true", "autosave_on_changes false").replace(
        "autosave_interval 1", "autosave_interval 600"))  # fmt: skip
    with (broker.broker.root / "broker.log").open("ab") as log:
        broker.process = subprocess.Popen(broker.broker.command(), stdout=log, stderr=subprocess.STDOUT)
    broker.broker.wait_until_ready()


@pytest.fixture
def publisher(broker: TestBroker, broker_that_saves_now_and_then: None) -> Iterator[Publisher]:
    account = broker.account(
        "bench", ("publishClientSend", "#"), ("subscribePattern", "#"), ("publishClientReceive", "#")
    )
    opened = Publisher(broker.port, account.username, account.password)
    yield opened
    opened.close()


def dsn() -> str:
    return str(psycopg2.extensions.make_dsn(**{
        key: connection.get_connection_params()[key] for key in ("dbname", "user", "host")
    }))  # fmt: skip


def say(text: str) -> None:
    sys.stdout.write(f"\n  {text}")
    sys.stdout.flush()


def backlog(devices: list[Device], count: int) -> list[tuple[str, bytes]]:
    """Samples of all devices in turn, of a boot that is new for each."""
    now = datetime.now(UTC).isoformat()
    boots = {device.devid: str(uuid.uuid4()) for device in devices}
    made = []
    for number in range(count):
        device = devices[number % len(devices)]
        said = {"v": 1, "boot": boots[device.devid], "seq": number // len(devices) + 1, "ts": now, "int": 30}
        said["m"] = {"cpu": 12.5, "mem": 41.0, "clients_24": 4, "clients_5": 9, "loss": 0.0, "rtt": 9.1}
        made.append((topics.up(device.devid, "tele", device.shard), json.dumps(said, separators=(",", ":")).encode()))
    return made


def bare(mode: str, broker: TestBroker, publisher: Publisher, messages: list[tuple[str, bytes]]) -> float:
    """Messages a second of a bare program that empties its queue."""
    account = Peer(broker.port, "bench", "pw")
    open_session = ["mosquitto_sub", *account.credentials(f"bench-{mode}"), "-c", "-x", "3600", "-q", "1", "-E"]
    subprocess.run([*open_session, "-t", EVERYTHING], check=True, timeout=20, stdout=subprocess.DEVNULL)
    publisher.send(messages)
    command = [sys.executable, "-m", "tests.benchmarks.bare", mode, str(broker.port), "bench", "pw", str(len(messages))]
    result = subprocess.run([*command, dsn()], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return float(result.stdout)


def through_ingest(ingest: Ingest, publisher: Publisher, messages: list[tuple[str, bytes]]) -> tuple[float, float]:
    """Messages a second of one worker that empties its queue, and its resident memory in MB."""
    ingest.stop(ingest.ready())
    publisher.send(messages)
    stored = "SELECT coalesce(sum(hi - cardinality(miss)), 0)::bigint FROM ingest_ack"
    process = ingest.start()
    seen = [(0.0, 0)]
    while seen[-1][1] < len(messages):
        ((count,),) = rows(stored)
        if count > seen[-1][1]:
            seen.append((time.monotonic(), count))
        assert process.poll() is None, ingest.output()
        time.sleep(0.01)
    memory = psutil.Process(process.pid).memory_info().rss / 1e6
    ingest.stop(process)
    assert rows("SELECT count(*) FROM wifi_telemetry") == [(len(messages),)]
    (began, base), (end, done) = seen[1], seen[-1]
    return (done - base) / (end - began), memory


def test_throughput(ingest: Ingest, broker: TestBroker, publisher: Publisher) -> None:
    devices = [new_device() for _ in range(DEVICES)]
    say(f"load average {os.getloadavg()[0]:.1f}; {BACKLOG} messages of {DEVICES} devices wait at the broker")
    messages = backlog(devices, BACKLOG)
    speed, memory = through_ingest(ingest, publisher, messages)
    subscriber, loop = (bare(mode, broker, publisher, messages) for mode in ("subscriber", "loop"))
    say(f"bare paho subscriber       {subscriber:8.0f} messages/s")
    say(f"bare paho, COPY, upsert    {loop:8.0f} messages/s")
    say(f"ingest, one worker         {speed:8.0f} messages/s = {speed / loop:.2f} x the bare loop, {memory:.0f} MB")


class Watch:
    """Notes when each device's change was committed (a notice of the database) and when the stream told of it."""

    def __init__(self, stream: Stream) -> None:
        self.committed: dict[int, list[float]] = {}
        self.streamed: dict[str, list[float]] = {}
        self._stream = stream
        self._ended = threading.Event()
        self._listener = psycopg2.connect(dsn())
        self._listener.autocommit = True
        self._listener.cursor().execute("LISTEN devices")
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._commits, self._events)]
        for thread in self._threads:
            thread.start()

    def _commits(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listener], [], [], 0.2)[0]:
                self._listener.poll()
                now = time.monotonic()
                for notice in self._listener.notifies:
                    for number in notice.payload.split(","):
                        self.committed.setdefault(int(number), []).append(now)
                self._listener.notifies.clear()

    def _events(self) -> None:
        while not self._ended.is_set() and (event := self._stream.next()) is not None:
            now = time.monotonic()
            if event.name == "device":
                for device in event.data:
                    self.streamed.setdefault(device["devid"], []).append(now)

    def end(self) -> None:
        self._ended.set()
        self._threads[0].join(5)
        self._listener.close()


def pace(publisher: Publisher, devices: list[Device], rate: float, seconds: float, watch: Watch) -> str:
    """Devices go and come in turn at a steady rate; the delays from publishing to commit and to the stream."""
    boots = {device.pk: str(uuid.uuid4()) for device in devices}
    sent: list[tuple[Device, float]] = []
    began = time.monotonic()
    for number in range(max(8, int(rate * seconds))):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        device = devices[number % len(devices)]
        word = "online" if number // len(devices) % 2 == 0 else "offline"
        state = {"s": word, "boot": boots[device.pk], "conn": 1 + number // len(devices)}
        sent.append((device, time.monotonic()))
        publisher.send([(topics.up(device.devid, "state", device.shard), json.dumps(state).encode())])
    time.sleep(2)
    return f"commit {_quantiles(sent, watch.committed, 'pk')}   stream {_quantiles(sent, watch.streamed, 'devid')}"


def _quantiles(sent: list[tuple[Device, float]], seen: dict[Any, list[float]], key: str) -> str:
    delays = []
    for device, at in sent:
        later = [moment - at for moment in seen.get(getattr(device, key), []) if moment >= at]
        if later:
            delays.append(1000 * min(later))
    if len(delays) < 2:
        return f"{len(delays)} of {len(sent)} seen"
    cuts = statistics.quantiles(delays, n=100)
    missing = f", {len(sent) - len(delays)} not seen" if len(delays) < len(sent) else ""
    return f"p50 {cuts[49]:5.0f} p99 {cuts[98]:5.0f} ms{missing}"


@pytest.mark.parametrize("streams", [1, 1000])
def test_latency(ingest: Ingest, publisher: Publisher, streams: int) -> None:
    devices = [new_device() for _ in range(1000)]
    process = ingest.ready()
    with live() as served:
        crowd = _crowd(served.port, streams - 1)
        eventually(lambda: served.state()["streams"] >= streams - 1, "the streams are open", 60)
        for rate in (1.7, 300.0):
            watch = Watch(served.open())
            delays = pace(publisher, devices, rate, PACED_S, watch)
            watch.end()
            say(f"load {os.getloadavg()[0]:4.1f}  {streams:4} streams, {rate:5.1f} messages/s: {delays}")
        say(f"ingest {psutil.Process(process.pid).memory_info().rss / 1e6:.0f} MB")
        if crowd is not None:
            crowd.kill()
            crowd.wait()


def _crowd(port: int, count: int) -> subprocess.Popen[bytes] | None:
    """A process that holds so many open streams and reads them."""
    if count < 1:
        return None
    program = Path(__file__).with_name("crowd.py")
    return subprocess.Popen([sys.executable, str(program), str(port), str(count)])
