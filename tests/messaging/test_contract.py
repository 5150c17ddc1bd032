"""The contract's documents against the code that reads the messages, in both directions: neither knows more."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from django.test import Client

from geoportal.messaging import messages
from geoportal.messaging.contract.asyncapi import document
from geoportal.messaging.contract.schemas import schemas
from geoportal.messaging.device import payloads
from geoportal.messaging.device.commands import parsed
from geoportal.messaging.device.delivery import read_acknowledgement
from geoportal.messaging.device.device import desired
from geoportal.messaging.kinds import kinds
from geoportal.messaging.messages import MalformedMessage
from geoportal.messaging.orders import ORDERS, fault
from geoportal.monitoring.commands.dispatch import Outgoing
from geoportal.runtime.templates import BASE

BOOT = "1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911"
TS = "2026-11-22T08:30:00.120Z"
SAMPLE = {"v": 1, "boot": BOOT, "seq": 7, "ts": TS, "int": 30, "hist": False, "clk": "ntp", "m": {"cpu": 12.5, "x": 1}}
EXAMPLES: dict[str, list[Any]] = {
    "state": [
        {"s": "online", "boot": BOOT, "conn": 17, "ts": TS, "up": 8123, "clk": "ntp"},
        {"s": "lost", "boot": BOOT, "conn": 17},
        {"s": "offline", "boot": BOOT, "conn": 17, "why": "shutdown"},
    ],
    "info": [{"model": "x", "fw": ["1"]}],
    "event": [{"v": 1, "boot": BOOT, "seq": 1, "ts": TS, "ev": "gap", "d": {"from": 1}, "hist": False}],
    "cmdres": [{"v": 1, "id": "x", "st": "done", "ts": TS, "code": 0, "out": "", "boot": BOOT, "seq": 3}],
    **{f"tele-{code}": [SAMPLE, {"batch": [SAMPLE, SAMPLE]}] for code in ("ap", "totem")},
    "cmd": [
        {"v": 1, "id": "x", "op": "reload", "args": {}, "iat": TS, "exp": TS, "by": "user:1"},
        {"id": "x", "op": "set_brightness", "args": {"percent": 40}, "exp": TS},
        {"id": "x", "op": "of-another-time", "args": {"a": 1}, "exp": TS},
    ],
    "cfg": [{"rev": 3, "interval_s": 30}],
    "ack": [{"boot": BOOT, "hi": 4711, "miss": [4703]}],
}
POOL: list[Any] = [
    None, True, False, 0, 1, 2, -1, 86_400, 86_401, 2**31, 2**63 - 1, 2**63, 0.5, -0.5, 100.5, 1e13 + 0.5, "", "x",
    "x" * 41, "x" * 65, "x" * 201, "x" * 4097, BOOT, BOOT.upper(), BOOT[:-1], TS, "2026-11-22 08:30:00+01:00", [], [1],
    "2026-11-22t08:30:00z", "2026-11-22T08:30:00", "2026-11-22", "2026-02-30T08:30:00Z", {}, "20261122T083000Z",
    {"a": 1}, "2026-11-22T08:30Z", "2026-11-22T08:30:00.Z", "online", "done", "Gap", "door_open", ["x"], [None],
    {"cpu": 101}, {"percent": 101}, {"percent": 1}, {"cpu": "hot"}, {"page_alive": 2, "noise_24": 3}, {"rx_total": -1},
    "ntp", [SAMPLE] * 51,
]  # fmt: skip


def command(payload: bytes) -> None:
    """Envelope and arguments, as the agent looks at them."""
    _, op, arguments, _, _ = parsed(payload)
    if op in ORDERS and (wrong := fault(ORDERS[op].args, dict(arguments))):
        raise ValueError(wrong)


READERS: dict[str, Callable[[bytes], Any]] = {
    "state": messages.read_state,
    "info": messages.read_info,
    "event": messages.read_event,
    "cmdres": messages.read_result,
    **{f"tele-{kind.code}": kind.reader.read for kind in kinds()},
    "cmd": command,
    "cfg": desired,
    "ack": read_acknowledgement,
}


def is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(datetime.fromisoformat(value.upper()))


moments = jsonschema.FormatChecker(formats=())
moments.checks("date-time", raises=ValueError)(is_moment)


def validator(name: str) -> jsonschema.Draft202012Validator:
    form = schemas()[name]
    jsonschema.Draft202012Validator.check_schema(form)
    return jsonschema.Draft202012Validator(form, format_checker=moments)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield from places(one, (*path, key))


def changed(example: Any) -> Iterator[Any]:
    """The example with each of its values replaced by each of the pool, removed, and with one more beside it."""
    for path in places(example):
        if not path:
            yield from POOL
            continue
        for value in [*POOL, KeyError]:
            copied = copy.deepcopy(example)
            inside = copied
            for key in path[:-1]:
                inside = inside[key]
            if value is KeyError:
                del inside[path[-1]]
            else:
                inside[path[-1]] = value
            yield copied
    if isinstance(example, dict):
        yield {**example, "unknown": {"a": 1}}


def reads(name: str, message: Any) -> bool:
    try:
        READERS[name](json.dumps(message).encode())
    except (MalformedMessage, ValueError):
        return False
    return True


@pytest.mark.parametrize("name", sorted(READERS))
def test_a_message_fits_its_schema_exactly_when_the_code_reads_it(name: str) -> None:
    form = validator(name)
    both = {True: 0, False: 0}
    for example in EXAMPLES[name]:
        assert form.is_valid(example) and reads(name, example), example
        for message in changed(example):
            valid = form.is_valid(message)
            assert valid == reads(name, message), (message, [error.message for error in form.iter_errors(message)])
            both[valid] += 1
    assert (both[True] > 5 and both[False] > 5) or name == "info"


def test_every_message_has_a_schema_and_nothing_else_has() -> None:
    assert schemas().keys() == READERS.keys() | {"srv-state"}


def test_what_our_own_sides_say_fits() -> None:
    said = {
        "state": [
            payloads.birth(boot=BOOT, conn=1, now=1.8e9, up_s=5, clock="free"),
            payloads.will(boot=BOOT, conn=1),
            payloads.goodbye(boot=BOOT, conn=1, why="shutdown"),
        ],
        "tele-ap": [payloads.batch([json.dumps(SAMPLE).encode()] * 3), payloads.sample(b'{"x":1}', moment=0, now=9e9)],
    }
    assert all(validator("state").is_valid(json.loads(one)) for one in said["state"])
    assert validator("tele-ap").is_valid(json.loads(said["tele-ap"][0]))
    now = datetime.now(UTC)
    for op in ("reload", "screenshot", "set_volume"):
        arguments = {"percent": 3} if op == "set_volume" else {}
        outgoing = Outgoing("0" * 36, "totem-x", "00", op, arguments, now, now + timedelta(minutes=2), 7)
        validator("cmd").validate(json.loads(outgoing.payload()))


def test_the_asyncapi_document_is_valid_and_the_one_in_the_docs() -> None:
    specification = BASE / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
    book = json.loads(specification.read_text(encoding="utf-8"))
    errors = [
        f"{error.json_path}: {error.message}"[:200]
        for error in jsonschema.Draft7Validator(book).iter_errors(document())
    ]
    assert errors == []
    broken = document()
    broken["channels"]["up-state"]["address"] = 7
    assert not jsonschema.Draft7Validator(book).is_valid(broken)
    kept = json.loads((BASE / "docs" / "asyncapi.json").read_text(encoding="utf-8"))
    assert kept == document(), "write docs/asyncapi.json again: manage.py contract > docs/asyncapi.json"
    held = document()
    for channel in held["channels"].values():
        for message in channel["messages"].values():
            assert message["$ref"].rpartition("/")[2] in held["components"]["messages"]


@pytest.mark.django_db
def test_the_documents_are_served_to_everyone(client: Client) -> None:
    page = client.get("/contratto/").content.decode()
    for name, form in schemas().items():
        assert f"/contratto/schemi/{name}.json" in page
        served = client.get(f"/contratto/schemi/{name}.json")
        assert served["Content-Type"] == "application/schema+json"
        assert form.items() <= served.json().items()
    whole = client.get("/contratto/asyncapi.json")
    assert whole.json()["asyncapi"] == "3.0.0"
    assert client.get("/contratto/asyncapi.json", headers={"If-None-Match": whole["ETag"]}).status_code == 304
    assert client.get("/contratto/schemi/nessuno.json").status_code == 404
