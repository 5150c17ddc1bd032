"""From the table of commands to the broker: a thread of the monitor, woken when someone asks for something.

The same connection hears the broker's log, and counts whom it turned away.

A command is stored first and sent afterwards, so that neither a broker that is away nor a process that ends loses one:
what is queued goes out as soon as it can, and not at all once its time is over. Several dispatchers may run.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import select
import threading
import uuid
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
import psycopg2
from django.conf import settings
from django.core import signing
from django.db import connection
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from geoportal.messaging import topics
from geoportal.messaging.ingest.store import connect
from geoportal.messaging.orders import ORDERS
from geoportal.monitoring.doorkeeper import LOG_TOPIC, Doorkeeper
from geoportal.monitoring.doorkeeper import SQL as REFUSALS
from geoportal.sql import queries

log = logging.getLogger(__name__)

SQL = queries("geoportal.monitoring", "commands")
CHANNEL = "device_command"
LOOK_S = 1.0
RETRY_S = 2.0
_CONFIRM_S = 5.0
_NO_SUBSCRIBERS = 0x10
UPLOAD_SALT = "geoportal.screenshot"
_KEEP_PICTURES = timedelta(days=30)
_KEEP_REFUSALS = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One command on its way to the broker."""

    id: str
    devid: str
    shard: str
    op: str
    args: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    asked_by: int | None

    def payload(self) -> bytes:
        """What the device reads on `dn/cmd` (docs/mqtt-contract.md)."""
        document = {
            "v": 1,
            "id": self.id,
            "op": self.op,
            "args": self.args | _filled_in(self),
            "iat": _text(self.created_at),
            "exp": _text(self.expires_at),
            "by": f"user:{self.asked_by}" if self.asked_by else "program",
        }
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _filled_in(command: Outgoing) -> dict[str, Any]:
    order = ORDERS.get(command.op)
    if order is None or "upload_key" not in order.given:
        return {}
    return {"upload_path": f"/api/schermate/{command.id}", "upload_key": upload_key(command.id)}


def upload_key(command_id: str) -> str:
    """The secret that lets a device hand in the one picture of a command; derived, so that none is stored."""
    return signing.Signer(salt=UPLOAD_SALT).signature(command_id)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Dispatcher(threading.Thread):
    """Runs until it is stopped; outlives restarts of the database and of the broker."""

    def __init__(self) -> None:
        super().__init__(name="dispatcher", daemon=True)
        self._ended = threading.Event()
        self._confirmed: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._connected = threading.Event()
        self._doorkeeper = Doorkeeper(settings.BROKER_LOG)

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        client = self._client()
        client.connect_async(settings.MQTT_HOST, settings.MQTT_PORT, keepalive=30)
        client.loop_start()
        while not self._ended.is_set():
            try:
                with closing(connect("dispatcher")) as held:
                    held.autocommit = True
                    self._work(held, client)
            except psycopg2.Error as error:
                log.warning("The database is away, trying again: %s", str(error).strip())
                self._ended.wait(RETRY_S)
        client.disconnect()
        client.loop_stop()

    def _client(self) -> mqtt.Client:
        name = f"dispatch-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(settings.MQTT_INGEST_USER, settings.MQTT_INGEST_PASSWORD)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._on_connect
        client.on_message = lambda _client, _data, message: self._doorkeeper.take(bytes(message.payload))
        client.on_disconnect = lambda *_: self._connected.clear()
        client.on_publish = lambda _client, _data, mid, code, _properties: self._confirmed.put((mid, code))
        return client

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.error("The broker refuses %r: %s; run manage.py setup_broker", settings.MQTT_INGEST_USER, reason)
        else:
            client.subscribe(LOG_TOPIC)
            self._connected.set()

    def _work(self, held: Any, client: mqtt.Client) -> None:
        with held.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
            while not self._ended.is_set():
                cursor.execute(SQL["give_up"])
                self._doorkeeper.flush(cursor)
                if self._connected.is_set():
                    self._hand_over(cursor, client)
                select.select([held], [], [], LOOK_S)
                held.poll()
                held.notifies.clear()

    def _hand_over(self, cursor: Any, client: mqtt.Client) -> None:
        """Publish what waits and wait for the broker's word on each."""
        cursor.execute(SQL["claim"])
        waiting: dict[int, str] = {}
        for row in cursor.fetchall():
            outgoing = Outgoing(*row)
            info = publish(client, outgoing)
            if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                waiting[info.mid] = outgoing.id
        taken, refused = self._words(waiting)
        if taken:
            cursor.execute(SQL["sent"], {"ids": taken})
        if refused:
            cursor.execute(SQL["not_taken"], {"ids": refused})

    def _words(self, waiting: dict[int, str]) -> tuple[list[str], list[str]]:
        """Ids that the broker took, and ids that it did not. One without a word keeps its claim until that ends."""
        taken: list[str] = []
        refused: list[str] = []
        while waiting:
            try:
                mid, code = self._confirmed.get(timeout=_CONFIRM_S)
            except queue.Empty:
                break
            one = waiting.pop(mid, None)
            if one is None:
                continue
            if code.is_failure:
                log.error("The broker refuses command %s: %s", one, code)
            (refused if code.is_failure or code.value == _NO_SUBSCRIBERS else taken).append(one)
        return taken, refused


def publish(client: mqtt.Client, command: Outgoing) -> mqtt.MQTTMessageInfo:
    """Hand one command to the broker: QoS 1, never retained, thrown away there when its time is over."""
    left_s = int((command.expires_at - datetime.now(UTC)).total_seconds())
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = max(1, left_s)
    topic = topics.down(command.devid, "cmd", command.shard or None)
    return client.publish(topic, command.payload(), qos=1, retain=False, properties=properties)


def announce() -> None:
    """Wake the dispatchers when the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["announce"])


def forget_commands(now: datetime) -> None:
    """Delete commands and pictures that are older than the settings keep them."""
    with connection.cursor() as cursor:
        days = settings.RETENTION_DAYS["commands"]
        cursor.execute(SQL["forget_commands"], {"before": now - timedelta(days=days)})
        cursor.execute(SQL["forget_pictures"], {"before": now - _KEEP_PICTURES})
        cursor.execute(REFUSALS["forget_refusals"], {"before": now - _KEEP_REFUSALS})
