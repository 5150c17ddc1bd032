"""One device against a real Mosquitto."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geoportal.messaging import topics
from geoportal.messaging.device import link
from geoportal.messaging.device.config import AgentConfig
from geoportal.messaging.device.device import Device
from tests.broker import TestBroker
from tests.device.conftest import Centre
from tests.ports import free_port

NewConfig = Callable[..., AgentConfig]


def run(
    story: Callable[[Device, Callable[..., Coroutine[Any, Any, Any]]], Coroutine[Any, Any, None]],
    device: Device,
    centre: Centre,
) -> None:
    """Play a story on one loop; what the centre hears is awaited in a thread."""

    async def play() -> None:
        async def expect(*arguments: Any) -> Any:
            return await asyncio.to_thread(centre.expect, *arguments)

        try:
            await story(device, expect)
        finally:
            await device.stop("test")

    asyncio.run(play())


async def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.02)


def of_device(device: Device) -> Callable[[Mapping[str, Any]], bool]:
    return lambda document: document.get("boot") == device.spool.boot


def acknowledge(centre: Centre, device: Device, high: int, *missing: int) -> None:
    centre.say(topics.down(device.config.devid, "ack"), {"boot": device.spool.boot, "hi": high, "miss": missing})


@pytest.fixture
def device(new_config: NewConfig) -> Device:
    return Device(new_config(), info=lambda: {"model": "test"})


def test_birth_description_sample_acknowledgement_goodbye(device: Device, centre: Centre) -> None:
    async def story(device: Device, expect: Any) -> None:
        mine = of_device(device)
        device.report({"cpu": 12.5})
        device.start()
        birth = await expect("state", mine)
        assert birth["s"] == "online"
        assert birth["conn"] == 1
        assert birth["clk"] in ("ntp", "free")
        assert birth["up"] >= 0
        info = await expect("info", mine)
        assert info["model"] == "test"
        sample = await expect("tele", mine)
        assert (sample["v"], sample["seq"], sample["m"], sample["int"]) == (1, 1, {"cpu": 12.5}, 30)
        device.event("door", {"open": True})
        event = await expect("event", mine)
        assert (event["seq"], event["ev"], event["d"]) == (2, "door", {"open": True})
        acknowledge(centre, device, 2)
        await until(lambda: device.spool.waiting() == 0)

    run(story, device, centre)
    goodbye = centre.expect("state", lambda document: document["s"] == "offline")
    assert goodbye == {"s": "offline", "boot": device.spool.boot, "conn": 1, "why": "test"}


def test_a_connection_that_breaks_sends_the_will_and_one_that_comes_back_does_not(
    device: Device, centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "WILL_DELAY_S", 1)

    async def story(device: Device, expect: Any) -> None:
        mine = of_device(device)
        device.start()
        await expect("state", mine)
        device.session.drop(reconnect_after_s=0.1)
        again = await expect("state", mine)
        assert (again["s"], again["conn"]) == ("online", 2)
        device.session.drop()
        lost = await expect("state", mine)
        assert lost == {"s": "lost", "boot": device.spool.boot, "conn": 2}

    run(story, device, centre)


def test_the_broker_goes_and_comes_back(broker: TestBroker, new_config: NewConfig, centre: Centre) -> None:
    device = Device(new_config(), info=dict)

    async def story() -> None:
        device.start()
        await until(lambda: device.session.is_online)
        await asyncio.to_thread(broker.stop)
        device.report({"cpu": 1.0})
        await until(lambda: not device.session.is_online)
        assert device.spool.waiting() == 1
        await asyncio.to_thread(broker.start)
        sample = await asyncio.to_thread(centre.expect, "tele", of_device(device), 30.0)
        assert sample["seq"] == 1
        await device.stop("test")

    asyncio.run(story())


def test_the_centre_that_comes_back_is_told_again(device: Device, centre: Centre) -> None:
    async def story(device: Device, expect: Any) -> None:
        mine = of_device(device)
        device.start()
        await expect("info", mine)
        await asyncio.to_thread(centre.say, topics.server_state(["00", "0f"]), {"s": "online"})
        await expect("info", mine)

    run(story, device, centre)


def test_a_command_over_the_broker_twice_runs_once(new_config: NewConfig, centre: Centre) -> None:
    ran: list[Mapping[str, Any]] = []

    async def reload(arguments: Mapping[str, Any]) -> str:
        ran.append(arguments)
        return "reloaded"

    device = Device(new_config(), info=dict, handlers={"reload": reload})

    async def story(device: Device, expect: Any) -> None:
        device.start()
        await expect("state", of_device(device))
        holds_until = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
        order = {"id": "one", "op": "reload", "args": {}, "exp": holds_until}
        for _ in range(2):
            await asyncio.to_thread(centre.say, topics.down(device.config.devid, "cmd"), order)
            await expect("cmdres", lambda result: result["st"] == "done")
        assert ran == [{}]

    run(story, device, centre)


def test_a_wished_interval_holds_and_is_told(device: Device, centre: Centre) -> None:
    async def story(device: Device, expect: Any) -> None:
        device.start()
        await expect("info", of_device(device))
        topic = topics.down(device.config.devid, "cfg")
        await asyncio.to_thread(centre.say, topic, {"rev": 7, "interval_s": 5})
        told = await expect("info", lambda info: info.get("cfg_rev") == 7)
        assert told["interval_s"] == device.interval_s == 5
        await asyncio.to_thread(centre.say, topic, {"rev": 8, "interval_s": "often"})
        refused = await expect("event", lambda event: event["ev"] == "cfg_refused")
        assert "often" in refused["d"]["why"]
        assert device.interval_s == 5

    run(story, device, centre)


@pytest.mark.parametrize(("change", "words"), [("password", "password is wrong"), ("port", "nothing listens")])
def test_why_there_is_no_connection_is_said(new_config: NewConfig, change: str, words: str) -> None:
    config = new_config()
    value: Any = "wrong" if change == "password" else free_port()
    device = Device(AgentConfig(**{**json.loads(json.dumps(_values(config))), change: value}), info=dict)

    async def story() -> None:
        device.start()
        await until(lambda: words in device.session.refusal)
        assert not device.session.is_online
        await device.stop("test")

    asyncio.run(story())


def _values(config: AgentConfig) -> dict[str, Any]:
    return {
        name: getattr(config, name) for name in ("devid", "kind", "host", "port", "username", "password", "spool_path")
    }


def test_many_devices_share_one_loop(new_config: NewConfig, centre: Centre) -> None:
    devices = [Device(new_config("ap"), info=dict) for _ in range(10)]

    async def story() -> None:
        for device in devices:
            device.start()
            device.report({"clients": 3})
        boots = {device.spool.boot for device in devices}
        while boots:
            sample = await asyncio.to_thread(centre.expect, "tele", lambda document: document["boot"] in boots)
            boots.remove(sample["boot"])
        await asyncio.gather(*(device.stop("test") for device in devices))

    asyncio.run(story())
