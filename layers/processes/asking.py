"""Inputs as the caller gave them: checked against the process's schemas, never fetched from anywhere."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from layers.errors import BadQuery
from layers.processes.model import Process

DEPTH_MAX = 12
"""Of the nested arrays and objects of an input: a multipolygon needs six."""


def checked(process: Process, given: Any) -> dict[str, Any]:
    """The inputs of a run by name, plain values. Raises BadQuery naming the input, what came and what is allowed."""
    if not isinstance(given, dict):
        raise BadQuery("inputs", "give an object with one member per input.")
    unknown = sorted(set(given) - set(process.inputs))
    if unknown:
        known = ", ".join(process.inputs)
        raise BadQuery("inputs", f"{str(unknown[0])[:80]!r} is not an input of {process.id}; it has {known}.")
    values = {name: _plain(name, value) for name, value in given.items()}
    for name, one in process.inputs.items():
        if one.required and name not in values:
            raise BadQuery("inputs", f"{name!r} is missing; {process.id} needs it.")
        if name in values:
            error = best_match(Draft202012Validator(one.schema).iter_errors(values[name]))
            if error is not None:
                raise BadQuery(f"inputs.{name}", f"{error.message[:300]}.")
        elif "default" in one.schema:
            values[name] = one.schema["default"]
    return values


def outputs_asked(process: Process, given: Any) -> frozenset[str]:
    """The outputs a run is to make. Raises BadQuery for an unknown one and for transmission by reference."""
    if given is None or given == {}:
        return frozenset(name for name, one in process.outputs.items() if one.by_default)
    if not isinstance(given, dict):
        raise BadQuery("outputs", "give an object with one member per output.")
    for name, wish in given.items():
        if name not in process.outputs:
            known = ", ".join(process.outputs)
            raise BadQuery("outputs", f"{str(name)[:80]!r} is not an output of {process.id}; it has {known}.")
        if isinstance(wish, dict) and wish.get("transmissionMode", "value") != "value":
            raise BadQuery(f"outputs.{name}", "results are sent by value only.")
        asked = (wish.get("format") or {}).get("mediaType") if isinstance(wish, dict) else None
        if asked not in (None, "application/json", process.outputs[name].media_type):
            raise BadQuery(f"outputs.{name}", f"this output is {process.outputs[name].media_type}.")
    return frozenset(given)


def _plain(name: str, value: Any) -> Any:
    """An inline value; {"value": …} is unwrapped. An address is refused: nothing is fetched for a caller."""
    _shallow(name, value, 0)
    if isinstance(value, dict) and "href" in value:
        raise BadQuery(f"inputs.{name}", "inputs by reference (href) are not accepted; give the value itself.")
    if isinstance(value, dict) and "value" in value and set(value) <= {"value", "mediaType", "encoding", "schema"}:
        return value["value"]
    return value


def _shallow(name: str, value: Any, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise BadQuery(f"inputs.{name}", f"it is nested deeper than {DEPTH_MAX} levels.")
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            _shallow(name, one, depth + 1)
    elif isinstance(value, str) and "\x00" in value:
        raise BadQuery(f"inputs.{name}", "it holds a NUL character.")
