import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from geoportal.messaging.device.delivery import RESEND_S, Delivery
from geoportal.messaging.device.link import MAX_IN_FLIGHT
from geoportal.messaging.device.spool import Spool

SUCCESS = ReasonCode(PacketTypes.PUBACK, "Success")
NOBODY = ReasonCode(PacketTypes.PUBACK, "No matching subscribers")
REFUSED = ReasonCode(PacketTypes.PUBACK, "Not authorized")


class Line:
    """A connection that takes every message, and a clock that is moved by hand."""

    def __init__(self, spool: Spool) -> None:
        self.sent: list[tuple[str, Any]] = []
        self.now = 0.0
        self.delivery = Delivery(spool, "ap-01", self.publish, lambda: 1000.0 + self.now, lambda: self.now)
        self.delivery.connected(session_kept=False)

    def publish(self, channel: str, payload: bytes) -> int:
        self.sent.append((channel, json.loads(payload)))
        return len(self.sent)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.delivery.send()

    def acknowledge(self, boot: str, high: int, *missing: int) -> None:
        self.delivery.acknowledged(json.dumps({"boot": boot, "hi": high, "miss": missing}).encode())

    def confirm_all(self, code: ReasonCode = SUCCESS) -> None:
        for mid in range(1, len(self.sent) + 1):
            self.delivery.confirmed(mid, code)

    def seqs(self) -> list[int]:
        return [
            sample["seq"]
            for channel, document in self.sent
            if channel != "info"
            for sample in document.get("batch", [document])
        ]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool.sqlite3", max_bytes=4_000_000, kernel_boot="one") as opened:
        yield opened


@pytest.fixture
def line(spool: Spool) -> Line:
    return Line(spool)


def add(spool: Spool, count: int = 1, *, channel: str = "tele", at: float = 1000.0) -> None:
    for _ in range(count):
        spool.add(channel, {"m": {"cpu": 1.0}} if channel == "tele" else {"ev": "door"}, at=at)


def test_one_sample_goes_alone_and_a_backlog_in_batches(spool: Spool, line: Line) -> None:
    add(spool)
    line.delivery.send()
    add(spool, 120)
    line.delivery.send()
    assert [len(document.get("batch", [1])) for _, document in line.sent] == [1, 50, 50, 20]
    assert line.seqs() == list(range(1, 122))


def test_order_is_kept_between_samples_and_events(spool: Spool, line: Line) -> None:
    add(spool, 2)
    add(spool, channel="event")
    add(spool, 2)
    line.delivery.send()
    assert [channel for channel, _ in line.sent] == ["tele", "event", "tele"]
    assert line.seqs() == [1, 2, 3, 4, 5]


def test_the_window_bounds_what_is_in_flight(spool: Spool, line: Line) -> None:
    add(spool, 60, channel="event")
    line.delivery.send()
    assert len(line.sent) == line.delivery.in_flight == MAX_IN_FLIGHT
    line.delivery.confirmed(1, SUCCESS)
    assert len(line.sent) == MAX_IN_FLIGHT + 1


def test_the_brokers_confirmation_deletes_nothing_and_the_centres_does(spool: Spool, line: Line) -> None:
    add(spool, 3)
    line.delivery.send()
    line.confirm_all()
    assert spool.waiting() == 3
    line.acknowledge(spool.boot, 3, 2)
    assert [row.seq for row in spool.after(0, 9)] == [2]


def test_what_is_missing_goes_again_alone(spool: Spool, line: Line) -> None:
    add(spool, 5)
    line.delivery.send()
    line.confirm_all()
    line.acknowledge(spool.boot, 5, 2, 4)
    line.sent.clear()
    line.pass_time(6)
    assert line.seqs() == [2, 4]
    line.acknowledge(spool.boot, 5)
    assert spool.waiting() == 0


@pytest.mark.parametrize("code", [NOBODY, REFUSED], ids=["nobody listens", "refused"])
def test_a_message_the_broker_dropped_counts_as_not_sent(spool: Spool, line: Line, code: ReasonCode) -> None:
    add(spool, 2)
    line.delivery.send()
    line.delivery.confirmed(1, code)
    assert line.delivery.in_flight == 0
    line.pass_time(1)
    assert line.seqs() == [1, 2], "not at once: a refusing broker is not flooded"
    line.pass_time(20)
    assert line.seqs() == [1, 2, 1, 2]


def test_an_outage_is_told_once(spool: Spool, line: Line, caplog: pytest.LogCaptureFixture) -> None:
    add(spool, 1)
    with caplog.at_level("WARNING", "geoportal.device"):
        for number in range(1, 6):
            line.pass_time(100)
            line.delivery.confirmed(len(line.sent), NOBODY)
            assert len(caplog.records) == 1, f"attempt {number}"
        line.pass_time(100)
        line.delivery.confirmed(len(line.sent), REFUSED)
        assert len(caplog.records) == 2, "another reason is news"
        line.pass_time(2000)
        line.delivery.confirmed(len(line.sent), SUCCESS)
        line.pass_time(2000)
        line.delivery.confirmed(len(line.sent), NOBODY)
        assert len(caplog.records) == 3, "and so is another outage"


def test_silence_is_answered_by_sending_again_ever_more_slowly(spool: Spool, line: Line) -> None:
    add(spool)
    line.delivery.send()
    line.confirm_all()
    moments = []
    for second in range(1, 4001):
        count = len(line.sent)
        line.pass_time(1)
        if len(line.sent) > count:
            moments.append(second)
            line.confirm_all()
    waits = [later - earlier for earlier, later in zip([0, *moments], moments, strict=False)]
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    assert RESEND_S == (60.0, 900.0)


def test_a_lost_session_sends_everything_again_and_a_kept_one_what_was_in_flight(spool: Spool, line: Line) -> None:
    add(spool, 2)
    line.delivery.send()
    line.confirm_all()
    add(spool)
    line.delivery.send()
    line.delivery.disconnected()
    line.sent.clear()
    line.delivery.connected(session_kept=True)
    line.delivery.send()
    assert line.seqs() == [3]
    line.sent.clear()
    line.delivery.connected(session_kept=False)
    line.delivery.send()
    assert line.seqs() == [1, 2, 3]


def test_old_samples_are_marked_as_history(spool: Spool, line: Line) -> None:
    add(spool, at=0.0)
    add(spool, at=999.0)
    line.delivery.send()
    ((_, document),) = line.sent
    assert [sample.get("hist", False) for sample in document["batch"]] == [True, False]


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"boot":1,"hi":1}', b'{"boot":"x","hi":"1"}', b"\xff", b"null"])
def test_a_malformed_acknowledgement_changes_nothing(spool: Spool, line: Line, payload: bytes) -> None:
    add(spool)
    line.delivery.send()
    line.delivery.acknowledged(payload)
    assert spool.waiting() == 1


def test_what_is_said_is_confirmed(spool: Spool, line: Line) -> None:
    async def check() -> None:
        said = line.delivery.say("info", b"{}")
        line.delivery.confirmed(1, SUCCESS)
        await asyncio.wait_for(said, 1)

    asyncio.run(check())
