"""The rights kept by Mosquitto's dynamic-security plugin, changed over its control topic while the broker runs.

Mosquitto 2.0 knows no `%u` and `%c` in these rules, so that every device has a role of its own with literal topics;
its client id is pinned, or one device could take over the session of another.
"""

from __future__ import annotations

import contextlib
import json
import queue
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from django.conf import settings
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from geoportal.messaging import topics

CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = f"{CONTROL}/response"
BROKER_LOG = "$SYS/broker/log/N"
"""What the broker notices: by this it is known whom it turned away."""
NOT_FOUND = ("Client not found", "Role not found")
ALREADY_THERE = ("Client already exists", "Role already exists", "ACL with this topic already exists")
_MESSAGE_BYTES = 60_000
"""Of the broker's `max_packet_size` of 131072; the answer to a message is shorter than the message."""
_ANSWER_S = 10.0
WAIT_S = 3.0
"""For a broker that is just starting again; who waits for a page does not wait longer."""
_SECRETS = frozenset({"password"})

type Command = dict[str, Any]
"""One command of the plugin: `{"command": "createClient", …}`."""


class BrokerUnavailable(Exception):
    """The broker cannot be reached, or refuses the administrator's account."""


class DynsecError(Exception):
    """The plugin refused a command. `asked` is the command without its secrets, `answered` the plugin's words."""

    def __init__(self, asked: Command, answered: str) -> None:
        self.asked = {key: value for key, value in asked.items() if key not in _SECRETS}
        self.answered = answered
        super().__init__(f"the broker refused {json.dumps(self.asked)}: {answered}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker listens and the account that may change its rights."""

    host: str
    port: int
    user: str
    password: str

    @classmethod
    def configured(cls) -> Endpoint:
        """The broker of the settings."""
        return cls(settings.MQTT_HOST, settings.MQTT_PORT, settings.MQTT_ADMIN_USER, settings.MQTT_ADMIN_PASSWORD)


class Dynsec:
    """One administrator's connection. Made by `connected`."""

    def __init__(self, client: mqtt.Client, answers: queue.SimpleQueue[dict[str, Any]]) -> None:
        self._client = client
        self._answers = answers

    def run(self, commands: Sequence[Command], *, accept: Collection[str] = ()) -> list[dict[str, Any]]:
        """Execute commands in order, many in one message, and return the plugin's answers in the same order.

        The broker does the commands of one message without anything in between. An error whose text is in `accept`
        is returned like a success. Raises DynsecError at the first other one, BrokerUnavailable without an answer.
        """
        answers: list[dict[str, Any]] = []
        for message in _messages(commands):
            self._client.publish(CONTROL, json.dumps({"commands": message}), qos=1)
            try:
                answered = self._answers.get(timeout=_ANSWER_S)
            except queue.Empty:
                raise BrokerUnavailable(
                    f"no answer from the broker's dynamic-security plugin within {_ANSWER_S:.0f} s"
                ) from None
            _check(message, answered.get("responses", []), accept)
            answers += answered["responses"]
        return answers

    def clear_retained(self, names: Sequence[str]) -> None:
        """Take the retained messages off these topics: an empty retained message replaces what is there."""
        for sent in [self._client.publish(topic, b"", qos=1, retain=True) for topic in names]:
            sent.wait_for_publish(_ANSWER_S)


def _messages(commands: Sequence[Command]) -> Iterator[list[Command]]:
    """The commands in groups that fit the broker's largest message."""
    group: list[Command] = []
    size = 0
    for command in commands:
        length = len(json.dumps(command)) + 2
        if group and size + length > _MESSAGE_BYTES:
            yield group
            group, size = [], 0
        group.append(command)
        size += length
    if group:
        yield group


def _check(asked: Sequence[Command], answered: Sequence[dict[str, Any]], accept: Collection[str]) -> None:
    if len(asked) != len(answered):
        raise DynsecError({"commands": len(asked)}, f"{len(answered)} answers: {json.dumps(answered)[:300]}")
    for command, answer in zip(asked, answered, strict=True):
        error = answer.get("error")
        if error is not None and error not in accept:
            raise DynsecError(command, str(error))


@contextlib.contextmanager
def connected(endpoint: Endpoint | None = None, *, wait_s: float | None = None) -> Iterator[Dynsec]:
    """A connection as the broker's administrator, waiting `wait_s` (WAIT_S) for a broker that still starts.

    Raises BrokerUnavailable saying where it was looked for and why it failed.
    """
    endpoint = endpoint or Endpoint.configured()
    answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    outcome: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(endpoint.user, endpoint.password)

    def on_connect(_client: mqtt.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            outcome.put(f"it refuses the account {endpoint.user!r}: {reason}")
        else:
            client.subscribe(RESPONSE, qos=1)

    def on_subscribe(_client: mqtt.Client, _data: object, _mid: int, reasons: list[Any], _properties: object) -> None:
        outcome.put(f"{endpoint.user!r} may not administer it: {reasons[0]}" if reasons[0].is_failure else "")

    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = lambda _client, _data, message: answers.put(json.loads(message.payload))
    _reach(client, endpoint, WAIT_S if wait_s is None else wait_s)
    client.loop_start()
    try:
        try:
            problem = outcome.get(timeout=_ANSWER_S)
        except queue.Empty:
            problem = f"no answer within {_ANSWER_S:.0f} s"
        if problem:
            raise BrokerUnavailable(f"the broker at {endpoint.host}:{endpoint.port} cannot be used: {problem}")
        yield Dynsec(client, answers)
    finally:
        client.disconnect()
        client.loop_stop()


def _reach(client: mqtt.Client, endpoint: Endpoint, wait_s: float) -> None:
    end = time.monotonic() + wait_s
    while True:
        try:
            client.connect(endpoint.host, endpoint.port, keepalive=30)
            return
        except OSError as error:
            if time.monotonic() > end:
                raise BrokerUnavailable(
                    f"the broker at {endpoint.host}:{endpoint.port} does not answer ({error}); "
                    "is it running, and do GEOPORTAL_MQTT_HOST and GEOPORTAL_MQTT_PORT point at it?"
                ) from error
            time.sleep(0.1)


# --- what each account may do -------------------------------------------------------------------------------------


def _rule(kind: str, topic: str) -> dict[str, Any]:
    return {"acltype": kind, "topic": topic, "priority": 0, "allow": True}


def role_of(devid: str) -> str:
    """The name of a device's own role."""
    return f"device-{devid}"


def device_commands(devid: str, shard: str, password: str) -> list[Command]:
    """Make a device's account anew: publish its own `up`, read its own `dn` and the server's state, nothing else.

    Deleting first ends a connection that uses the old password. Run with `accept=NOT_FOUND`.
    """
    own = f"{topics.ROOT}/{shard}/{topics.check_devid(devid)}"
    rules = [
        _rule("publishClientSend", f"{own}/up/#"),
        _rule("publishClientReceive", f"{own}/dn/#"),
        _rule("subscribePattern", f"{own}/dn/#"),
        _rule("publishClientReceive", topics.SERVER_STATES),
        _rule("subscribePattern", topics.SERVER_STATES),
    ]
    return [
        {"command": "deleteClient", "username": devid},
        {"command": "deleteRole", "rolename": role_of(devid)},
        {"command": "createRole", "rolename": role_of(devid), "acls": rules},
        {
            "command": "createClient",
            "username": devid,
            "clientid": devid,
            "password": password,
            "roles": [{"rolename": role_of(devid), "priority": 0}],
        },
    ]


def server_commands(user: str, password: str) -> list[Command]:
    """The defaults (all denied) and the account of `ingest`. Safe to repeat: run with `accept=ALREADY_THERE`.

    An existing account gets its rules and password again, which ends its connections. The administrator, who could
    give itself any right, gets the one to clear retained messages of devices.
    """
    kinds = ("publishClientSend", "publishClientReceive", "subscribe")
    everything_up = f"{topics.ROOT}/+/+/up/#"
    rules = [
        _rule("subscribePattern", everything_up),
        _rule("publishClientReceive", everything_up),
        _rule("publishClientSend", f"{topics.ROOT}/+/+/dn/#"),
        _rule("publishClientSend", f"{topics.SERVER_STATE}/#"),
        _rule("publishClientSend", f"{topics.SERVER_PROBE}/#"),
        _rule("publishClientReceive", f"{topics.SERVER_PROBE}/#"),
        _rule("subscribePattern", f"{topics.SERVER_PROBE}/#"),
        _rule("subscribePattern", BROKER_LOG),
        _rule("publishClientReceive", BROKER_LOG),
    ]
    denied = [{"acltype": kind, "allow": False} for kind in kinds] + [{"acltype": "unsubscribe", "allow": True}]
    return [
        {"command": "setDefaultACLAccess", "acls": denied},
        {"command": "addRoleACL", "rolename": "admin", **_rule("publishClientSend", everything_up)},
        {"command": "createRole", "rolename": "ingest"},
        {"command": "modifyRole", "rolename": "ingest", "acls": rules},
        {"command": "createClient", "username": user, "password": password},
        {
            "command": "modifyClient",
            "username": user,
            "password": password,
            "roles": [{"rolename": "ingest", "priority": 0}],
        },
    ]
