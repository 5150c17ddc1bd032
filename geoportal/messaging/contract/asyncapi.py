"""The contract as an AsyncAPI 3.0 document, seen from a device: it sends `up` and receives `dn`."""

from __future__ import annotations

from typing import Any

from geoportal.messaging import messages, topics
from geoportal.messaging.contract.schemas import schemas
from geoportal.messaging.kinds import kinds

VERSION = "1.1.0"
"""Of this document. The first number is that of the topics; the second grows with what is added."""

Document = dict[str, Any]
_RETAINED = frozenset({"state", "info", "cfg", "srv-state"})
_PARAMETERS: Document = {
    "shard": {"description": "Two hexadecimal digits from enrolment.", "examples": ["0a"]},
    "devid": {"description": "Code, user name and client id of the device: 3 to 32 of a-z, 0-9 and '-'."},
}
_ABOUT = f"""\
How devices of the city of Cremona report to the geoportal and are commanded. MQTT 5 or 3.1.1 over TLS, QoS 1, JSON in
UTF-8, at most {messages.MAX_BYTES} bytes a message. User name and client id are the device's code; a device may write
below its own `up`, read below its own `dn` and `srv/state/+`, and nothing else."""


def document(host: str = "broker.example:8883") -> Document:
    """The whole document, with the schema of every message inside."""
    forms = schemas()
    tele = [f"tele-{kind.code}" for kind in kinds()]
    ups = {"state": ["state"], "info": ["info"], "tele": tele, "event": ["event"], "cmdres": ["cmdres"]}
    channels = {f"up-{name}": _channel(f"up/{name}", held) for name, held in ups.items()}
    channels |= {f"dn-{name}": _channel(f"dn/{name}", [name]) for name in ("cmd", "cfg", "ack")}
    channels["srv-state"] = _server_channel()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Geoportale di Cremona: cremona/v1",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": host,
                "protocol": "secure-mqtt",
                "security": [{"$ref": "#/components/securitySchemes/device"}],
            }
        },
        "channels": channels,
        "operations": {name: _operation(name) for name in channels},
        "components": {
            "securitySchemes": {
                "device": {
                    "type": "userPassword",
                    "description": "From enrolment: POST /api/enrol with a one-time token.",
                }
            },
            "messages": {name: _message(name, form) for name, form in forms.items()},
            "schemas": forms,
        },
    }


def _channel(path: str, names: list[str]) -> Document:
    return {
        "address": f"{topics.ROOT}/{{shard}}/{{devid}}/{path}",
        "parameters": _PARAMETERS,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _server_channel() -> Document:
    return {
        "address": f"{topics.SERVER_STATE}/{{range}}",
        "parameters": {"range": {"description": "First and last shard of a worker.", "examples": ["00-0f"]}},
        "messages": {"srv-state": {"$ref": "#/components/messages/srv-state"}},
    }


def _operation(channel: str) -> Document:
    name = channel.removeprefix("up-").removeprefix("dn-")
    sends = channel.startswith("up-")
    bindings = {"mqtt": {"qos": 1, "retain": name in _RETAINED, "bindingVersion": "0.2.0"}} if sends else {}
    return {
        "action": "send" if sends else "receive",
        "channel": {"$ref": f"#/channels/{channel}"},
        **({"bindings": bindings} if bindings else {}),
    }


def _message(name: str, form: Document) -> Document:
    payload = {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": form}
    return {"name": name, "contentType": "application/json", "summary": form["description"], "payload": payload}
