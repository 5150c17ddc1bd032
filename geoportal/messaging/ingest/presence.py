"""Whether a device is connected, from its births, wills and goodbyes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from geoportal.messaging.messages import State


@dataclass(frozen=True, slots=True)
class Presence:
    """What is known of a device's connection."""

    presence: str
    boot: str | None
    conn: int | None
    at: datetime | None = None
    why: str = ""


def after(known: Presence, messages: Sequence[tuple[State, datetime]]) -> Presence:
    """The presence after these messages, each with the time it came.

    A will or goodbye of an older connection, or of another boot, comes late and says nothing about the present one
    (the rule of Sparkplug's bdSeq). A repeated message does not move the time of the change.
    """
    for message, at in messages:
        same_boot = known.boot == message.boot
        older = same_boot and known.conn is not None and message.conn < known.conn
        other = known.boot is not None and not same_boot
        if older or (message.s != "online" and other):
            continue
        changed = known.presence != message.s
        known = Presence(message.s, message.boot, message.conn, at if changed else known.at, message.why)
    return known
