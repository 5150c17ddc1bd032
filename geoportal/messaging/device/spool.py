"""What a device said and the centre has not stored yet, on disk: SQLite in WAL mode, bounded.

A message gets its sequence number here, when it is written, so a number exists exactly if a row was committed.
Rows leave only when the centre says that it stored them, or when the spool is full: then the oldest go, and an
event tells the centre which numbers it must not wait for.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from geoportal.messaging.device import payloads

REMEMBERED_COMMANDS = 256
_DROP_SHARE = 20
"""A full spool loses 1/20 of its rows at a time, so that gaps are few and long."""
_ROW_OVERHEAD = 64
_MAX_MISSING = 900
"""SQLite takes 999 parameters in a statement on old systems."""
_ENVELOPE = 100
"""About what version, boot, number and time add to a body, in bytes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spool (
    id INTEGER PRIMARY KEY AUTOINCREMENT, boot TEXT NOT NULL, seq INTEGER NOT NULL, channel TEXT NOT NULL,
    at REAL NOT NULL, body BLOB NOT NULL, gap_last INTEGER, sealed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (boot, seq));
CREATE TABLE IF NOT EXISTS commands (
    id TEXT PRIMARY KEY, op TEXT NOT NULL, boot TEXT NOT NULL, state TEXT NOT NULL, result BLOB, n INTEGER NOT NULL);
"""


class SpoolError(Exception):
    """The spool cannot be opened or written; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One message that waits. `at` is seconds since the epoch, by the device's clock when it was written."""

    id: int
    boot: str
    seq: int
    channel: str
    at: float
    body: bytes
    is_gap: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """A command that was seen: where it stands, in which boot it was taken, and its last result."""

    id: str
    op: str
    boot: str
    state: str
    result: bytes | None


class Spool:
    """The spool of one device. One process at a time; not thread-safe."""

    def __init__(self, path: Path, *, max_bytes: int, kernel_boot: str) -> None:
        """Open or create. A new `kernel_boot` starts a new boot: a new uuid, and numbers from 1. Raises SpoolError."""
        self._max_bytes = max_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, isolation_level=None)
            path.chmod(0o600)
            # NORMAL: a power cut may lose the last rows but never tears the file; it also begins a new boot.
            # A process that is killed loses nothing.
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=256", "cache_size=-256"):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_SCHEMA)
            self._begin_boot(kernel_boot)
            (self._bytes,) = self._db.execute(
                "SELECT coalesce(sum(length(body)), 0) + ? * count(*) FROM spool", (_ROW_OVERHEAD,)
            ).fetchone()
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(f"the spool {path} cannot be used: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what waits stays."""
        self._db.close()

    # What the spool remembers about the device.

    @property
    def boot(self) -> str:
        """The uuid of this boot."""
        return self._boot

    @property
    def last_seq(self) -> int:
        """The newest number given in this boot; 0 before the first."""
        return self._seq

    def next_conn(self) -> int:
        """Count one more connection attempt; never goes back, not even over a reboot. Raises SpoolError."""
        try:
            conn = int(self.recall("conn", "0")) + 1
            self.remember("conn", str(conn))
        except sqlite3.Error as error:
            raise SpoolError(f"the spool does not take the connection counter: {error}") from error
        return conn

    def recall(self, key: str, default: str = "") -> str:
        """A remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else default

    def remember(self, key: str, value: str) -> None:
        """Keep a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _begin_boot(self, kernel_boot: str) -> None:
        if self.recall("kernel_boot") != kernel_boot:
            with self._transaction():
                self.remember("boot", str(uuid.uuid4()))
                self.remember("kernel_boot", kernel_boot)
                self.remember("seq", "0")
        self._boot = self.recall("boot")
        self._seq = int(self.recall("seq"))

    # Messages.

    def add(self, channel: str, body: Mapping[str, Any], *, at: float) -> Row:
        """Write one message: it gets this boot and the next number. Makes room first when the spool is full.

        Raises SpoolError when the disk does not take it; the number is then not used.
        """
        before = self._seq, self._bytes
        try:
            with self._transaction():
                size = len(payloads.encode(body)) + _ENVELOPE + _ROW_OVERHEAD
                if self._bytes + size > self._max_bytes:
                    self._make_room(size, at)
                return self._insert(channel, body, at)
        except sqlite3.Error as error:
            self._seq, self._bytes = before
            raise SpoolError(f"the spool does not take a message: {error}") from error

    def _insert(self, channel: str, body: Mapping[str, Any], at: float, gap_last: int | None = None) -> Row:
        seq = self._seq + 1
        envelope = {"v": payloads.VERSION, "boot": self._boot, "seq": seq, "ts": payloads.timestamp(at), **body}
        encoded = payloads.encode(envelope)
        cursor = self._db.execute(
            "INSERT INTO spool (boot, seq, channel, at, body, gap_last) VALUES (?, ?, ?, ?, ?, ?)",
            (self._boot, seq, channel, at, encoded, gap_last),
        )
        self.remember("seq", str(seq))
        self._seq = seq
        self._bytes += len(encoded) + _ROW_OVERHEAD
        return Row(int(cursor.lastrowid or 0), self._boot, seq, channel, at, encoded, gap_last is not None)

    def _make_room(self, size: int, at: float) -> None:
        """Drop the oldest messages and write or lengthen the event that tells of it. Gap events are not dropped."""
        oldest = self._db.execute(
            "SELECT id, boot, seq, length(body) FROM spool WHERE gap_last IS NULL ORDER BY id "
            "LIMIT max(1, (SELECT count(*) FROM spool) / ?)",
            (_DROP_SHARE,),
        ).fetchall()
        freed, dropped = 0, []
        for row in oldest:
            dropped.append(row)
            freed += row[3] + _ROW_OVERHEAD
        if not dropped:
            return
        self._db.execute("DELETE FROM spool WHERE gap_last IS NULL AND id <= ?", (dropped[-1][0],))
        self._bytes -= freed
        for boot in dict.fromkeys(row[1] for row in dropped):
            self._tell_gap(boot, [row[2] for row in dropped if row[1] == boot], at)
        if freed < size:
            self._make_room(size, at)

    def _tell_gap(self, boot: str, seqs: list[int], at: float) -> None:
        first, last, count = seqs[0], seqs[-1], len(seqs)
        known = self._db.execute(
            "SELECT id, body FROM spool WHERE gap_last < ? AND NOT sealed ORDER BY id DESC LIMIT 1", (first,)
        ).fetchone()
        if known is not None:
            event = json.loads(known[1])
            if event["d"]["boot"] == boot:
                event["d"] |= {"to": last, "n": event["d"]["n"] + count}
                body = payloads.encode(event)
                self._db.execute("UPDATE spool SET body = ?, gap_last = ? WHERE id = ?", (body, last, known[0]))
                self._bytes += len(body) - len(known[1])
                return
        gap = {"boot": boot, "from": first, "to": last, "n": count, "why": "spool_full"}
        self._insert("event", {"ev": "gap", "d": gap}, at, gap_last=last)

    def after(self, row_id: int, limit: int) -> list[Row]:
        """The oldest `limit` messages behind `row_id`."""
        return self._rows("id > ? ORDER BY id LIMIT ?", (row_id, limit))

    def having(self, ids: Iterable[int]) -> list[Row]:
        """Those of some messages that still wait."""
        wanted = sorted(ids)
        return self._rows(f"id IN ({','.join('?' * len(wanted))}) ORDER BY id", wanted)

    def _rows(self, condition: str, values: Iterable[int]) -> list[Row]:
        query = f"SELECT id, boot, seq, channel, at, body, gap_last IS NOT NULL FROM spool WHERE {condition}"  # noqa: S608
        return [
            Row(row_id, boot, seq, channel, at, body, bool(is_gap))
            for row_id, boot, seq, channel, at, body, is_gap in self._db.execute(query, tuple(values))
        ]

    def seal(self, row_id: int) -> None:
        """A gap event is about to be sent: from now on its text must not change."""
        self._db.execute("UPDATE spool SET sealed = 1 WHERE id = ? AND NOT sealed", (row_id,))

    def acknowledge(self, boot: str, high: int, missing: Iterable[int]) -> tuple[int, list[int]]:
        """Delete what the centre stored: up to `high` of `boot`, except `missing`.

        Returns how many were deleted, and the ids of the missing ones that are still here.
        """
        lacking = sorted(set(missing))
        if len(lacking) > _MAX_MISSING:  # what does not fit into one statement stays, and so does all behind it
            high = min(high, lacking[_MAX_MISSING] - 1)
            lacking = lacking[:_MAX_MISSING]
        marks = ",".join("?" * len(lacking))
        where = f"boot = ? AND seq <= ? AND seq NOT IN ({marks})"
        with self._transaction():
            count, size = self._db.execute(
                f"SELECT count(*), coalesce(sum(length(body)), 0) FROM spool WHERE {where}",  # noqa: S608
                (boot, high, *lacking),
            ).fetchone()
            if count:
                self._db.execute(f"DELETE FROM spool WHERE {where}", (boot, high, *lacking))  # noqa: S608
                self._bytes -= size + count * _ROW_OVERHEAD
        held = self._db.execute(
            f"SELECT id FROM spool WHERE boot = ? AND seq IN ({marks})",  # noqa: S608
            (boot, *lacking),
        ).fetchall()
        return count, [row[0] for row in held]

    def waiting(self) -> int:
        """How many messages wait."""
        (count,) = self._db.execute("SELECT count(*) FROM spool").fetchone()
        return int(count)

    @property
    def used_bytes(self) -> int:
        """Bytes held by what waits, as counted against the limit."""
        return int(self._bytes)

    # Commands.

    def command(self, command_id: str) -> Remembered | None:
        """A command by its id, when it is among the last REMEMBERED_COMMANDS."""
        row = self._db.execute(
            "SELECT id, op, boot, state, result FROM commands WHERE id = ?", (command_id,)
        ).fetchone()
        return Remembered(*row) if row else None

    def unfinished_commands(self) -> list[Remembered]:
        """Commands that were taken and have no final result: the agent ended in between."""
        rows = self._db.execute("SELECT id, op, boot, state, result FROM commands WHERE state = 'taken' ORDER BY n")
        return [Remembered(*row) for row in rows]

    def take_command(self, command_id: str, op: str) -> None:
        """Remember a command before it runs, so that it never runs twice."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO commands SELECT ?, ?, ?, 'taken', NULL, coalesce(max(n), 0) + 1 FROM commands",
                (command_id, op, self._boot),
            )
            self._db.execute(
                "DELETE FROM commands WHERE n <= (SELECT max(n) FROM commands) - ?", (REMEMBERED_COMMANDS,)
            )

    def finish_command(self, command_id: str, result: bytes) -> None:
        """Keep the final result, to repeat it when the same command arrives again."""
        self._db.execute("UPDATE commands SET state = 'finished', result = ? WHERE id = ?", (result, command_id))

    def _transaction(self) -> "_Transaction":
        return _Transaction(self._db)


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT, or ROLLBACK when the body raises. Inside another one, part of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._outer = db.in_transaction

    def __enter__(self) -> None:
        if not self._outer:
            self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_exc: object) -> None:
        if not self._outer:
            self._db.execute("COMMIT" if kind is None else "ROLLBACK")
