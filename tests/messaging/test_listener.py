"""The connection to the broker when things go wrong: numbers that mean other messages, silence, too much at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from geoportal.messaging.ingest.inbox import Message
from geoportal.messaging.ingest.listener import Account
from geoportal.messaging.ingest.worker import IngestFailed, Plan, Worker
from tests.broker import TestBroker
from tests.messaging.conftest import Fielded, eventually, sample

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hotspot(broker: TestBroker) -> Fielded:
    return Fielded.new()


@pytest.fixture
def worker(hotspot: Fielded, broker: TestBroker) -> Iterator[Worker]:
    """A worker whose listener runs in this process, for the shard of one device; its loop is the test."""
    shard = hotspot.device.shard
    account = Account("127.0.0.1", broker.port, settings.MQTT_INGEST_USER, settings.MQTT_INGEST_PASSWORD, "ingest-test")
    made = Worker(Plan([shard], account))
    made.listener.start()
    settle(made)
    yield made
    made.listener.stop()


def settle(worker: Worker) -> None:
    """Wait until a message of its own comes back: then every subscription before that one holds too."""
    listener = worker.listener

    def came_back() -> bool:
        listener.probe()
        return listener.probe_seen > at_connection

    eventually(lambda: listener.connected, "it listens")
    at_connection = listener.probe_seen
    eventually(came_back, "a message of its own comes back")


def take(worker: Worker, count: int) -> list[Message]:
    taken: list[Message] = []
    end = time.monotonic() + 60
    while len(taken) < count:
        assert time.monotonic() < end, f"{len(taken)} of {count} came"
        taken += worker.inbox.take(count - len(taken), 0.2, 0.05)
    return taken


def numbers(messages: list[Message]) -> list[int]:
    return [json.loads(message.payload)["seq"] for message in messages]


def test_an_acknowledgement_of_an_earlier_connection_reaches_no_other_message(
    worker: Worker, hotspot: Fielded, broker: TestBroker
) -> None:
    hotspot.tele(1, 2, 3)
    old = take(worker, 3)
    broker.kill()
    for path in broker.broker.root.glob("mosquitto.db*"):
        path.unlink()  # a broker that forgot its sessions begins to count at 1 again
    eventually(lambda: not worker.listener.connected, "it notices")
    broker.start()
    eventually(lambda: worker.listener.connected and worker.listener.sessions_lost == 2, "it is back", 30)
    settle(worker)
    hotspot.tele(4, 5, 6)
    new = take(worker, 3)
    assert {message.mid for message in old} == {message.mid for message in new}, "the same numbers, other messages"
    worker.listener.acknowledge(old)
    worker.listener.reconnect()
    again = take(worker, 3)
    assert numbers(again) == [4, 5, 6], "none of them was acknowledged in another's name"
    worker.listener.acknowledge(again)


def test_a_flood_is_cut_at_the_memory_and_comes_again(worker: Worker, hotspot: Fielded) -> None:
    worker.inbox._limit = 5_000
    payloads = [json.dumps(sample(seq, hotspot.boot, m={"note": "x" * 900})) for seq in range(1, 21)]
    for payload in payloads:
        hotspot.peer.say("tele", payload)
    eventually(lambda: worker.inbox.overflowed, "more comes than fits")
    seen: list[int] = []
    end = time.monotonic() + 60
    while len(seen) < len(payloads):
        assert time.monotonic() < end, seen
        messages = worker.inbox.take(100, 0.2, 0.05)
        seen += numbers(messages)
        worker.listener.acknowledge(messages)
        worker._supervise()
    assert seen == list(range(1, 21))
    assert worker.tally.counts["overflows"] >= 1


def test_a_worker_that_hears_nothing_of_itself_ends(worker: Worker) -> None:
    before = worker.listener.probe_seen
    worker.listener.probe()
    eventually(lambda: worker.listener.probe_seen > before, "its own message comes back")
    worker._supervise()
    worker.listener.probe_seen -= 60
    with pytest.raises(IngestFailed, match="no message of our own has come back for 6"):
        worker._supervise()
    worker.listener._client.loop_stop()
    with pytest.raises(IngestFailed, match="network thread died"):
        worker._supervise()
    worker.listener._client.loop_start()
