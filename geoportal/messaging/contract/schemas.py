"""A JSON Schema (2020-12) of every message. What devices say comes from the structs that ingest reads with.

`tests/messaging/test_contract.py` holds each schema against the code that reads the message, in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from geoportal.messaging import messages
from geoportal.messaging.kinds import kinds
from geoportal.messaging.moments import MOMENT
from geoportal.messaging.orders import ORDERS, Order

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]
_MOMENT: Schema = {"type": "string", "format": "date-time", "pattern": MOMENT}
_VERSION: Schema = {"const": 1, "default": 1}


def schemas() -> dict[str, Schema]:
    """Every schema by the name of its message: what devices say, then what they are told."""
    return {**_up(), **_down()}


def _up() -> dict[str, Schema]:
    found = {
        "state": _of(messages.State, "up/state: birth, last will, goodbye"),
        "info": {"type": "object", "description": "up/info: the device describes itself, in any form"},
        "event": _of(messages.Event, "up/event: something happened"),
        "cmdres": _of(messages.CommandResult, "up/cmdres: how a command goes"),
    }
    for kind in kinds():
        sample = _of(messages.SampleForm, "one sample")
        sample["properties"]["m"] = _of(kind.reader.metrics, f"measurements of a device of kind {kind.code}")
        batch = {
            "type": "object",
            "properties": {"batch": {"type": "array", "minItems": 1, "maxItems": messages.MAX_BATCH, "items": sample}},
            "required": ["batch"],
        }
        found[f"tele-{kind.code}"] = {
            "description": f"up/tele of a device of kind {kind.code}: one sample, or a batch",
            "anyOf": [sample, batch],
        }
    return found


def _down() -> dict[str, Schema]:
    return {
        "cmd": _command(),
        "cfg": {
            "description": "dn/cfg: the configuration that the centre wishes; retained",
            "type": "object",
            "properties": {"rev": {}, "interval_s": {"type": ["integer", "null"], "minimum": 1, "maximum": 86_400}},
        },
        "ack": {
            "description": "dn/ack: everything of this boot up to hi is stored for good, except miss",
            "type": "object",
            "properties": {
                "boot": {"type": "string"},
                "hi": {"type": "integer"},
                "miss": {"type": ["array", "null"], "items": {"type": "integer"}},
            },
            "required": ["boot", "hi"],
        },
        "srv-state": {
            "description": "srv/state/<first>-<last>: whether the centre listens to these shards; retained",
            "type": "object",
            "properties": {
                "s": {"enum": ["online", "offline"]},
                "shards": {"type": "string", "pattern": "^[0-9a-f]{2}-[0-9a-f]{2}$"},
            },
            "required": ["s"],
        },
    }


def _command() -> Schema:
    """The envelope of a command, and the arguments of those that are known."""
    return {
        "description": "dn/cmd: do something once, if exp has not passed; never retained",
        "type": "object",
        "properties": {
            "v": _VERSION,
            "id": {"type": "string", "minLength": 1, "maxLength": 64},
            "op": {"type": "string", "minLength": 1, "maxLength": 40},
            "args": {"type": "object"},
            "iat": {**_MOMENT, "description": "when it was given"},
            "exp": {**_MOMENT, "description": "until when it may be carried out; at most a day after iat"},
            "by": {"description": "who asked, for people"},
        },
        "required": ["id", "op", "exp"],
        "allOf": [_arguments(order) for order in ORDERS.values()],
    }


def _arguments(order: Order) -> Schema:
    wanted = bool(order.args["required"])
    then: Schema = {"properties": {"args": dict(order.args)}, **({"required": ["args"]} if wanted else {})}
    return {"if": {"properties": {"op": {"const": order.op}}, "required": ["op"]}, "then": then}


def _of(struct: type[msgspec.Struct], description: str) -> Schema:
    """The schema of a struct, without references, names of our classes, and defaults that say nothing."""
    whole = msgspec.json.schema(struct)
    (body,) = whole["$defs"].values()
    return {
        "description": description,
        **{key: _plain(body[key]) for key in ("type", "properties", "required") if key in body},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        kept = {
            key: _plain(one)
            for key, one in value.items()
            if not (key == "title" or (key == "default" and one in (None, "", {})))
        }
        return {**kept, "pattern": MOMENT} if kept.get("format") == "date-time" else kept
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value
