import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from geoportal.messaging.device.commands import MAX_OUTPUT_BYTES, CommandError, Commands, Restarting, Unsupported
from geoportal.messaging.device.spool import Spool

NOW = 1_800_000_000.0


class Totem:
    """What the handlers of a device did, and what it answered."""

    def __init__(self, spool: Spool, clock: str = "ntp") -> None:
        self.done: list[str] = []
        self.said: list[dict[str, Any]] = []
        self.commands = Commands(
            spool,
            {"reload": self.reload, "reboot": self.reboot, "fail": self.fail, "brightness": self.brightness},
            say=self.said.append,
            now=lambda: NOW,
            clock=lambda: clock,
        )

    async def reload(self, arguments: Mapping[str, Any]) -> str:
        self.done.append(f"reload {dict(arguments)}")
        return "è" * MAX_OUTPUT_BYTES

    async def reboot(self, _arguments: Mapping[str, Any]) -> str:
        self.done.append("reboot")
        raise Restarting

    async def fail(self, _arguments: Mapping[str, Any]) -> str:
        raise CommandError("the browser does not answer", code=7)

    async def brightness(self, _arguments: Mapping[str, Any]) -> str:
        raise Unsupported("no backlight that can be set")

    def states(self) -> list[str]:
        return [result["st"] for result in self.said]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[str], Spool]:
    return lambda boot: Spool(tmp_path / "spool.sqlite3", max_bytes=1_000_000, kernel_boot=boot)


@pytest.fixture
def spool(opened: Callable[[str], Spool]) -> Iterator[Spool]:
    with opened("one") as one:
        yield one


def order(op: str, command_id: str = "c1", **more: object) -> bytes:
    document = {"id": command_id, "op": op, "exp": "2027-01-15T08:05:00Z", **more}
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def deliver(totem: Totem, *payloads: bytes) -> None:
    async def run() -> None:
        for payload in payloads:
            totem.commands.receive(payload)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    asyncio.run(run())


def test_an_order_is_accepted_runs_and_is_done(spool: Spool) -> None:
    totem = Totem(spool)
    deliver(totem, order("reload", args={}, iat="2027-01-15T07:59:59Z", by="user:7", v=1))
    assert totem.states() == ["accepted", "running", "done"]
    assert totem.done == ["reload {}"]
    assert len(totem.said[-1]["out"].encode()) <= MAX_OUTPUT_BYTES


def test_a_repeated_order_runs_once_and_is_answered_again(spool: Spool) -> None:
    totem = Totem(spool)
    deliver(totem, order("reload"), order("reload"))
    deliver(totem, order("reload"))
    assert totem.done == ["reload {}"]
    assert totem.states() == ["accepted", "running", "done", "done"]
    deliver(Totem(spool), order("reload", "c2"))
    again = Totem(spool)
    deliver(again, order("reload"))
    assert again.done == []
    assert again.states() == ["done"]


@pytest.mark.parametrize(
    ("payload", "state", "words"),
    [
        (order("dance"), "unsupported", "dance"),
        (order("brightness"), "unsupported", "no backlight"),
        (order("fail"), "failed", "browser"),
        (order("reload", exp="2020-01-01T00:00:00Z"), "expired", "time"),
        (order("reload", exp="tomorrow"), "rejected", "tomorrow"),
        (order("reload", exp="2030-01-01T00:00:00"), "rejected", "offset"),
        (order("reload", exp="2027-01-17T00:00:00Z"), "rejected", "longer than 86400 s"),
        (order("reload", exp="2027-01-16T09:00:00Z", iat="2027-01-15T08:59:59Z"), "rejected", "in the future"),
        (order("reload", exp=None), "rejected", "exp is missing"),
        (order("reload", iat=3), "rejected", "iat"),
        (order("reload", v=2), "rejected", "v must be 1"),
        (order("reload", args={"hard": True}), "rejected", "args.hard is unknown"),
        (order("reload", args=[1]), "rejected", "args"),
        (order(""), "rejected", "op"),
    ],
)
def test_every_order_with_an_id_gets_a_final_answer(spool: Spool, payload: bytes, state: str, words: str) -> None:
    totem = Totem(spool)
    deliver(totem, payload)
    assert totem.states()[-1] == state
    assert words in totem.said[-1]["out"]
    assert totem.done == []


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"3", b'{"op":"reload"}', b'{"id":7,"op":"reload"}', b"\xff\xfe"]
)
def test_an_order_without_an_id_is_ignored(spool: Spool, payload: bytes) -> None:
    totem = Totem(spool)
    deliver(totem, payload)
    assert totem.said == []
    assert totem.done == []


def test_a_device_whose_clock_is_not_set_takes_no_order(spool: Spool) -> None:
    totem = Totem(spool, clock="unset")
    deliver(totem, order("reload"))
    assert totem.states() == ["rejected"]
    assert "clock" in totem.said[-1]["out"]
    assert totem.done == []


def test_an_old_order_whose_id_is_forgotten_is_refused_by_its_time(spool: Spool) -> None:
    totem = Totem(spool)
    deliver(totem, order("reload", "old", exp="2027-01-15T07:00:00Z", iat="2027-01-15T06:58:00Z"))
    for number in range(300):
        spool.take_command(f"later-{number}", "reload")
    assert spool.command("old") is None
    deliver(totem, order("reload", "old", exp="2027-01-15T07:00:00Z", iat="2027-01-15T06:58:00Z"))
    assert totem.states() == ["expired", "expired"]
    assert totem.done == []


def test_a_reboot_is_done_by_the_next_boot_and_runs_once(opened: Callable[[str], Spool]) -> None:
    with opened("one") as spool:
        totem = Totem(spool)
        deliver(totem, order("reboot"))
        assert totem.states() == ["accepted", "running"]
    with opened("two") as spool:
        after = Totem(spool)
        after.commands.settle()
        assert after.states() == ["done"]
        deliver(after, order("reboot"))
        assert after.done == []
        assert after.states() == ["done", "done"]


def test_an_order_cut_off_by_the_end_of_the_agent_has_failed(opened: Callable[[str], Spool]) -> None:
    with opened("one") as spool:
        spool.take_command("c1", "reload")
    with opened("one") as spool:
        totem = Totem(spool)
        totem.commands.settle()
        assert totem.states() == ["failed"]
        deliver(totem, order("reload"))
        assert totem.done == []
