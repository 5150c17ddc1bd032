"""paho-mqtt, as a device uses it: one client per connection, driven from outside, no threads of its own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from geoportal.messaging.device.centre import context_of
from geoportal.messaging.device.config import AgentConfig

KEEPALIVE_S = 30
WILL_DELAY_S = 20
"""A connection that comes back within this time was never lost (contract §1.2: 15 to 30 s)."""
SESSION_EXPIRY_S = 86_400
"""The broker keeps commands for a device that is away. One that ended at once would also send the will at once."""
MAX_IN_FLIGHT = 20
"""What Mosquitto advertises as its receive maximum."""
RETAINED = frozenset({"state", "info"})
NO_SUBSCRIBERS = 0x10


def new_client(config: AgentConfig, *, will: bytes | None, receive: Callable[[str, bytes], None]) -> Client:
    """A client ready to `reconnect()`, with its will if any. Its callbacks must not raise. OSError: a bad CA."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=config.devid, protocol=MQTTv5)
    client.max_inflight_messages_set(MAX_IN_FLIGHT)
    client.connect_timeout = 10.0
    client.username_pw_set(config.username, config.password)
    if config.tls:
        client.tls_set_context(context_of(config.ca))
    if will is not None:
        delayed = _properties(PacketTypes.WILLMESSAGE, "WillDelayInterval", WILL_DELAY_S)
        client.will_set(config.up("state"), will, qos=1, retain=True, properties=delayed)
    lasting = _properties(PacketTypes.CONNECT, "SessionExpiryInterval", SESSION_EXPIRY_S)
    client.connect_async(config.host, config.port, keepalive=KEEPALIVE_S, clean_start=False, properties=lasting)

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        receive(message.topic, bytes(message.payload))

    client.on_message = on_message
    return client


def _properties(packet: int, name: str, value: int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    setattr(properties, name, value)
    return properties


def publish(client: Client, topic: str, payload: bytes, channel: str) -> int | None:
    """Hand over one message, QoS 1; its id, or None when the client does not take it."""
    info = client.publish(topic, payload, qos=1, retain=channel in RETAINED)
    return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None


def read(client: Client) -> None:
    """Read what has arrived. TLS may hold decrypted bytes that no longer wake a selector: read those too."""
    client.loop_read()
    sock = client.socket()
    while isinstance(sock, ssl.SSLSocket) and sock.pending():
        client.loop_read()
        sock = client.socket()


def abort(client: Client) -> None:
    """Close the socket without a DISCONNECT packet."""
    sock = client.socket()
    client.on_disconnect = None
    if sock is not None:
        sock.close()


def explain(error: Exception, config: AgentConfig) -> str:
    """Why no connection could be opened, in plain words."""
    where = f"{config.host}:{config.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {where} is not trusted: {error.verify_message}; see broker.ca"
    if isinstance(error, ssl.SSLError):
        return f"no TLS connection to {where}: {error.reason}; is broker.tls right for this port?"
    if config.tls and isinstance(error, ConnectionResetError):
        return f"{where} does not speak TLS; is broker.tls right for this port?"
    if isinstance(error, socket.gaierror):
        return f"the name {config.host!r} cannot be resolved: {error.strerror}"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer; a firewall, or the wrong address?"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {where}; does the broker run there?"
    return f"no connection to {where}: {error}"


def explain_code(code: ReasonCode, config: AgentConfig) -> str:
    """Why the broker refused the connection, in plain words."""
    if code.value in (0x86, 0x87):
        return (
            f"the broker refuses {config.username!r} ({code}): the password is wrong, the device is suspended, "
            "or it was never enrolled"
        )
    return f"the broker refuses the connection: {code}"
