"""The list of commands, and the small checker of agents next to a whole JSON Schema validator."""

import random
from typing import Any

import jsonschema
import pytest

from geoportal.messaging.orders import LONGEST_S, ORDERS, fault, orders_of

VALUES: list[Any] = [
    None, True, False, -1, 0, 5, 40, 100, 101, 3600, 3601, 0.5, 99.5, "", "x", "x" * 301, "it", "de", "xx", [], [1], {},
    "https://cremona.example/a", "http://x", "http://x y", "ftp://x", "https:///", "/api/schermate/1", "/a b", "k" * 30,
    "https://x/" + "a" * 500, "k" * 201,
]  # fmt: skip
NAMES = ["percent", "url", "lang", "text", "seconds", "upload_path", "upload_key", "other"]


def test_every_command_has_a_valid_schema_and_a_bounded_validity() -> None:
    for order in ORDERS.values():
        jsonschema.Draft202012Validator.check_schema(dict(order.args))
        assert 0 < order.valid_s <= LONGEST_S
        assert set(order.given) <= order.args["properties"].keys()
    assert {order.op for order in orders_of("ap")} == {"run_selftest", "refresh", "reboot"}
    assert {"reload", "screenshot", "set_volume", "clear_cache"} <= {order.op for order in orders_of("totem")}


@pytest.mark.parametrize("op", sorted(ORDERS))
def test_the_agents_checker_agrees_with_a_whole_validator(op: str) -> None:
    chance = random.Random(op)
    arguments = [*VALUES, *({name: value} for name in NAMES for value in VALUES)]
    arguments += [dict(zip(chance.sample(NAMES, 2), chance.sample(VALUES, 2), strict=True)) for _ in range(300)]
    for schema in (ORDERS[op].args, ORDERS[op].asked()):
        validator = jsonschema.Draft202012Validator(dict(schema))
        for one in arguments:
            assert (fault(schema, one) == "") == validator.is_valid(one), (one, fault(schema, one))


@pytest.mark.parametrize(
    ("op", "args", "words"),
    [
        ("set_brightness", {"percent": 101}, "args.percent must lie between 0 and 100, found 101"),
        ("set_brightness", {}, "args.percent is missing"),
        ("reload", {"hard": True}, "args.hard is unknown; known are: none"),
        ("set_page", {"url": "file:///etc/passwd"}, "args.url = 'file:///etc/passwd' has not the form"),
        ("set_language", {"lang": "xx"}, "args.lang must be one of it, en"),
        ("show_message", {"text": ""}, "args.text must have 1 to 300 characters, found 0"),
        ("reload", [], "args must be of type object"),
    ],
)
def test_a_fault_names_field_and_value(op: str, args: object, words: str) -> None:
    assert words in fault(ORDERS[op].args, args)
