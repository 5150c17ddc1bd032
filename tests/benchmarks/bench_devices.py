"""`make benchdevices`: from the broker to committed rows and to open pages, next to bare loops in the same run.

    pytest tests/benchmarks/bench_devices.py -s [-k "throughput or latency or commit or memory"]

QUICK=1 keeps each part under a minute on a quiet machine. The database of the tests does not wait for the disk (fsync
off) and the machine may be busy: ratios and CPU time a message carry over, figures per second do not.
"""

from __future__ import annotations

import json
import os
import re
import select
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
HOUR = 60_000 if QUICK else 300 * 3600
"""An hour of 300 messages a second, pushed as fast as it goes; QUICK: a twentieth of it."""
DEVICES = 300
EVERYTHING = "cremona/v1/+/+/up/#"


@pytest.fixture(autouse=True)
def broker_that_saves_now_and_then(broker: TestBroker) -> None:
    """The product's broker writes all it holds after every hundred changes, which a queue of 100,000 slows down."""
    file = broker.broker.root / "mosquitto.conf"
    if "autosave_on_changes true" not in (text := file.read_text()):
        return
    broker.stop()
    file.write_text(re.sub(r"autosave_on_changes true\nautosave_interval \d+", "autosave_interval 600", text))
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


def bare(mode: str, broker: TestBroker, publisher: Publisher, messages: list[tuple[str, bytes]]) -> str:
    """Messages a second of a bare program that empties its queue, and its CPU time."""
    if mode != "copy":
        account = Peer(broker.port, "bench", "pw")
        open_session = ["mosquitto_sub", *account.credentials(f"bench-{mode}"), "-c", "-x", "3600", "-q", "1", "-E"]
        subprocess.run([*open_session, "-t", EVERYTHING], check=True, timeout=20, stdout=subprocess.DEVNULL)
        publisher.send(messages)
    command = [sys.executable, "-m", "tests.benchmarks.bare", mode, str(broker.port), "bench", "pw", str(len(messages))]
    result = subprocess.run([*command, dsn()], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@dataclass
class Emptied:
    """How workers emptied their queues: messages a second, µs of CPU a message, resident MB."""

    speed: float
    cpu_us: float
    memory: list[float]


def through_ingest(
    ingest: Ingest, publisher: Publisher, messages: list[tuple[str, bytes]], shards: Sequence[str] = ("00-0f",)
) -> Emptied:
    """Let one worker, or one for each range of shards, empty the queues of a backlog."""
    for one in shards:  # the broker keeps messages for a session it knows
        ingest.stop(ingest.ready(one))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ingest_ack, wifi_telemetry")
    publisher.send(messages)
    stored = "SELECT coalesce(sum(hi - cardinality(miss)), 0)::bigint FROM ingest_ack"
    workers = [ingest.start(one) for one in shards]
    seen = [(0.0, 0, 0.0)]
    while seen[-1][1] < len(messages):
        ((count,),) = rows(stored)
        if count > seen[-1][1]:
            seen.append((time.monotonic(), count, sum(map(_cpu_s, workers))))
        assert all(worker.poll() is None for worker in workers), ingest.output()
        time.sleep(0.02)
    memory = [_memory_mb(worker) for worker in workers]
    for worker in workers:
        ingest.stop(worker)
    assert rows("SELECT count(*) FROM wifi_telemetry") == [(len(messages),)]
    (began, base, used), (end, done, used_all) = seen[1], seen[-1]
    return Emptied((done - base) / (end - began), 1e6 * (used_all - used) / (done - base), memory)


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def _memory_mb(process: subprocess.Popen[bytes]) -> float:
    return float(psutil.Process(process.pid).memory_info().rss) / 1e6


def test_throughput(ingest: Ingest, broker: TestBroker, publisher: Publisher) -> None:
    devices = [new_device() for _ in range(DEVICES)]
    messages = backlog(devices, BACKLOG)
    say(f"load average {os.getloadavg()[0]:.1f}; {BACKLOG} messages of {DEVICES} devices wait at the broker")
    found: dict[str, float] = {}
    for mode, name in (
        ("subscriber", "bare paho subscriber"),
        ("copy", "bare COPY"),
        ("loop", "bare paho, COPY, upsert"),
    ):
        speed, cpu = map(float, bare(mode, broker, publisher, messages).split())
        found[mode] = speed
        say(f"{name:25} {speed:8.0f} messages/s, {cpu:5.1f} µs CPU a message")
    for shards in (("00-0f",), ("00-07", "08-0f")):
        got = through_ingest(ingest, publisher, backlog(devices, BACKLOG), shards)
        memory = ", ".join(f"{one:.0f}" for one in got.memory)
        say(
            f"ingest, {len(shards)} worker(s)       {got.speed:8.0f} messages/s, {got.cpu_us:5.1f} µs CPU a message"
            f" = {got.speed / found['loop']:.2f} x the bare loop, {memory} MB, load {os.getloadavg()[0]:.1f}"
        )


def test_memory_stays_flat(ingest: Ingest, publisher: Publisher) -> None:
    """An hour's messages through one worker: its resident memory when a tenth is stored, half of it, and all."""
    process = ingest.ready()
    made = backlog([new_device() for _ in range(DEVICES)], HOUR)
    began = time.monotonic()
    pushing = threading.Thread(target=publisher.send, args=(made,))
    pushing.start()
    wanted, found, most = [HOUR // 10, HOUR // 2, HOUR], [], 0.0
    while wanted:
        assert process.poll() is None, ingest.output()
        assert time.monotonic() - began < 900, f"{wanted[0]} are not stored"
        ((stored,),) = rows("SELECT coalesce(sum(hi - cardinality(miss)), 0)::bigint FROM ingest_ack")
        most = max(most, _memory_mb(process))
        while wanted and stored >= wanted[0]:
            found.append(_memory_mb(process))
            wanted.pop(0)
        time.sleep(0.1)
    pushing.join()
    took = time.monotonic() - began
    start, middle, end = found
    words = f"{start:.0f}, {middle:.0f}, {end:.0f} MB when a tenth, half and all were stored, most {most:.0f}"
    say(f"{HOUR} messages in {took:.0f} s ({HOUR / took:.0f}/s while publishing): {words}")
    assert end < 1.2 * middle and most < 110


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


@dataclass
class Speaker:
    """What a device said last, over all rates: whoever says the same word again changes nothing that could be seen."""

    boot: str = field(default_factory=lambda: str(uuid.uuid4()))
    conn: int = 0
    seq: int = 0

    def state(self) -> dict[str, Any]:
        self.conn += 1
        return {"s": "online" if self.conn % 2 else "offline", "boot": self.boot, "conn": self.conn}

    def sample(self) -> dict[str, Any]:
        self.seq += 1
        return _sample(self.boot, self.seq)


_SPEAKERS: dict[int, Speaker] = defaultdict(Speaker)


def pace(publisher: Publisher, devices: list[Device], rate: float, seconds: float, watch: Watch) -> str:
    """Devices speak in turn at a steady rate, each third word that it came or went and the others samples; the delays
    of the former from publishing to commit and to the stream.
    """
    sent: list[tuple[Device, float]] = []
    number, total = 0, max(8, int(rate * seconds))
    began = time.monotonic()
    while number < total:
        time.sleep(max(0.002, began + number / rate - time.monotonic()))
        due = min(total, max(number + 1, int((time.monotonic() - began) * rate)))
        piece = []
        for one in range(number, due):
            device = devices[one // 3 % len(devices)]
            speaker, channel = _SPEAKERS[device.pk], "tele" if one % 3 else "state"
            said = speaker.sample() if one % 3 else speaker.state()
            if channel == "state":
                sent.append((device, time.monotonic()))
            piece.append((topics.up(device.devid, channel, device.shard), json.dumps(said).encode()))
        publisher.send(piece)
        number = due
    behind = time.monotonic() - began - seconds
    time.sleep(2)
    late = f"   publisher {behind:.1f} s behind" if behind > 0.1 * seconds else ""
    return (
        f"commit {_quantiles(sent, watch.committed, 'pk')}   stream {_quantiles(sent, watch.streamed, 'devid')}{late}"
    )


def _sample(boot: str, seq: int) -> dict[str, Any]:
    moment = datetime.now(UTC).isoformat()
    measured = {"cpu": 12.5, "mem": 41.0, "clients_24": 4, "clients_5": 9, "loss": 0.0, "rtt": 9.1}
    return {"v": 1, "boot": boot, "seq": seq, "ts": moment, "int": 30, "clk": "ntp", "m": measured}


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
        for rate in (1.7, 300.0, 3300.0):
            watch = Watch(served.open())
            delays = pace(publisher, devices, rate, PACED_S, watch)
            watch.end()
            say(f"load {os.getloadavg()[0]:4.1f}  {streams:4} streams, {rate:6.1f} messages/s: {delays}")
        say(f"ingest {_memory_mb(process):.0f} MB; streams open {served.state()['streams']}")
        if crowd is not None:
            crowd.kill()
            crowd.wait()


def test_commit_at_2000_a_second(ingest: Ingest, publisher: Publisher) -> None:
    devices = [new_device() for _ in range(1000)]
    ingest.ready()
    with live() as served:
        watch = Watch(served.open())
        delays = pace(publisher, devices, 2000.0, PACED_S, watch)
        watch.end()
    say(f"load {os.getloadavg()[0]:4.1f}  2000 messages/s: {delays}")


def _crowd(port: int, count: int) -> subprocess.Popen[bytes] | None:
    """A process that holds so many open streams and reads them."""
    if count < 1:
        return None
    program = Path(__file__).with_name("crowd.py")
    return subprocess.Popen([sys.executable, str(program), str(port), str(count)])
