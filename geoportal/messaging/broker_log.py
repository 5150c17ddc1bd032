"""What Mosquitto says on its standard error, at its most talkative: whom it denied a topic is told nowhere else.

Mosquitto tells of a denied publication at its level of debugging only, next to four lines for every message that is in
order, and of a denied subscription by leaving out the line of a granted one. A sieve keeps what it says at its ordinary
level, and one line a second for each (client, action, topic) that was denied.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import msgspec

PUBLISH, SUBSCRIBE = "publish", "subscribe"
TALK = ("log_type debug", "log_type subscribe")
"""Lines of the broker's settings that make it say what a `Sieve` needs."""
MOST_A_SECOND = 20
"""Lines about denials; what a flood of different topics needs beyond them is one more, without client and topic."""
_STAMP = len("1795533812: ")
_EVERY_MESSAGE = tuple(b"%s %s" % (way, kind) for way in (b"Received", b"Sending") for kind in (b"PUB", b"PING"))
_CHATTER = (b"Received ", b"Sending ", b"\t", b"No will message", b"Will message specified")
_DENIED = re.compile(rb"Denied PUBLISH from (.+?) \(d\d, q\d, r\d, m\d+, '(.*)', \.\.\. \(\d+ bytes\)\)$")
_GRANTED = re.compile(rb"\S+ \d ")
_FILTER = re.compile(rb"\t(.*) \(QoS \d\)$")
_ASKS, _ANSWER = b"Received SUBSCRIBE from ", b"Sending SUBACK to "
_MARK = b"denied "
_LONGEST = 250_000
"""Bytes of a line, and denied filters of one subscription, that are held: above the broker's largest packet."""


@dataclass(frozen=True, slots=True)
class Denial:
    """How often a client was denied one action on one topic; "" for both: several, in a flood."""

    client: str
    action: str
    topic: str
    count: int = 1

    def line(self) -> bytes:
        """One line of the log. JSON: whatever stands in a topic, it stays one line."""
        values = [self.client, self.action, self.topic, self.count]
        return _MARK + json.dumps(values, ensure_ascii=False).encode() + b"\n"


def denials(text: bytes) -> Iterator[Denial]:
    """The denials among lines of the log. A line that a full disk cut short is passed over."""
    for line in text.split(b"\n"):
        if line.startswith(_MARK):
            with suppress(msgspec.DecodeError):
                yield Denial(*msgspec.json.decode(line[len(_MARK) :], type=tuple[str, str, str, int]))


class Sieve:
    """Takes the broker's words in pieces of any size and gives back what is worth keeping."""

    def __init__(self) -> None:
        self._rest = b""
        self._client = b""
        self._asked: list[bytes] = []
        self._denied: Counter[tuple[bytes, str, bytes]] = Counter()
        self._told_at = 0.0

    def sift(self, piece: bytes, now: float | None = None) -> list[bytes]:
        """The lines to keep of all that is complete; b"" to be asked only for what waits."""
        *lines, rest = (self._rest + piece).split(b"\n")
        self._rest = rest[-_LONGEST:]
        # Nearly all lines end here: this costs a fifth of a microsecond each.
        notable = [line for line in lines if not line.startswith(_EVERY_MESSAGE, _STAMP)]
        kept = [line + b"\n" for line in notable if self._is_kept(line[_STAMP:])]
        return kept + self._told(time.monotonic() if now is None else now)

    def _is_kept(self, said: bytes) -> bool:
        if found := _DENIED.match(said):
            self._denied[found[1], PUBLISH, found[2]] += 1
        elif said.startswith(_ASKS):
            self._client, self._asked = said[len(_ASKS) :], []
        elif found := _FILTER.match(said):
            if self._client:
                self._asked.append(found[1])
        elif said.startswith(_ANSWER):
            self._denied.update((self._client, SUBSCRIBE, asked) for asked in self._asked)
            self._client, self._asked = b"", []
        elif not _GRANTED.match(said) or not self._granted(said):
            return not said.startswith(_CHATTER)
        return False

    def _granted(self, said: bytes) -> bool:
        """Whether this is the line that follows a filter when it is granted: the client, the QoS, the filter."""
        if not said.startswith(self._client + b" ") or not self._client:
            return False
        if self._asked and said[len(self._client) + 3 :] == self._asked[-1]:
            self._asked.pop()
        return True

    def _told(self, now: float) -> list[bytes]:
        if not self._denied or now - self._told_at < 1.0:
            return []
        counts, self._denied, self._told_at = self._denied, Counter(), now
        found = [
            Denial(client.decode("utf-8", "replace"), action, topic.decode("utf-8", "replace"), count)
            for (client, action, topic), count in counts.most_common(MOST_A_SECOND)
        ]
        more = counts.total() - sum(one.count for one in found)
        return [one.line() for one in found + ([Denial("", PUBLISH, "", more)] if more else [])]
