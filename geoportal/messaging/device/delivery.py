"""From the spool to the broker, again and again until the centre says that it has stored a message.

The broker's own confirmation proves nothing about storage: it answers "success" for a message that it then drops. It
only opens the window for the next one. A message leaves the spool on `dn/ack` alone (contract §1.4).
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable

from paho.mqtt.reasoncodes import ReasonCode

from geoportal.messaging.device import payloads
from geoportal.messaging.device.link import MAX_IN_FLIGHT, NO_SUBSCRIBERS
from geoportal.messaging.device.spool import Row, Spool

logger = logging.getLogger("geoportal.device")

RESEND_S = (60.0, 900.0)
"""First and longest wait for an acknowledgement before everything unacknowledged is sent again."""
_MISSING_S = (5.0, 900.0)
_READ_AHEAD = 200


class Delivery:
    """What of one device's spool is under way. Lives through all its connections."""

    def __init__(
        self,
        spool: Spool,
        devid: str,
        publish: Callable[[str, bytes], int | None],
        now: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._devid = devid
        self._publish = publish
        self._now = now
        self._monotonic = monotonic
        self._cursor = 0
        """Rows up to this one have been handed over in this pass."""
        self._rows: dict[int, list[int]] = {}
        """Row ids by the message id they went out under."""
        self._said: dict[int, asyncio.Future[None]] = {}
        self._missing: set[int] = set()
        self._missing_at = 0.0
        self._missing_wait = _MISSING_S[0]
        self._resend_wait = RESEND_S[0]
        self._resend_at: float | None = None
        self._hold_until = 0.0
        self._undelivered = ""
        """Why messages are not delivered now, as it was logged."""

    @property
    def in_flight(self) -> int:
        """Messages that the broker has not confirmed yet."""
        return len(self._rows) + len(self._said)

    def connected(self, *, session_kept: bool) -> None:
        """A new connection. A broker that forgot our session may have forgotten our messages too: send all again."""
        self.disconnected()  # a connection that broke while a message was handed over left that one behind
        self._hold_until = 0.0
        if not session_kept:
            self._cursor = 0

    def disconnected(self) -> None:
        """What was in flight goes again on the next connection."""
        for ids in self._rows.values():
            self._cursor = min(self._cursor, ids[0] - 1)
        self._rows.clear()
        for future in self._said.values():
            future.cancel()
        self._said.clear()

    def say(self, channel: str, payload: bytes) -> asyncio.Future[None]:
        """Publish something that is not spooled (birth, description, goodbye); done when the broker confirms it."""
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        mid = self._publish(channel, payload)
        if mid is None:
            confirmed.cancel()
        else:
            self._said[mid] = confirmed
        return confirmed

    def send(self) -> None:
        """Hand over as much as the window allows: what the centre misses first, then onwards from the cursor."""
        now = self._monotonic()
        if now < self._hold_until:
            return
        if self._resend_at is not None and now >= self._resend_at:
            self._begin_again(now)
        if self._missing and now >= self._missing_at:
            self._send_missing(now)
        while self.in_flight < MAX_IN_FLIGHT:
            rows = self._spool.after(self._cursor, _READ_AHEAD)
            if not rows or not self._send_rows(rows):
                return

    def _send_rows(self, rows: list[Row]) -> bool:
        """Send a run of rows and move the cursor; False when the window closed or the client refused."""
        for message in _messages(rows):
            if self.in_flight >= MAX_IN_FLIGHT or not self._send_message(message):
                return False
            self._cursor = max(self._cursor, message[-1].id)
        return True

    def _send_message(self, rows: list[Row]) -> bool:
        if rows[0].is_gap:
            self._spool.seal(rows[0].id)
        now = self._now()
        bodies = [payloads.sample(row.body, moment=row.at, now=now) for row in rows]
        mid = self._publish(rows[0].channel, payloads.batch(bodies))
        if mid is None:
            return False
        self._rows[mid] = [row.id for row in rows]
        if self._resend_at is None:
            self._resend_at = self._monotonic() + self._resend_wait
        return True

    def _begin_again(self, now: float) -> None:
        """No acknowledgement for too long: everything unacknowledged goes again, and the next wait is twice as long."""
        self._cursor = 0
        self._resend_wait = min(self._resend_wait * 2, RESEND_S[1])
        self._resend_at = now + self._resend_wait if self._spool.waiting() else None
        logger.info("%s: no acknowledgement from the centre, sending what waits again", self._devid)

    def _send_missing(self, now: float) -> None:
        under_way = {row_id for ids in self._rows.values() for row_id in ids}
        wanted = {row_id for row_id in self._missing if row_id <= self._cursor} - under_way
        for message in _messages(self._spool.having(sorted(wanted)[:_READ_AHEAD])):
            if self.in_flight >= MAX_IN_FLIGHT or not self._send_message(message):
                break
        self._missing_at = now + self._missing_wait
        self._missing_wait = min(self._missing_wait * 2, _MISSING_S[1])

    def confirmed(self, mid: int, code: ReasonCode) -> None:
        """The broker answered for one message. A failure, or nobody subscribed: it counts as not sent."""
        said = self._said.pop(mid, None)
        if said is not None:
            if not said.done():
                said.set_result(None)
            if code.is_failure:
                logger.warning("%s: the broker refuses a state or info message: %s", self._devid, code)
            return
        ids = self._rows.pop(mid, None)
        if ids is None:
            return
        if code.is_failure or code.value == NO_SUBSCRIBERS:
            self._cursor = min(self._cursor, ids[0] - 1)
            self._hold_until = self._monotonic() + self._resend_wait / 4
            # One warning for an outage, whatever number of messages and attempts it costs.
            level = logging.DEBUG if self._undelivered == str(code) else logging.WARNING
            logger.log(level, "%s: not delivered (%s); kept, sent again later", self._devid, code)
            self._undelivered = str(code)
        else:
            if self._undelivered:
                logger.info("%s: messages are delivered again", self._devid)
                self._undelivered = ""
            self.send()

    def acknowledged(self, payload: bytes) -> None:
        """`dn/ack`: delete what is stored, remember what is missing. A malformed one is logged and ignored."""
        try:
            boot, high, missing = read_acknowledgement(payload)
        except ValueError as error:
            logger.warning("%s: an acknowledgement cannot be read: %s", self._devid, error)
            return
        deleted, held = self._spool.acknowledge(boot, high, missing)
        if deleted:
            self._resend_wait = RESEND_S[0]
            self._resend_at = self._monotonic() + self._resend_wait if self._spool.waiting() else None
        if not held:
            self._missing_wait = _MISSING_S[0]
        elif not self._missing:
            self._missing_at = self._monotonic() + self._missing_wait
        self._missing = set(held)

    def hurry(self) -> None:
        """The centre listens again: what it has not acknowledged goes now rather than at the end of a long wait."""
        self._hold_until = 0.0
        self._resend_wait = RESEND_S[0]
        if self._resend_at is not None:
            self._resend_at = min(self._resend_at, self._monotonic() + self._resend_wait)


def read_acknowledgement(payload: bytes) -> tuple[str, int, list[int]]:
    """Boot, highest stored number, and the missing ones below it. Raises ValueError."""
    document = json.loads(payload)
    if not isinstance(document, dict):
        raise ValueError("it must be an object")
    boot, high, missing = document.get("boot"), document.get("hi"), document.get("miss")
    missing = [] if missing is None else missing
    if not isinstance(boot, str) or not isinstance(missing, list):
        raise ValueError("boot must be text, miss a list")
    if not all(type(number) is int for number in (high, *missing)):
        raise ValueError("hi and miss must be whole numbers")
    return boot, high, missing  # type: ignore[return-value]


def _messages(rows: list[Row]) -> list[list[Row]]:
    """Cut rows into messages: consecutive samples together, anything else alone."""
    cut: list[list[Row]] = []
    run: list[Row] = []
    for row in [*rows, None]:
        if row is not None and row.channel == "tele":
            run.append(row)
            continue
        if run:
            start = 0
            for part in payloads.batches([one.body for one in run]):
                cut.append(run[start : start + len(part)])
                start += len(part)
            run = []
        if row is not None:
            cut.append([row])
    return cut
