"""Ingest as a process of its own between the real broker and the real database."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from django.conf import settings
from django.db import connection
from psycopg2 import sql

from geoportal.messaging import topics
from geoportal.monitoring.models import DeadLetter
from tests.broker import TestBroker
from tests.messaging.conftest import BASE, Fielded, Ingest, eventually, now_text, rows, sample

pytestmark = pytest.mark.django_db(transaction=True)


def test_birth_sample_and_will_become_status(ingest: Ingest) -> None:
    ingest.ready()
    hotspot = Fielded.new()
    hotspot.birth()
    eventually(lambda: hotspot.status.presence == "online", "the birth arrives")
    hotspot.tele(1, m={"cpu": 12.5, "clients_24": 3, "fan": 900})
    eventually(lambda: hotspot.status.sample_seq == 1, "the sample arrives")
    assert hotspot.status.metrics == {"cpu": 12.5, "clients_24": 3, "fan": 900}
    assert rows("SELECT cpu, clients_24, extra FROM wifi_telemetry WHERE device_id = %s", hotspot.device.pk) == [
        (12.5, 3, '{"fan": 900}')
    ]


def test_a_killed_client_is_lost_and_a_late_will_is_not_believed(ingest: Ingest, broker: TestBroker) -> None:
    ingest.ready()
    totem = Fielded.new("totem")
    totem.birth(conn=7)
    eventually(lambda: totem.status.presence == "online", "the birth arrives")
    broker_side = broker.account("will-bearer", ("publishClientSend", "#"))
    broker_side.publish(totem.peer.topic("state"), totem.will(conn=6))
    totem.tele(1)
    eventually(lambda: totem.status.sample_seq == 1, "what was sent after the late will arrives")
    assert totem.status.presence == "online"
    client = totem.peer.connect_with_will("state", totem.will(conn=8), "-d")
    assert client.stdout is not None
    eventually(lambda: b"SUBACK" in client.stdout.readline(), "the client is connected")  # type: ignore[union-attr]
    client.kill()
    client.wait()
    eventually(lambda: totem.status.presence == "lost", "the will arrives")
    assert totem.status.conn == 8


HEAD = f'{{"boot":"{uuid.UUID(int=7)}","seq":9,"ts":"2026-11-22T08:30:00Z","m":{{"x":'.encode()
HOSTILE = [
    (HEAD + b"[" * 30_000 + b"]" * 30_000 + b"}}", "invalid"),  # deeper than a decoder follows
    (HEAD + b"[" * 20_000 + b"]" * 20_000 + b"}}", "invalid"),  # deeper than the database follows
    (HEAD + b"1e400}}", "invalid"),
    (HEAD + b"9" * 5000 + b"}}", "invalid"),
    (HEAD + b'"\xff"}}', "not_json"),
    (HEAD + b'"\\u0000"}}', "invalid"),
    (HEAD + b'"\\ud800"}}', "not_json"),
    (b"[" * 60_000, "invalid"),
]
"""Each of these would end a reader, or a transaction, that did not expect it."""


def test_what_cannot_be_used_is_counted_and_disturbs_nobody(ingest: Ingest, broker: TestBroker) -> None:
    process = ingest.ready()
    hotspot = Fielded.new()
    anyone = broker.account("any-topic", ("publishClientSend", "#"))
    own, shard, lone = hotspot.peer.topic("tele"), hotspot.device.shard, Fielded.new()
    other = f"{(int(shard, 16) + 1) % 16:02x}"
    bad: list[tuple[str, bytes, str]] = [
        (own, b"\xff not json", "not_json"),
        (own, b'{"boot":1}', "invalid"),
        (own, json.dumps(sample(1, hotspot.boot, m={"cpu": "hot"})).encode(), "invalid"),
        (lone.peer.topic("tele"), HEAD + b"1e-3000000000}}", "rejected_by_database"),  # 0.0 to us
        *((own, payload, reason) for payload, reason in HOSTILE),
        (own, b'{"x":"' + b"a" * 70_000 + b'"}', "too_large"),
        (own.replace("/tele", "/telemetry"), b"{}", "bad_topic"),
        (f"{topics.ROOT}/{shard}/NOBODY/up/tele", b"{}", "bad_topic"),
        (f"{topics.ROOT}/0a/ap-never-made/up/tele", b"{}", "unknown_device"),
        (own.replace(f"/{shard}/", f"/{other}/"), b"{}", "wrong_shard"),
    ]
    for number, (topic, payload, _) in enumerate(bad):
        assert anyone.publish(topic, payload).returncode == 0
        hotspot.tele(100 + number)
    anyone.publish(own, b"x" * 1_000_000)  # the broker itself refuses this one
    hotspot.tele(200)
    eventually(lambda: 200 in hotspot.stored(), "everybody else's samples are stored")
    assert hotspot.stored() == [*range(100, 100 + len(bad)), 200]
    found = list(DeadLetter.objects.order_by("received_at", "pk").values_list("reason", flat=True))
    assert sorted(found) == sorted(reason for _, _, reason in bad)
    letter = DeadLetter.objects.get(reason="invalid", detail__contains="cpu")
    assert "'hot'" in letter.detail
    assert letter.topic == own
    assert process.poll() is None
    ask = "SELECT (counters #>> '{dead,invalid}')::int FROM ingest_heartbeat"
    eventually(lambda: rows(ask) == [(found.count("invalid"),)], "the worker has counted them")


def test_a_killed_ingest_stores_what_comes_again_once(ingest: Ingest) -> None:
    first = ingest.ready()
    hotspot = Fielded.new()
    hotspot.tele(1, 2, 3)
    eventually(lambda: len(hotspot.stored()) == 3, "the first samples are stored")
    ingest.stop(first, signal.SIGKILL)
    hotspot.tele(4, 5)
    hotspot.tele(
        3,
        ts=rows("SELECT ts FROM wifi_telemetry WHERE seq = 3 AND device_id = %s", hotspot.device.pk)[0][0].isoformat(),
    )
    ingest.ready()
    eventually(lambda: hotspot.stored() == [1, 2, 3, 4, 5], "the queue is written, nothing twice")


def test_the_standby_takes_over_the_session(ingest: Ingest) -> None:
    first = ingest.ready()
    second = ingest.start()
    eventually(lambda: "stands by" in ingest.output(), "the second stands by")
    hotspot = Fielded.new()
    hotspot.tele(1)
    eventually(lambda: hotspot.stored() == [1], "the first works")
    ingest.stop(first, signal.SIGKILL)
    hotspot.tele(2)
    eventually(lambda: hotspot.stored() == [1, 2], "the second goes on where the first ended")
    assert second.poll() is None


def test_one_worker_that_ends_does_not_speak_for_the_others(ingest: Ingest, broker: TestBroker) -> None:
    ingest.ready("00-07")
    killed = ingest.start("08-0f")
    two = "SELECT 1 FROM ingest_heartbeat WHERE connected HAVING count(*) = 2"
    eventually(lambda: rows(two), "both listen")
    reader = broker.account("state-reader", ("subscribePattern", "#"), ("publishClientReceive", "#"))

    def told() -> dict[str, str]:
        retained = reader.subscribe(topics.SERVER_STATES, "-v", seconds=1).stdout.splitlines()
        words = dict(line.removeprefix(f"{topics.SERVER_STATE}/").split(" ", 1) for line in retained)
        return {shards: json.loads(word)["s"] for shards, word in words.items() if shards in ("00-07", "08-0f")}

    eventually(lambda: told() == {"00-07": "online", "08-0f": "online"}, "both say that they listen")
    ingest.stop(killed, signal.SIGKILL)
    eventually(lambda: told() == {"00-07": "online", "08-0f": "offline"}, "only the killed one's shards are not heard")


def test_devices_are_told_what_is_stored(ingest: Ingest, broker: TestBroker) -> None:
    ingest.ready()
    hotspot = Fielded.new()
    reader = broker.account("ack-reader", ("subscribePattern", "#"), ("publishClientReceive", "#"))
    topic = topics.down(hotspot.peer.username, "ack", hotspot.device.shard)
    command = ["mosquitto_sub", *reader.credentials(), "-q", "1", "-t", topic, "-W", "15"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
        hotspot.tele(1, 2, 4)
        told: list[dict[str, object]] = []
        while not told or told[-1]["hi"] != 4:
            assert listener.stdout is not None
            line = listener.stdout.readline()
            assert line, f"the acknowledgement of 4 does not come; told: {told}"
            told.append(json.loads(line))
        listener.terminate()
    assert told[-1] == {"boot": hotspot.boot, "hi": 4, "miss": [3]}
    hotspot.peer.say("event", json.dumps(gap(hotspot.boot, seq=5, first=3, last=3)))
    eventually(lambda: acknowledged(hotspot) == [(5, [])], "the gap is closed by the device's own word")


def gap(boot: str, seq: int, first: int, last: int) -> dict[str, object]:
    told = {"boot": boot, "from": first, "to": last, "n": last - first + 1, "why": "spool_full"}
    return {"v": 1, "boot": boot, "seq": seq, "ts": now_text(), "ev": "gap", "d": told}


def acknowledged(device: Fielded) -> list[tuple[object, ...]]:
    return rows("SELECT hi, miss FROM ingest_ack WHERE device_id = %s", device.device.pk)


def test_history_and_wrong_clocks(ingest: Ingest) -> None:
    ingest.ready()
    hotspot = Fielded.new()
    now = datetime.now(UTC)
    hotspot.tele(10, m={"cpu": 1})
    hotspot.tele(11, ts=(now - timedelta(days=3)).isoformat(), hist=True, m={"cpu": 2})
    hotspot.tele(12, ts="1970-01-01T00:00:00Z", m={"cpu": 3})
    hotspot.tele(12, ts="1970-01-01T00:00:00Z", m={"cpu": 3})
    hotspot.tele(13, boot=str(uuid.uuid4()), m={"cpu": 4})
    eventually(lambda: hotspot.stored() == [10, 11, 12, 13], "all four are stored, the repeated one once")
    wrong = dict(rows("SELECT seq, clock_bad FROM wifi_telemetry WHERE device_id = %s", hotspot.device.pk))
    assert wrong == {10: False, 11: False, 12: True, 13: False}
    ((at,),) = rows("SELECT ts FROM wifi_telemetry WHERE seq = 11 AND device_id = %s", hotspot.device.pk)
    assert abs(at - (now - timedelta(days=3))) < timedelta(seconds=1)
    assert hotspot.status.metrics == {"cpu": 4}


def test_a_database_that_was_away_costs_nothing(ingest: Ingest) -> None:
    process = ingest.ready()
    hotspot = Fielded.new()
    hotspot.tele(1)
    eventually(lambda: hotspot.stored() == [1], "it works")
    database = str(settings.DATABASES["default"]["NAME"])
    name = sql.Identifier(database)
    with contextlib.closing(psycopg2.connect(**{**connection.get_connection_params(), "dbname": "postgres"})) as admin:
        admin.autocommit = True
        connection.close()
        with admin.cursor() as cursor:
            try:
                # Refuses every connection but the superuser's, and ends those that are there: all that ingest can see.
                cursor.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
                cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))
                hotspot.tele(2, 3, 4)
                eventually(lambda: "does not answer" in ingest.output(), "ingest notices")
                hotspot.tele(5)
            finally:
                cursor.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))
    eventually(lambda: hotspot.stored() == [1, 2, 3, 4, 5], "everything is stored afterwards, once")
    assert process.poll() is None


def test_a_broker_that_is_killed_is_found_again(ingest: Ingest, broker: TestBroker) -> None:
    process = ingest.ready()
    hotspot = Fielded.new()
    hotspot.tele(1)
    eventually(lambda: hotspot.stored() == [1], "it works")
    broker.kill()
    eventually(lambda: rows("SELECT 1 FROM ingest_heartbeat WHERE NOT connected"), "ingest notices")
    broker.start()
    eventually(lambda: rows("SELECT 1 FROM ingest_heartbeat WHERE connected"), "ingest has found it again", 40)
    hotspot.tele(2)
    eventually(lambda: hotspot.stored() == [1, 2], "the next sample is stored", 40)
    assert process.poll() is None


def test_sigterm_finishes_and_ends_well(ingest: Ingest) -> None:
    process = ingest.ready()
    hotspot = Fielded.new()
    hotspot.tele(1, 2)
    assert ingest.stop(process) == 0
    ingest.ready()
    eventually(lambda: hotspot.stored() == [1, 2], "what was not taken is still there")


def test_ingest_runs_without_the_apps_and_their_libraries() -> None:
    heavy = ["django.db.models", "django.contrib.gis", "numpy", "pyproj", "pyarrow", "rasterio", "pygeoapi"]
    program = f"""
import sys
from geoportal.messaging.ingest import command
for name in command.settings.DEVICE_KINDS: command.import_module(name).register()
from geoportal.messaging import kinds
print([kind.code for kind in kinds.kinds()], [name for name in {heavy} if name in sys.modules])
"""
    told = subprocess.run([sys.executable, "-c", program], cwd=BASE, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "['ap', 'totem'] []"
