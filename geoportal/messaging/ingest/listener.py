"""The connection to the broker: receives into the inbox, acknowledges what is stored. The traps are measured ones.

- MQTT 5 with `clean_start=False` and a session that outlives us: what we did not acknowledge comes again.
- QoS 1 with manual acknowledgement; with QoS 2 paho confirms before we have stored anything.
- `epoch`: after a reconnection a message number can mean another message, and acknowledging it would lose that one.
- paho calls us on its network thread; an exception there ends the thread without a word.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from geoportal.messaging import topics
from geoportal.messaging.ingest.client import Client, Publish
from geoportal.messaging.ingest.inbox import Inbox, Message

logger = logging.getLogger(__name__)

SESSION_S = 7 * 86_400
_KEEPALIVE_S = 30
_ONLY_IF_NEW = 1
"""Retain handling: kept messages are sent when the subscription is new, not at every reconnection."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the broker is and who we are there."""

    host: str
    port: int
    user: str
    password: str
    client_id: str


class Listener:
    """One client with one persistent session for a range of shards."""

    def __init__(self, account: Account, shards: Sequence[str], inbox: Inbox, window: int) -> None:
        self._account = account
        self._shards = list(shards)
        self._inbox = inbox
        self._window = window
        self._guard = threading.Lock()
        self.epoch = 0
        self.connected = False
        self.sessions_lost = 0
        self.refused = ""
        """Why the broker does not let us work, when it says so."""
        self._state_topic = topics.server_state(self._shards)
        self.probe_topic = f"{topics.SERVER_PROBE}/{account.client_id}"
        self.probe_seen = time.monotonic()
        self._client = self._make()

    def _make(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._account.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        client.username_pw_set(self._account.user, self._account.password)
        client.reconnect_delay_set(1, 10)
        client.max_queued_messages_set(10_000)
        client.will_set(self._state_topic, self._state("offline"), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publishes = self._on_publishes
        return client

    def start(self) -> None:
        """Connect and go on connecting, on a thread of its own."""
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = SESSION_S
        wishes.ReceiveMaximum = self._window
        self._client.connect_async(
            self._account.host, self._account.port, _KEEPALIVE_S, clean_start=False, properties=wishes
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Say goodbye; the session stays."""
        if self.connected:
            self._client.publish(self._state_topic, self._state("offline"), qos=1, retain=True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def reconnect(self) -> None:
        """Drop the connection and make a new one, over which everything unacknowledged comes again."""
        self._client.disconnect()
        self._client.loop_stop()
        with self._guard:
            self.epoch += 1
        self._inbox.overflowed = False
        self.start()

    @property
    def alive(self) -> bool:
        """Whether the network thread lives; paho says "connected" even when it died."""
        thread = self._client._thread
        return thread is not None and thread.is_alive()

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tell the broker that these are stored. Those of an earlier connection are left out: they come again."""
        with self._guard:
            epoch = self.epoch
            self._client.acknowledge([one.mid for one in messages if one.epoch == epoch and one.qos])

    def publish(self, *messages: tuple[str, bytes]) -> None:
        """Topics and payloads, without confirmation; lost while the broker is away."""
        if self.connected:
            self._client.publish_all(messages)

    def probe(self) -> None:
        """Send ourselves a message; `probe_seen` tells when the last one came back."""
        self.publish((self.probe_topic, b""))

    def _state(self, word: str) -> bytes:
        return json.dumps({"s": word, "shards": f"{self._shards[0]}-{self._shards[-1]}"}).encode()

    def _on_connect(self, client: mqtt.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused = f"the broker refuses {self._account.user!r}: {reason}"
            logger.error("%s", self.refused)
            return
        self.refused = ""
        if not flags.session_present:
            self.sessions_lost += 1
            logger.warning("the broker holds no session of %s: it is new, or was lost", self._account.client_id)
        options = SubscribeOptions(qos=1, retainHandling=_ONLY_IF_NEW)
        client.subscribe([(topics.subscription(shard), options) for shard in self._shards])
        client.subscribe(self.probe_topic, options=SubscribeOptions(qos=0))
        client.publish(self._state_topic, self._state("online"), qos=1, retain=True)
        self.probe_seen = time.monotonic()
        self.connected = True

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        # Before the next CONNECT goes out: acknowledgements made until here die with the old connection's queue.
        with self._guard:
            self.epoch += 1
        self.connected = False
        logger.info("disconnected from the broker: %s", reason)

    def _on_subscribe(self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self.refused = f"the broker refuses a subscription of {self._account.user!r}; run manage.py setup_broker"
            logger.error("%s", self.refused)

    def _on_message(self, _client: mqtt.Client, _data: Any, message: Any) -> None:
        # `message.topic` raises for bytes that are no text; such a topic is refused like any other wrong one.
        topic = message._topic.decode("utf-8", "replace")
        self._on_publishes([Publish(message.mid, message.qos, message.retain, topic, bytes(message.payload))])

    def _on_publishes(self, packets: Sequence[Publish]) -> None:
        epoch, rx = self.epoch, time.time()
        messages = [
            Message(epoch, mid, qos, topic, payload, retain, rx) for mid, qos, retain, topic, payload in packets
        ]
        if any(one.topic == self.probe_topic for one in messages):
            self.probe_seen = time.monotonic()
            messages = [one for one in messages if one.topic != self.probe_topic]
        self._inbox.put(messages)
