"""The commands that exist, by kind of device, with the form of their arguments. Centre and agents read this one list.

`args` is a JSON Schema (2020-12) of which agents check the few words below without a library: type, properties,
required, additionalProperties, enum, pattern, minimum, maximum, minLength, maxLength. No Django import here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TOTEM, ACCESS_POINT = "totem", "ap"
LANGUAGES = ("it", "en", "de", "fr", "es")
"""Languages that a totem's page may be asked to show; whether it has them is for the page to say."""
_SOON_S, _DAY_S = 120, 86_400

Schema = Mapping[str, Any]


def _object(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


@dataclass(frozen=True, slots=True)
class Order:
    """One command: for which kinds of device, with which arguments, for how long it holds.

    `is_dangerous`: people in the street notice it at once, and whoever asks must confirm. `given` names arguments that
    the centre fills in and nobody asks for.
    """

    op: str
    kinds: frozenset[str]
    args: Schema
    valid_s: int = _SOON_S
    is_dangerous: bool = False
    given: tuple[str, ...] = ()

    def asked(self) -> Schema:
        """The form of what a person or a program may ask for."""
        properties = {name: form for name, form in self.args["properties"].items() if name not in self.given}
        required = [name for name in self.args["required"] if name not in self.given]
        return {**self.args, "properties": properties, "required": required}


_PERCENT: Schema = {"type": "integer", "minimum": 0, "maximum": 100}
_BOTH = frozenset({TOTEM, ACCESS_POINT})
_TOTEM = frozenset({TOTEM})

ORDERS: Mapping[str, Order] = {
    order.op: order
    for order in (
        Order("run_selftest", _BOTH, _object()),
        Order("refresh", _BOTH, _object()),
        Order("reboot", _BOTH, _object(), is_dangerous=True),
        Order("reload", _TOTEM, _object()),
        Order(
            "screenshot",
            _TOTEM,
            _object(
                ("upload_path", "upload_key"),
                upload_path={"type": "string", "pattern": "^/[A-Za-z0-9/._-]{1,200}$"},
                upload_key={"type": "string", "minLength": 16, "maxLength": 200},
            ),
            given=("upload_path", "upload_key"),
        ),
        Order("display_on", _TOTEM, _object()),
        Order("display_off", _TOTEM, _object(), is_dangerous=True),
        Order("set_brightness", _TOTEM, _object(("percent",), percent=_PERCENT)),
        Order("set_volume", _TOTEM, _object(("percent",), percent=_PERCENT)),
        Order(
            "set_page",
            _TOTEM,
            _object(("url",), url={"type": "string", "maxLength": 500, "pattern": "^https?://[^\\s/]+(/\\S*)?$"}),
            is_dangerous=True,
        ),
        Order("set_language", _TOTEM, _object(("lang",), lang={"type": "string", "enum": list(LANGUAGES)})),
        Order("clear_cache", _TOTEM, _object(), valid_s=_DAY_S),
        Order(
            "show_message",
            _TOTEM,
            _object(
                ("text",),
                text={"type": "string", "minLength": 1, "maxLength": 300},
                seconds={"type": "integer", "minimum": 5, "maximum": 3600},
            ),
            is_dangerous=True,
        ),
    )
}
LONGEST_S = _DAY_S
"""No command holds longer: a device remembers the ids of the last ones only, and refuses by time what is older."""


def orders_of(kind: str) -> list[Order]:
    """The commands for one kind of device."""
    return [order for order in ORDERS.values() if kind in order.kinds]


_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def fault(schema: Schema, value: Any, name: str = "args") -> str:
    """Why a value does not have a form, naming field and value; empty when it has."""
    wanted = schema["type"]
    if not isinstance(value, _TYPES[wanted]) or (isinstance(value, bool) and wanted != "boolean"):
        return f"{name} must be of type {wanted}, found {value!r}"[:300]
    if isinstance(value, dict):
        return _fault_inside(schema, value, name)
    if "enum" in schema and value not in schema["enum"]:
        return f"{name} must be one of {', '.join(map(str, schema['enum']))}, found {value!r}"[:300]
    if isinstance(value, str):
        low, high = schema.get("minLength", 0), schema.get("maxLength", len(value))
        if not low <= len(value) <= high:
            return f"{name} must have {low} to {high} characters, found {len(value)}"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{name} = {value!r} has not the form {schema['pattern']}"[:300]
        return ""
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return "" if low <= value <= high else f"{name} must lie between {low} and {high}, found {value!r}"


def _fault_inside(schema: Schema, value: Mapping[str, Any], name: str) -> str:
    for key in schema["required"]:
        if key not in value:
            return f"{name}.{key} is missing"
    for key, one in value.items():
        form = schema["properties"].get(key)
        if form is None:
            return f"{name}.{str(key)[:60]} is unknown; known are: {', '.join(schema['properties']) or 'none'}"
        found = fault(form, one, f"{name}.{key}")
        if found:
            return found
    return ""
