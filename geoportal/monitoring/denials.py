"""Counts whose publications and subscriptions the broker denied, from its log as the supervisor keeps it."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from geoportal.messaging.broker_log import Denial, denials

MOST_AN_HOUR = 500
"""Different (client, action, topic) kept apart within an hour; a flood of more is counted without its topics."""
_LONGEST_CLIENT, _LONGEST_TOPIC = 64, 200
_READ_BYTES = 1 << 20

type Counts = Counter[tuple[str, str, str]]


class Follower:
    """The lines that are added to a file, across its rotation: the open file is read to its end before the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._open(at_end=True)

    def _open(self, *, at_end: bool) -> None:
        with contextlib.suppress(OSError):
            file = self._path.open("rb")
            if at_end:
                file.seek(0, os.SEEK_END)
            self._file = file

    def lines(self) -> bytes:
        """What was added since the last call, whole lines only."""
        if self._file is None:
            self._open(at_end=False)
            if self._file is None:
                return b""
        added = self._file.read(_READ_BYTES)
        if not added and self._was_replaced(self._file):
            added = self._file.read(_READ_BYTES)  # what came before it was put aside
            self._file.close()
            self._file = None
        lines, end, rest = (self._rest + added).rpartition(b"\n")
        self._rest = rest
        return lines + end

    def _was_replaced(self, file: BinaryIO) -> bool:
        with contextlib.suppress(OSError):
            return os.fstat(file.fileno()).st_ino != self._path.stat().st_ino
        return False


class Denials:
    """Reads on, and gives counts by (client, action, topic) that the database takes."""

    def __init__(self, path: Path) -> None:
        self._follower = Follower(path)
        self._hour: datetime | None = None
        self._known: set[tuple[str, str, str]] = set()

    def take(self, hour: datetime) -> Counts:
        """What came since the last call, to be counted under this hour."""
        if hour != self._hour:
            self._hour, self._known = hour, set()
        counts: Counts = Counter()
        for denial in denials(self._follower.lines()):
            counts[self._key(denial)] += denial.count
        return counts

    def _key(self, denial: Denial) -> tuple[str, str, str]:
        # PostgreSQL takes no NUL; Mosquitto lets none through, a line of the log might have one all the same.
        client, topic = (text.replace("\0", "") for text in (denial.client, denial.topic))
        key = (client[:_LONGEST_CLIENT], denial.action, topic[:_LONGEST_TOPIC])
        if key in self._known or len(self._known) < MOST_AN_HOUR:
            self._known.add(key)
            return key
        return ("", denial.action, "")
