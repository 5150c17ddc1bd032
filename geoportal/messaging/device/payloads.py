"""What a device says, as JSON: birth, will, goodbye, samples and batches (docs/mqtt-contract.md)."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

VERSION = 1
MAX_BYTES = 60_000
"""The contract's limit is 64 KB a message; the rest is room for the envelope."""
MAX_BATCH = 50
HISTORY_AFTER_S = 300
"""A sample older than this at sending is back-fill: stored, never alarmed about."""


def encode(document: Mapping[str, Any]) -> bytes:
    """Compact UTF-8 JSON. Raises ValueError for NaN and infinities, which are not JSON."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def timestamp(moment: float) -> str:
    """Seconds since the epoch as UTC with milliseconds: 2026-11-22T08:30:00.120Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def birth(*, boot: str, conn: int, now: float, up_s: int, clock: str) -> bytes:
    """`up/state` after a connection: who is here, since when, and whether its clock can be trusted."""
    return encode({"s": "online", "boot": boot, "conn": conn, "ts": timestamp(now), "up": up_s, "clk": clock})


def will(*, boot: str, conn: int) -> bytes:
    """`up/state` that the broker publishes when the connection breaks; `conn` lets the centre ignore a late one."""
    return encode({"s": "lost", "boot": boot, "conn": conn})


def goodbye(*, boot: str, conn: int, why: str) -> bytes:
    """`up/state` before a regular disconnection."""
    return encode({"s": "offline", "boot": boot, "conn": conn, "why": why})


def sample(body: bytes, *, moment: float, now: float) -> bytes:
    """A stored sample as it goes out: marked as history when it is old by now."""
    if now - moment <= HISTORY_AFTER_S:
        return body
    return body[:-1] + b',"hist":true}'


def batches(samples: Sequence[bytes]) -> list[list[bytes]]:
    """Cut samples into messages of at most MAX_BATCH samples and MAX_BYTES bytes."""
    cut: list[list[bytes]] = []
    size = 0
    for one in samples:
        if not cut or len(cut[-1]) >= MAX_BATCH or size + len(one) > MAX_BYTES:
            cut.append([])
            size = 0
        cut[-1].append(one)
        size += len(one) + 1
    return cut


def batch(samples: Sequence[bytes]) -> bytes:
    """One `up/tele` message: a single sample as it is, several as {"batch": […]}."""
    return samples[0] if len(samples) == 1 else b'{"batch":[' + b",".join(samples) + b"]}"
