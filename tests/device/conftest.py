"""A listener that plays the centre, for tests of the device's client against a real Mosquitto."""

import json
import queue
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from geoportal.messaging import dynsec, topics
from geoportal.messaging.device.config import AgentConfig
from tests.broker import TestBroker

_NUMBERS = count(1)


class Centre:
    """Hears everything, and acknowledges when told to."""

    def __init__(self, port: int) -> None:
        self.heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="centre", protocol=MQTTv5)
        self._client.username_pw_set("centre", "pw")
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topics.ROOT}/#", qos=1)
        subscribed: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._client.on_subscribe = lambda *_: subscribed.put(1)
        # A session that outlives a restart of the broker, as that of ingest: what a device says meanwhile is kept.
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 300
        self._client.connect("127.0.0.1", port, properties=session)
        self._client.loop_start()
        subscribed.get(timeout=10)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if "/up/" in message.topic and message.payload:
            parsed = topics.parse_up(message.topic)
            self.heard.put((parsed.channel, json.loads(message.payload)))

    def say(self, topic: str, document: object, *, retain: bool = False) -> None:
        self._client.publish(topic, json.dumps(document), qos=1, retain=retain).wait_for_publish(10)

    def expect(self, channel: str, matches: Callable[[Any], bool] = lambda _: True, seconds: float = 60.0) -> Any:
        """The next message of a channel that matches; what comes before it is passed over."""
        end = time.monotonic() + seconds
        while True:
            try:
                found, document = self.heard.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"nothing fitting on {channel} within {seconds:.0f} s")
            if found == channel and matches(document):
                return document

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def centre(broker: TestBroker) -> Iterator[Centre]:
    everything = f"{topics.ROOT}/#"
    kinds = ("publishClientSend", "publishClientReceive", "subscribePattern")
    broker.account("centre", *((kind, everything) for kind in kinds))
    listener = Centre(broker.port)
    yield listener
    listener.close()


@pytest.fixture
def new_config(broker: TestBroker, tmp_path: Path) -> Callable[..., AgentConfig]:
    """Makes an account for one more device and answers its configuration."""

    def make(kind: str = "totem", **more: Any) -> AgentConfig:
        devid = f"{kind}-client-{next(_NUMBERS):03}"
        with dynsec.connected() as control:
            control.run(dynsec.device_commands(devid, topics.shard_of(devid), "secret"), accept=dynsec.NOT_FOUND)
        values = {"username": devid, "password": "secret", "spool_path": str(tmp_path / "spool"), **more}
        return AgentConfig(devid=devid, kind=kind, host="127.0.0.1", port=broker.port, **values)

    return make
