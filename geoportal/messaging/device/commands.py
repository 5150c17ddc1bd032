"""Orders from the centre: each runs at most once, whatever the network repeats (contract §1.5).

    taken → accepted → running → done | failed
    otherwise one of: rejected (malformed), expired, unsupported

An id is on disk before its order runs, so a second delivery, or a restart in between, never runs it again: it gets the
same answer again. An order of the past, brought again when its id is long forgotten, is known by its time: every order
has an end, at most a day after its beginning, and a device whose clock is not set takes none. There is no order that
runs a text as a program.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from geoportal.messaging.device.spool import Remembered, Spool
from geoportal.messaging.moments import MOMENT
from geoportal.messaging.orders import LONGEST_S, ORDERS, fault

logger = logging.getLogger("geoportal.device")

Handler = Callable[[Mapping[str, Any]], Awaitable[str]]
"""Carries out one order and answers what the operator should read. Raises CommandError."""

MAX_OUTPUT_BYTES = 4096
_MAX_ID = 64
_MAX_OP = 40
_SLACK_S = 300.0
"""How far the device's clock and the centre's may differ before an order seems to come from the future."""


class CommandError(Exception):
    """An order cannot be carried out: final state, code, and what the operator should read."""

    def __init__(self, text: str, *, state: str = "failed", code: int = 1) -> None:
        super().__init__(text)
        self.state = state
        self.code = code


class Unsupported(CommandError):
    """This device has no part that could do it."""

    def __init__(self, text: str) -> None:
        super().__init__(text, state="unsupported", code=3)


class Restarting(Exception):
    """The order ends this boot; its result is told by the next one."""


class Commands:
    """The orders of one device. `say` puts a result into the spool."""

    def __init__(
        self,
        spool: Spool,
        handlers: Mapping[str, Handler],
        *,
        say: Callable[[dict[str, Any]], None],
        now: Callable[[], float],
        clock: Callable[[], str] = lambda: "ntp",
    ) -> None:
        self._spool = spool
        self._handlers = handlers
        self._say = say
        self._now = now
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()

    def receive(self, payload: bytes) -> None:
        """One message of `dn/cmd`."""
        try:
            command_id, op, arguments, begins, expires = parsed(payload)
        except ValueError as error:
            logger.warning("an order cannot be read: %s", error)
            command_id = _readable_id(payload)
            if command_id and self._spool.command(command_id) is None:
                self._spool.take_command(command_id, "")
                self._finish(command_id, "rejected", 2, str(error))
            return
        known = self._spool.command(command_id)
        if known is not None:
            if known.result is not None:
                self._say(json.loads(known.result))
            return
        self._spool.take_command(command_id, op)
        refusal = self._untimely(begins, expires) or self._unfit(op, arguments)
        if refusal is not None:
            self._finish(command_id, refusal.state, refusal.code, str(refusal))
        else:
            self._say({"id": command_id, "st": "accepted"})
            task = asyncio.get_running_loop().create_task(self._run(command_id, self._handlers[op], arguments))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _untimely(self, begins: float | None, expires: float) -> CommandError | None:
        """Why an order of this time is not carried out now."""
        now = self._now()
        if self._clock() == "unset":
            text = "this device's clock is not set: it cannot tell whether the order is old"
            return CommandError(text, state="rejected", code=6)
        if now > expires:
            return CommandError("it arrived after its time was over", state="expired", code=4)
        if expires - (now if begins is None else begins) > LONGEST_S + _SLACK_S:
            return CommandError(f"it would hold longer than {LONGEST_S} s", state="rejected", code=2)
        if begins is not None and begins > now + _SLACK_S:
            text = f"it was given {begins - now:.0f} s in the future, by this device's clock"
            return CommandError(text, state="rejected", code=6)
        return None

    def _unfit(self, op: str, arguments: Mapping[str, Any]) -> CommandError | None:
        """Why this device does not carry out such an order."""
        if op not in self._handlers:
            return Unsupported(f"this device does not know {op[:80]!r}")
        wrong = fault(ORDERS[op].args, dict(arguments)) if op in ORDERS else ""
        return CommandError(wrong, state="rejected", code=2) if wrong else None

    async def _run(self, command_id: str, handler: Handler, arguments: Mapping[str, Any]) -> None:
        self._say({"id": command_id, "st": "running"})
        try:
            self._finish(command_id, "done", 0, await handler(arguments))
        except Restarting:
            return
        except CommandError as error:
            self._finish(command_id, error.state, error.code, str(error))
        except Exception as error:  # the edge: whatever a driver raises is the order's result, not the agent's end
            logger.exception("an order failed")
            self._finish(command_id, "failed", 1, f"{type(error).__name__}: {error}")

    def _finish(self, command_id: str, state: str, code: int, text: str) -> None:
        output = text.encode()[:MAX_OUTPUT_BYTES].decode(errors="ignore")
        result = {"id": command_id, "st": state, "code": code, "out": output}
        self._spool.finish_command(command_id, json.dumps(result).encode())
        self._say(result)

    async def cancel(self) -> None:
        """The agent ends: what still runs is told of by `settle` at the next start."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def settle(self) -> None:
        """At the start: orders that the end of the last process cut off. A reboot is done by having happened."""
        for command in self._spool.unfinished_commands():
            if self._was_a_reboot(command):
                self._finish(command.id, "done", 0, "the device has started again")
            else:
                self._finish(command.id, "failed", 5, "the agent ended while the order ran")

    def _was_a_reboot(self, command: Remembered) -> bool:
        return command.op == "reboot" and command.boot != self._spool.boot


def parsed(payload: bytes) -> tuple[str, str, Mapping[str, Any], float | None, float]:
    """Id, operation, arguments, beginning and end of validity in seconds since the epoch. Raises ValueError."""
    document = json.loads(payload)
    if not isinstance(document, dict):
        raise ValueError("an order must be a JSON object")
    command_id, op, arguments = document.get("id"), document.get("op"), document.get("args", {})
    if not isinstance(command_id, str) or not 0 < len(command_id) <= _MAX_ID:
        raise ValueError(f"id must be text of 1 to {_MAX_ID} characters")
    version = document.get("v", 1)
    if type(version) is not int or version != 1:
        raise ValueError(f"v must be 1, found {version!r}"[:200])
    if not isinstance(op, str) or not 0 < len(op) <= _MAX_OP:
        raise ValueError(f"op must be text of 1 to {_MAX_OP} characters")
    if not isinstance(arguments, dict):
        raise ValueError("args must be an object")
    if "exp" not in document:
        raise ValueError("exp is missing: an order must say until when it holds")
    begins = _moment(document["iat"], "iat") if "iat" in document else None
    return command_id, op, arguments, begins, _moment(document["exp"], "exp")


def _moment(value: Any, name: str) -> float:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a time as text, for instance 2026-11-22T08:30:00Z")
    if not re.search(MOMENT, value):
        raise ValueError(f"{name} = {value[:60]!r} must be a time with its offset, for instance 2026-11-22T08:30:00Z")
    return datetime.fromisoformat(value.upper()).timestamp()


def _readable_id(payload: bytes) -> str:
    """The id of an order that is otherwise unusable, so that it can at least be answered."""
    try:
        document = json.loads(payload)
    except ValueError:
        return ""
    command_id = document.get("id") if isinstance(document, dict) else None
    return command_id if isinstance(command_id, str) and 0 < len(command_id) <= _MAX_ID else ""
