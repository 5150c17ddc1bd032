"""The pure parts of ingest: presence, acknowledgements, time, the inbox."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import VariableByteIntegers

from geoportal.messaging import kinds
from geoportal.messaging.ingest.acks import MAX_MISSING, Received
from geoportal.messaging.ingest.batch import judge_time
from geoportal.messaging.ingest.client import BufferedSocket, Client, Publish, cut_publishes
from geoportal.messaging.ingest.inbox import Inbox, Message
from geoportal.messaging.ingest.presence import Presence, after
from geoportal.messaging.ingest.registry import Known
from geoportal.messaging.ingest.store import NOTIFY_BYTES, notices
from geoportal.messaging.messages import State

NOW = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
A, B = "1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911", "2c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911"


def known() -> Known:
    return Known(1, "ap-1", "00", kinds.kind("ap"))


@pytest.mark.parametrize(
    ("held", "message", "expected"),
    [
        (Presence("never", None, None), State("online", A, 1), "online"),
        (Presence("online", A, 5), State("lost", A, 5), "lost"),
        (Presence("online", A, 5), State("lost", A, 4), "online"),
        (Presence("online", A, 5), State("lost", B, 9), "online"),
        (Presence("online", A, 5), State("online", B, 1), "online"),
        (Presence("lost", A, 5), State("online", A, 4), "lost"),
        (Presence("lost", A, 5), State("offline", A, 5), "offline"),
    ],
)
def test_late_words_about_a_connection_are_not_believed(held: Presence, message: State, expected: str) -> None:
    assert after(held, [(message, NOW)]).presence == expected


def test_a_repeated_birth_does_not_move_the_time_of_change() -> None:
    once = after(Presence("lost", A, 1), [(State("online", A, 2), NOW)])
    assert after(once, [(State("online", A, 2), NOW + timedelta(hours=1))]).at == NOW


def test_whatever_the_order_nothing_missing_is_acknowledged() -> None:
    numbers = random.Random(7)
    for _ in range(200):
        sent = [seq for seq in range(1, 200) if numbers.random() < 0.9]
        order = sorted(sent, key=lambda seq: seq + numbers.uniform(-15, 15))
        state = Received()
        for at, seq in enumerate(order):
            state.add(seq)
            acknowledged = set(range(1, state.hi + 1)) - state.miss
            assert acknowledged == set(order[: at + 1])


def test_too_large_a_gap_is_not_jumped() -> None:
    state = Received(10)
    state.add(10 + MAX_MISSING + 2)
    assert (state.hi, state.miss) == (10, frozenset())
    state.skip(11, 10 + MAX_MISSING + 1)
    assert state.hi == 10 + MAX_MISSING + 1


def test_a_gap_that_the_device_reports_is_closed() -> None:
    state = Received(9, frozenset({3, 4, 7}))
    state.skip(3, 5)
    assert (state.hi, state.miss) == (9, frozenset({7}))
    state.skip(9, 20)
    assert state.hi == 20


@pytest.mark.parametrize(
    ("offset", "hist", "clk", "bad"),
    [
        (timedelta(seconds=-2), False, None, False),
        (timedelta(hours=-25), False, None, True),
        (timedelta(hours=25), True, None, True),
        (timedelta(days=-10), True, None, False),
        (timedelta(days=-91), True, None, True),
        (timedelta(seconds=1), False, "unset", True),
        (timedelta(seconds=1), False, "free", False),
        (timedelta(minutes=5), False, "free", True),
        (timedelta(minutes=5), False, "ntp", False),
    ],
)
def test_a_wrong_clock_is_replaced_by_ours(offset: timedelta, hist: bool, clk: str | None, bad: bool) -> None:
    at, wrong = judge_time(known(), NOW + offset, hist, clk, NOW)
    assert wrong is bad
    assert at == (NOW if bad else NOW + offset)


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    device = known()
    assert judge_time(device, datetime(1970, 1, 1, tzinfo=UTC), False, None, NOW)[1]
    assert judge_time(device, NOW - timedelta(hours=1), True, None, NOW)[1], "back-fill of a wrong clock"
    assert not judge_time(device, NOW, False, None, NOW)[1]
    assert not judge_time(device, NOW - timedelta(hours=1), True, None, NOW)[1]


def test_the_inbox_is_bounded_and_keeps_the_order() -> None:
    inbox = Inbox(limit_bytes=10_000)
    inbox.put(Message(1, number, 1, "t", b"x" * 1000, False, 0.0) for number in range(100))
    assert inbox.overflowed
    taken = inbox.take(50, 0.01, 0.0)
    assert [message.mid for message in taken] == list(range(len(taken)))
    assert 5 <= len(taken) < 20
    assert inbox.take(50, 0.01, 0.0) == []


def test_notices_fit_and_hold_every_id() -> None:
    texts = list(notices(range(10_000_000, 10_003_000)))
    assert all(len(text.encode()) <= NOTIFY_BYTES for text in texts)
    assert [int(one) for text in texts for one in text.split(",")] == list(range(10_000_000, 10_003_000))


def test_reading_ahead_gives_the_same_bytes() -> None:
    class Pieces:
        def __init__(self) -> None:
            self.left = [b"abcdef", b"g", b"hijkl", b""]

        def recv(self, size: int) -> bytes:
            return self.left.pop(0)

    reader = BufferedSocket(Pieces())
    got, there = b"", 0
    while piece := reader.recv(4):
        got += piece
        there = max(there, reader.pending())
    assert got == b"abcdefghijkl"
    assert there == 2
    assert reader.pending() == 0


def packet(number: int, qos: int, topic: bytes, payload: bytes, properties: bytes = b"", retain: bool = False) -> bytes:
    """A PUBLISH packet of MQTT 5, made by the book."""
    body = len(topic).to_bytes(2) + topic + (number.to_bytes(2) if qos else b"")
    body += bytes(VariableByteIntegers.encode(len(properties))) + properties + payload
    return bytes([0x30 | qos << 1 | retain]) + bytes(VariableByteIntegers.encode(len(body))) + body


WHOLE = [
    (packet(7, 1, b"a/b", b"{}"), Publish(7, 1, False, "a/b", b"{}")),
    (packet(0, 0, b"a", b"", retain=True), Publish(0, 0, True, "a", b"")),
    (packet(65535, 1, "città".encode(), b"x" * 20_000), Publish(65535, 1, False, "città", b"x" * 20_000)),
    (packet(9, 1, b"p", b"y", b"\x26" + b"\0\1k\0\1v"), Publish(9, 1, False, "p", b"y")),
    (packet(9, 1, b"p", b"y" * 115), Publish(9, 1, False, "p", b"y" * 115)),
    (packet(9, 1, b"\xff", b""), Publish(9, 1, False, "\ufffd", b"")),
]


@pytest.mark.parametrize(("raw", "meant"), WHOLE, ids=range(len(WHOLE)))
def test_a_packet_is_cut_out_as_a_whole_or_not_at_all(raw: bytes, meant: Publish) -> None:
    other = packet(1, 1, b"t", b"1")
    for end in range(len(raw)):
        found: list[Publish] = []
        assert cut_publishes(other + raw[:end], 0, found) == len(other)
        assert len(found) == 1
    found = []
    assert cut_publishes(other + raw + other, len(other), found) == len(other + raw + other)
    assert found == [meant, Publish(1, 1, False, "t", b"1")]


@pytest.mark.parametrize(
    "raw",
    [
        packet(1, 2, b"t", b"x"),  # QoS 2
        b"\xd0\0",  # an answer to a ping
        packet(1, 1, b"t", b"", b"\x26\0\1k\0\xc8" + b"v" * 200),  # properties that need two bytes of length
        b"\x32\x05\0\x09t\0\1",  # a topic longer than its packet
        b"\x32\x06\0\1t\0\1\x08",  # properties longer than their packet
        b"\x30\0",
        b"\x30\xff\xff\xff\xff\x7f",  # a length of five bytes
    ],
)
def test_what_is_not_a_plain_publish_is_left_to_paho(raw: bytes) -> None:
    found: list[Publish] = []
    assert cut_publishes(packet(1, 1, b"t", b"1") + raw + b"\0" * 300, 0, found) == len(packet(1, 1, b"t", b"1"))
    assert [one.mid for one in found] == [1]


@pytest.mark.parametrize("size", [0, 1, 100, 128, 20_000])
def test_packets_of_our_own_read_back_as_what_they_say(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    client = Client(CallbackAPIVersion.VERSION2, client_id="x", protocol=MQTTProtocolVersion.MQTTv5)
    monkeypatch.setattr(client, "_packet_queue", lambda _command, packet, *_: sent.append(packet))
    said = [("cremona/v1/0a/ap-one/dn/ack", b"x" * size), ("cremona/v1/0a/ap-due/dn/ack", b"{}")]
    client.publish_all(said)
    found: list[Publish] = []
    assert cut_publishes(sent[0], 0, found) == len(sent[0])
    assert found == [Publish(0, 0, False, topic, payload) for topic, payload in said]


def test_an_acknowledgement_says_the_highest_number_and_which_are_missing() -> None:
    state = Received(7, frozenset({5, 3}))
    assert json.loads(state.told("b")) == {"boot": "b", "hi": 7, "miss": [3, 5]}
    assert json.loads(Received(7).told("b")) == {"boot": "b", "hi": 7, "miss": []}
