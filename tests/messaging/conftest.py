"""The real ingest in processes of its own, on the test run's database and broker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from geoportal.monitoring.models import Device, DeviceStatus
from tests.broker import Peer, TestBroker, enrolled

BASE = Path(__file__).resolve().parent.parent.parent


def eventually(probe: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Wait until `probe` says something true and return it; fails naming what was awaited."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def now_text() -> str:
    return datetime.now(UTC).isoformat()


def sample(seq: int, boot: str, **changes: Any) -> dict[str, Any]:
    return {"v": 1, "boot": boot, "seq": seq, "ts": now_text(), "int": 30, "m": {"cpu": 10 + seq % 50}} | changes


@dataclass
class Ingest:
    """Starts and stops `manage.py ingest`."""

    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, shards: str = "00-0f", **environment: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"ingest-{len(self.running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, str(BASE / "manage.py"), "ingest", "--shards", shards],
            env=os.environ | {"GEOPORTAL_DB_NAME": str(settings.DATABASES["default"]["NAME"])} | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.running.append(process)
        return process

    def ready(self, shards: str = "00-0f") -> subprocess.Popen[bytes]:
        """Start it and wait until it says that it listens."""
        connection.cursor().execute("DELETE FROM ingest_heartbeat")
        process = self.start(shards)
        eventually(lambda: rows("SELECT 1 FROM ingest_heartbeat WHERE connected"), f"ingest listens: {self.output()}")
        return process

    def output(self, number: int = -1) -> str:
        logs = sorted(self.folder.glob("ingest-*.log"))
        return logs[number].read_text() if logs else ""

    def stop(self, process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> int:
        process.send_signal(number)
        return process.wait(60)


@pytest.fixture
def ingest(transactional_db: None, broker: TestBroker, tmp_path: Path) -> Iterator[Ingest]:
    """The means to run ingest; whatever still runs is ended, and what it wrote is taken away."""
    starter = Ingest(tmp_path)
    yield starter
    for process in starter.running:
        if process.poll() is None:
            process.kill()
            process.wait()
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE wifi_telemetry, kiosks_telemetry, device_event, ingest_ack, ingest_heartbeat, "
            "telemetry_dirty, telemetry_rollup"
        )


@dataclass
class Fielded:
    """A device in the field: its row, its programs, its boot."""

    device: Device
    peer: Peer
    boot: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def new(cls, kind: str = "ap") -> Fielded:
        return cls(*enrolled(kind))

    @property
    def status(self) -> DeviceStatus:
        return DeviceStatus.objects.get(device=self.device)

    def tele(self, *seqs: int, **changes: Any) -> None:
        for seq in seqs:
            self.peer.say("tele", json.dumps(sample(seq, **{"boot": self.boot, **changes})))

    def birth(self, conn: int = 1, **changes: Any) -> None:
        document = {"s": "online", "boot": self.boot, "conn": conn, "ts": now_text(), "up": 5, "clk": "ntp"} | changes
        self.peer.say("state", json.dumps(document), "-r")

    def will(self, conn: int = 1) -> str:
        return json.dumps({"s": "lost", "boot": self.boot, "conn": conn})

    def stored(self, table: str = "wifi_telemetry") -> list[int]:
        return [row[0] for row in rows(f"SELECT seq FROM {table} WHERE device_id = %s ORDER BY seq", self.device.pk)]
