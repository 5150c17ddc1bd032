"""A private Mosquitto for each test file, with the product's rights, and real clients to use it.

The fixture `broker` is offered to every test by tests/conftest.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.management import call_command

from geoportal.messaging import dynsec, topics
from geoportal.monitoring.enrolment import AgentConfig, add_device, enrol
from geoportal.monitoring.models import Device
from geoportal.runtime.broker import Broker
from geoportal.runtime.process import Service
from tests.ports import free_port

_COUNT = itertools.count(1)


@dataclass
class TestBroker:
    """A running broker; `restart` and `kill` are for tests about losing it."""

    __test__ = False

    broker: Broker
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def port(self) -> int:
        return self.broker.port

    def start(self) -> None:
        self.broker.prepare()
        log = (self.broker.root / "broker.log").open("ab")
        self.process = subprocess.Popen(self.broker.command(), stdout=log, stderr=subprocess.STDOUT)
        self.broker.wait_until_ready()

    def stop(self) -> None:
        """SIGTERM and wait."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def account(self, name: str, *rules: tuple[str, str], password: str = "pw") -> Peer:
        """A client outside the inventory with the rights given as (kind, topic)."""
        acls = [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in rules]
        with dynsec.connected() as control:
            control.run(
                [
                    {"command": "deleteClient", "username": name},
                    {"command": "deleteRole", "rolename": name},
                    {"command": "createRole", "rolename": name, "acls": acls},
                    {"command": "createClient", "username": name, "password": password, "roles": [{"rolename": name}]},
                ],
                accept=dynsec.NOT_FOUND,
            )
        return Peer(self.port, name, password)


@contextlib.contextmanager
def supervised(
    broker: Broker, instead_of: TestBroker, logs: Path, **options: Any
) -> Iterator[tuple[Service, asyncio.AbstractEventLoop]]:
    """This broker in the place of a running one, kept by the product's supervisor on the loop of a thread."""
    instead_of.stop()
    broker.prepare()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    service = Service("broker", broker.command(), os.environ, logs, print, **options)
    thread.start()
    loop.call_soon_threadsafe(service.start)
    try:
        broker.wait_until_ready()
        yield service, loop
    finally:
        asyncio.run_coroutine_threadsafe(service.stop(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        instead_of.start()


@dataclass(frozen=True)
class Peer:
    """The real `mosquitto_pub` and `mosquitto_sub` with one account's credentials."""

    port: int
    username: str
    password: str
    shard: str = ""

    @classmethod
    def of(cls, config: AgentConfig) -> Peer:
        """A device, from its own configuration file."""
        read = tomllib.loads(config.toml())
        return cls(read["broker"]["port"], read["broker"]["username"], read["broker"]["password"], config.shard)

    def topic(self, channel: str) -> str:
        return topics.up(self.username, channel, self.shard or None)

    def credentials(self, client_id: str | None = None) -> list[str]:
        return [
            *("-h", "127.0.0.1", "-p", str(self.port), "-V", "5"),
            *("-u", self.username, "-P", self.password, "-i", client_id or self.username),
        ]

    def publish(
        self, topic: str, payload: str | bytes, *options: str, client_id: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One message with QoS 1. Its return code and words tell whether the broker took it."""
        data = payload.encode() if isinstance(payload, str) else payload
        result = subprocess.run(
            ["mosquitto_pub", *self.credentials(client_id), "-q", "1", "-t", topic, "-s", *options],
            input=data,
            capture_output=True,
            timeout=30,
        )
        return subprocess.CompletedProcess(
            result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
        )

    def say(self, channel: str, payload: str | bytes, *options: str) -> None:
        """Publish on one of the device's own channels; it must be taken."""
        result = self.publish(self.topic(channel), payload, *options)
        assert result.returncode == 0, result.stderr
        assert "ot authori" not in result.stderr, result.stderr

    def subscribe(self, topic: str, *options: str, seconds: int = 2) -> subprocess.CompletedProcess[str]:
        """Listen for at most `seconds`."""
        return subprocess.run(
            ["mosquitto_sub", *self.credentials(), "-q", "1", "-t", topic, "-W", str(seconds), *options],
            capture_output=True,
            text=True,
            timeout=seconds + 20,
        )

    def connect_with_will(self, channel: str, will: str, *options: str) -> subprocess.Popen[bytes]:
        """A client that stays connected and leaves this will when it is killed."""
        return subprocess.Popen(
            [
                *(
                    "stdbuf",
                    "-oL",
                    "mosquitto_sub",
                    *self.credentials(),
                    "-q",
                    "1",
                    "-t",
                    topics.down(self.username, "cmd", self.shard),
                ),
                *("--will-topic", self.topic(channel), "--will-qos", "1", "--will-retain", "--will-payload", will),
                *options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestBroker]:
    """A broker for one file, so that no session that another file's ingest left takes what this one listens for.

    The settings and the environment of child processes point at it.
    """
    root: Path = tmp_path_factory.mktemp("broker")
    running = TestBroker(Broker(root, free_port(), "broker-admin", "only-for-tests", free_port()))
    values: dict[str, Any] = {
        "MQTT_HOST": "127.0.0.1",
        "MQTT_PORT": running.port,
        "MQTT_DEVICE_HOST": "127.0.0.1",
        "MQTT_DEVICE_PORT": running.port,
        "MQTT_CA": "",
        "MQTT_ADMIN_USER": "broker-admin",
        "MQTT_ADMIN_PASSWORD": "only-for-tests",
        "MQTT_INGEST_USER": "ingest",
        "MQTT_INGEST_PASSWORD": "only-for-tests",
    }
    running.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setattr(settings, name, value)
            patch.setitem(os.environ, f"GEOPORTAL_{name}", str(value))
        call_command("setup_broker", stdout=subprocess_output())
        yield running
    if running.process is not None and running.process.poll() is None:
        running.stop()


def subprocess_output() -> Any:
    return Path(os.devnull).open("w")


def new_device(kind: str = "ap", devid: str = "", **values: Any) -> Device:
    """A device in the inventory with its status row; needs the database."""
    from kiosks.models import Totem
    from wifi.models import AccessPoint

    name = devid or f"{kind}-test-{os.getpid()}-{next(_COUNT)}"
    model = {"ap": AccessPoint, "totem": Totem}[kind]
    place = Point(580_500.0, 4_998_300.0, srid=32632)
    return add_device(model(devid=name, kind=kind, name_it=name, geom=place, **values))


def enrolled(kind: str = "ap", devid: str = "", **values: Any) -> tuple[Device, Peer]:
    """A new device and the real programs with its credentials."""
    device = new_device(kind, devid, **values)
    return device, Peer.of(enrol(device))
