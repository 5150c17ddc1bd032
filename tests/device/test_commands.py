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

    def __init__(self, spool: Spool) -> None:
        self.done: list[str] = []
        self.said: list[dict[str, Any]] = []
        self.commands = Commands(
            spool,
            {"reload": self.reload, "reboot": self.reboot, "fail": self.fail, "brightness": self.brightness},
            say=self.said.append,
            now=lambda: NOW,
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
    return json.dumps({"id": command_id, "op": op, **more}).encode()


def deliver(totem: Totem, *payloads: bytes) -> None:
    async def run() -> None:
        for payload in payloads:
            totem.commands.receive(payload)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    asyncio.run(run())


def test_an_order_is_accepted_runs_and_is_done(spool: Spool) -> None:
    totem = Totem(spool)
    deliver(totem, order("reload", args={"hard": True}, exp="2027-02-01T00:00:00Z"))
    assert totem.states() == ["accepted", "running", "done"]
    assert totem.done == ["reload {'hard': True}"]
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
