"""Roll-ups against plain arithmetic over the same samples, whatever the order in which they came."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection

from geoportal.messaging.ingest.batch import interpret
from geoportal.messaging.ingest.inbox import Message
from geoportal.messaging.ingest.registry import Registry
from geoportal.messaging.ingest.store import Store, connect
from geoportal.messaging.topics import up
from geoportal.monitoring.models import Device
from geoportal.monitoring.rollups import GRACE, forget_rollups, roll_up
from tests.broker import new_device

pytestmark = pytest.mark.django_db(transaction=True)

START = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)
"""A few hours before the city's clocks go back: 25 October 2026 has 25 hours."""
ROME = ZoneInfo("Europe/Rome")


@dataclass
class Teller:
    """Writes samples through ingest's own code, in the transaction it makes."""

    store: Store
    registry: Registry
    connection: Any
    device: Device
    boot: str = field(default_factory=lambda: str(uuid.uuid4()))

    def tell(self, samples: Iterable[tuple[int, datetime, dict[str, Any]]], now: datetime, **more: Any) -> None:
        messages = []
        for seq, ts, measured in samples:
            said = {
                "boot": self.boot,
                "seq": seq,
                "ts": ts.isoformat(),
                "m": measured,
                "clk": "ntp",
                "hist": True,
                **more,
            }
            topic = up(self.device.devid, "tele", self.device.shard)
            messages.append(Message(0, seq, 1, topic, json.dumps(said).encode(), False, now.timestamp()))
        batch = interpret(messages, self.registry.get)
        assert not batch.dead, batch.dead
        self.store.write(batch, now)


@pytest.fixture
def teller() -> Any:
    device = new_device()
    own = connect("ingest-test")
    registry = Registry()
    registry.load(own)
    yield Teller(Store(own), registry, own, device)
    own.close()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wifi_telemetry, ingest_ack, telemetry_dirty, telemetry_rollup")


def rolled(device: Device, step: int) -> dict[datetime, tuple[int, dict[str, Any], dict[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bucket, samples, gauges::text, counted::text FROM telemetry_rollup "
            "WHERE device_id = %s AND step = %s ORDER BY bucket",
            [device.pk, step],
        )
        return {row[0]: (row[1], json.loads(row[2]), json.loads(row[3])) for row in cursor.fetchall()}


def bucket_of(ts: datetime, step: int) -> datetime:
    if step == 86400:
        local = ts.astimezone(ROME)
        return datetime(local.year, local.month, local.day, tzinfo=ROME).astimezone(UTC)
    return datetime.fromtimestamp(ts.timestamp() // step * step, UTC)


Told = tuple[int, datetime, dict[str, Any]]


def expected(samples: list[Told], step: int, name: str) -> dict[datetime, list[float]]:
    """Count, mean, least, most by plain arithmetic."""
    found: dict[datetime, list[float]] = {}
    for _, ts, measured in samples:
        if name in measured:
            found.setdefault(bucket_of(ts, step), []).append(measured[name])
    return {at: [len(values), sum(values) / len(values), min(values), max(values)] for at, values in found.items()}


def thirty_hours(chance: random.Random) -> list[Told]:
    total, told = 0, []
    for seq in range(1, 1801):
        total += chance.randrange(1_000_000)
        measured = {"cpu": chance.uniform(0, 100), "clients_5": chance.randrange(50), "rx_total": total}
        if chance.random() < 0.2:
            del measured["cpu"]
        told.append((seq, START + timedelta(seconds=60 * seq), measured))
    return told


def test_whatever_the_order_the_roll_ups_are_those_of_the_samples(teller: Teller) -> None:
    chance = random.Random(7)
    samples = thirty_hours(chance)
    end = samples[-1][1] + timedelta(minutes=10)
    late = samples[:]
    chance.shuffle(late)
    for start in range(0, len(late), 450):  # four times some of every hour, rolled up in between
        part = late[start : start + 450]
        teller.tell([*part, *part[:20]], end)  # and some twice
        roll_up(end)
    for step in (300, 3600, 86400):
        got = rolled(teller.device, step)
        assert sum(samples for samples, _, _ in got.values()) == len(late)
        for name in ("cpu", "clients_5"):
            wanted = expected(samples, step, name)
            assert {at: gauges[name] for at, (_, gauges, _) in got.items() if name in gauges} == {
                at: pytest.approx(values) for at, values in wanted.items()
            }
        counted = [values["rx_total"] for _, _, values in got.values() if "rx_total" in values]
        assert sum(total for total, _ in counted) == samples[-1][2]["rx_total"] - samples[0][2]["rx_total"]
        assert sum(seconds for _, seconds in counted) == pytest.approx(60 * 1799)
    days = rolled(teller.device, 86400)
    assert sorted(at.astimezone(ROME).day for at in days) == [24, 25, 26]
    assert days[datetime(2026, 10, 24, 22, tzinfo=UTC)][0] == 25 * 60


@pytest.mark.parametrize(
    ("totals", "counted"),
    [
        ([1000, 4000, 9000], [8000, 120]),
        ([4_294_960_000, 4_294_967_000, 700], [7000 + 996, 120]),  # 32 bits wrap
        ([900_000, 950_000, 10_000], [50_000 + 10_000, 120]),  # the counter began again
        ([88_000_000_000, 88_000_500_000, 400], [500_400, 120]),  # too large for 32 bits: began again as well
        ([5000, None, 9000], None),
    ],
)
def test_counters_wrap_and_begin_again(teller: Teller, totals: list[int | None], counted: list[float] | None) -> None:
    told = [
        (seq, START + timedelta(seconds=60 * seq), {"cpu": 1.0} | ({} if total is None else {"rx_total": total}))
        for seq, total in enumerate(totals, 1)
    ]
    teller.tell(told, START + timedelta(hours=1))
    roll_up(START + timedelta(hours=1))
    ((_, _, found),) = rolled(teller.device, 300).values()
    assert found.get("rx_total") == counted


def test_a_reboot_is_no_traffic_and_a_gap_is_filled_when_it_comes(teller: Teller) -> None:
    later = START + timedelta(hours=2)

    def at(minute: int) -> datetime:
        return START + timedelta(minutes=minute)

    teller.tell([(1, at(1), {"rx_total": 100}), (9, at(9), {"rx_total": 900})], later)
    roll_up(later)
    assert rolled(teller.device, 3600)[START][2]["rx_total"] == [800, 480]
    teller.tell([(4, at(4), {"rx_total": 400})], later)  # late: its own interval changes, and the one that follows
    roll_up(later)
    assert [values["rx_total"] for _, _, values in rolled(teller.device, 300).values()] == [[300, 180], [500, 300]]
    teller.boot = str(uuid.uuid4())
    teller.tell([(1, at(11), {"rx_total": 50}), (2, at(12), {"rx_total": 80})], later)
    roll_up(later)
    assert rolled(teller.device, 3600)[START][2]["rx_total"] == [830, 540]


def test_an_interval_is_taken_when_it_is_over_and_marked_again_when_late(teller: Teller) -> None:
    teller.tell([(1, START + timedelta(seconds=10), {"cpu": 5.0})], START + timedelta(seconds=10))
    assert roll_up(START + timedelta(minutes=5)) == 0
    assert roll_up(START + timedelta(minutes=5) + GRACE) == 1
    assert roll_up(START + timedelta(minutes=6)) == 0
    teller.tell([(2, START + timedelta(seconds=40), {"cpu": 7.0})], START + timedelta(minutes=6))
    assert roll_up(START + timedelta(minutes=6)) == 1
    assert rolled(teller.device, 86400)[datetime(2026, 10, 23, 22, tzinfo=UTC)][1]["cpu"] == [2, 6, 5, 7]


def test_a_mark_that_is_being_made_is_left_for_the_next_time(teller: Teller) -> None:
    later = START + timedelta(hours=1)
    teller.tell([(1, START, {"cpu": 5.0})], later)
    with teller.connection.cursor() as cursor:  # ingest writes more of this interval and has not committed
        cursor.execute("UPDATE telemetry_dirty SET bucket = bucket")
        assert roll_up(later) == 0
        teller.connection.rollback()
    assert roll_up(later) == 1


def test_old_roll_ups_are_forgotten_and_days_that_lost_samples_stay_as_they_were(teller: Teller) -> None:
    teller.tell([(1, START, {"cpu": 5.0})], START + timedelta(hours=1))
    roll_up(START + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wifi_telemetry")
        cursor.execute("INSERT INTO telemetry_dirty VALUES (%s, %s)", [teller.device.pk, START])
    kept = settings.RETENTION_DAYS
    assert roll_up(START + timedelta(days=kept["telemetry"] + 1)) == 1
    assert rolled(teller.device, 300)[START][0] == 1
    forget_rollups(START + timedelta(days=kept["telemetry_5m"] + 1))
    assert rolled(teller.device, 300) == {}
    assert len(rolled(teller.device, 3600)) == 1
    forget_rollups(START + timedelta(days=kept["telemetry_1d"] + 2))
    assert rolled(teller.device, 3600) == rolled(teller.device, 86400) == {}
