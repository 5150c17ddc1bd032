"""Many devices in little memory, for load: a device is a number here, and a few connections speak for all of them.

Real are topics, births, boots, numbers, times and what is measured: samples of the model's own sites, taken in turn.
What a real client does for one device is left out: no spool, no acknowledgement, no order. The MQTT 3.1.1 packets are
written by hand: paho needs a hundred microseconds a message, and the load must not be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from geoportal.simulator.metrics import Site, sample
from geoportal.simulator.scenarios import FINE

WINDOW = 4000
"""Messages of one connection that the broker has not confirmed; at more, the load waits for the broker."""
BIRTH_ROUNDS = 10
"""Births are spread over so many rounds of samples: a whole city does not connect within one."""
_TICK_S = 0.01
_KEEPALIVE_S = 60
_RENEW_S = 30.0
_MOST_AT_ONCE = 2000
"""Then the loop looks after confirmations, however late it is."""


class Refused(Exception):
    """The broker does not take the account; the text says with which code."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the broker is, and the account that may speak for all."""

    host: str
    port: int
    user: str
    password: str


@dataclass(slots=True)
class Tally:
    """What was done so far."""

    sent: int = 0
    confirmed: int = 0
    late_s: float = 0.0
    """How far the sending is behind its plan: more than a second says that this machine, or the broker, is too slow."""


class Line:
    """One connection. Confirmations are counted by their bytes: each is four long, in the order of sending."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tally: Tally) -> None:
        self._reader, self._writer, self._tally = reader, writer, tally
        self._mid = 0
        self._open = 0
        self._counting = asyncio.create_task(self._count())

    @classmethod
    async def connect(cls, account: Account, client_id: str, tally: Tally) -> Line:
        """Raises OSError and Refused."""
        reader, writer = await asyncio.open_connection(account.host, account.port)
        hello = _text("MQTT") + bytes([4, 0b1100_0010]) + _KEEPALIVE_S.to_bytes(2)
        writer.write(_packet(0x10, hello + _text(client_id) + _text(account.user) + _text(account.password)))
        answer = await reader.readexactly(4)
        if answer[3]:
            raise Refused(f"the broker refuses {account.user!r} with code {answer[3]}")
        return cls(reader, writer, tally)

    async def publish(self, topic: bytes, payload: bytes) -> None:
        """QoS 1. Waits while too much is unconfirmed. Raises ConnectionError when the broker ended the connection."""
        while self._open >= WINDOW:
            if self._counting.done():
                raise ConnectionError("the broker ended the connection")
            await asyncio.sleep(_TICK_S)
        self._mid = self._mid % 65_000 + 1
        self._writer.write(_packet(0x32, topic + self._mid.to_bytes(2) + payload))
        self._open += 1
        self._tally.sent += 1

    async def close(self, patience_s: float) -> None:
        """Wait for the confirmations that are due, then say goodbye."""
        end = time.monotonic() + patience_s
        while self._open and not self._counting.done() and time.monotonic() < end:
            await asyncio.sleep(_TICK_S)
        self._counting.cancel()
        self._writer.write(b"\xe0\x00")
        self._writer.close()

    async def _count(self) -> None:
        rest = 0
        while data := await self._reader.read(65_536):
            packets, rest = divmod(rest + len(data), 4)
            self._open -= packets
            self._tally.confirmed += packets


@dataclass
class Load:
    """Devices that each send a sample every `every_s` seconds, evenly spread. `topics` begin with the shard's part."""

    devids: Sequence[tuple[str, str]]
    """(shard, devid)"""
    every_s: float
    run: str
    """Eight hexadecimal digits that begin every boot of this run."""
    sites: Sequence[Site]
    seed: int = 1
    root: str = "cremona/v1"
    tally: Tally = field(default_factory=Tally)
    _bank: list[bytes] = field(default_factory=list)
    _renewed: float = -_RENEW_S
    _samples: int = 0

    @property
    def samples(self) -> int:
        """How many samples were sent; births are counted in the tally only."""
        return self._samples

    def boot(self, number: int) -> str:
        """The boot of a device: a valid uuid without anything to remember."""
        return f"{self.run}-0000-4000-8000-{number:012x}"

    async def send(self, account: Account, seconds: float, connections: int = 4) -> Tally:
        """Send for so long. Raises OSError, ConnectionError and Refused."""
        lines = [await Line.connect(account, f"light-{self.run}-{one}", self.tally) for one in range(connections)]
        began = time.monotonic()
        position = 0
        try:
            while (elapsed := time.monotonic() - began) < seconds:
                self._renew(elapsed)
                due = int(elapsed * len(self.devids) / self.every_s) + 1
                self.tally.late_s = max(0.0, (due - position) * self.every_s / len(self.devids) - 2 * _TICK_S)
                stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
                end = min(due, position + _MOST_AT_ONCE)
                while position < end:
                    await self._speak(lines[position % connections], position, stamp)
                    position += 1
                await asyncio.sleep(_TICK_S)
        finally:
            for line in lines:
                await line.close(10.0)
        return self.tally

    async def _speak(self, line: Line, position: int, stamp: str) -> None:
        turn, number = divmod(position, len(self.devids))
        shard, devid = self.devids[number]
        begin, boot = f"{self.root}/{shard}/{devid}/up/", self.boot(number)
        if turn == number % BIRTH_ROUNDS:
            birth = f'{{"s":"online","boot":"{boot}","conn":1,"ts":"{stamp}","up":1,"clk":"ntp"}}'
            await line.publish(_text(f"{begin}state"), birth.encode())
        head = f'{{"v":1,"boot":"{boot}","seq":{turn + 1},"ts":"{stamp}","int":{round(self.every_s)},"m":'
        await line.publish(_text(f"{begin}tele"), head.encode() + self._bank[position % len(self._bank)] + b"}")
        self._samples += 1

    def _renew(self, elapsed: float) -> None:
        """What the model's sites measure now."""
        if elapsed - self._renewed >= _RENEW_S:
            self._renewed = elapsed
            self._bank = [_measured(site, time.time(), self.seed) for site in self.sites]


def _measured(site: Site, at: float, seed: int) -> bytes:
    found: dict[str, Any] = sample(site, at, seed=seed, up_s=3600.0, effect=FINE)
    return json.dumps(found, separators=(",", ":")).encode()


def _text(value: str) -> bytes:
    raw = value.encode()
    return len(raw).to_bytes(2) + raw


def _packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | 0x80 if rest else digit])
        if not rest:
            return bytes([kind]) + length + body
