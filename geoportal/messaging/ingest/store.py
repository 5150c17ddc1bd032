"""One batch, one transaction: samples, events, states, judgements, dead letters and the notice to open pages."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
from django.conf import settings
from psycopg2 import sql
from psycopg2.extras import execute_values

from geoportal.messaging import kinds
from geoportal.messaging.ingest.acks import Key, Received
from geoportal.messaging.ingest.batch import BUCKET_S, Batch
from geoportal.messaging.ingest.presence import Presence, after
from geoportal.monitoring.judging import rejudge
from geoportal.sql import queries

SQL = queries("geoportal.messaging", "ingest")
COMMANDS = queries("geoportal.monitoring", "commands")
NOTIFY_BYTES = 7500
"""PostgreSQL takes less than 8000 bytes in one notice."""
_FIXED = ("device_id", "ts", "boot", "seq", "rx_at", "hist", "clock_bad")
_AHEAD_DAYS = 2
JUDGED_AT_ONCE = 500
"""Judging costs as much as storing: in a flood, a device waits for its judgement a few batches, its samples do not."""

REMEMBERED = 100_000
"""Boots whose acknowledgement is kept in memory, about 40 MB at most."""


def connect(name: str) -> Any:
    """A connection of our own to the product's database."""
    # Not through Django's connection: that would load GeoDjango and the libraries it finds, 70 MB.
    given: dict[str, Any] = settings.DATABASES["default"]
    keys = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    wanted = {key: given[term] for key, term in keys.items() if given.get(term)}
    connection = psycopg2.connect(**wanted, application_name=f"geoportal {name}", connect_timeout=5)
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()
    return connection


class Store:
    """Writes batches over one connection. What is acknowledged to devices is remembered here."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._days: set[tuple[str, date]] = set()
        self._received: dict[Key, Received] = {}
        self._unjudged: dict[int, None] = {}
        self.repeated = 0
        """So many samples of the last batch were stored before."""
        self._marked: tuple[int, set[int]] = (0, set())
        """The interval that is running, and the devices for which it is marked."""
        self._marking: set[int] = set()
        with connection.cursor() as cursor:
            cursor.execute(SQL["stage"])
            for kind in kinds.kinds():
                cursor.execute(
                    sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                        sql.Identifier(kind.staging), sql.Identifier(kind.table)
                    )
                )
        connection.commit()

    def write(self, batch: Batch, now: datetime) -> dict[Key, Received]:
        """Store a batch and commit. Returns the new acknowledgement of every boot it spoke of.

        Raises psycopg2.Error; then nothing of the batch is stored.
        """
        self._ensure_days(batch.days, now)
        try:
            with self._connection.cursor() as cursor:
                received, left = self._write(cursor, batch, now)
            self._connection.commit()
            self._marked[1].update(self._marking)
        except BaseException:
            self._days.clear()  # one of them may have been dropped meanwhile
            if not self._connection.closed:
                self._connection.rollback()
            raise
        if len(self._received) > REMEMBERED:
            self._received.clear()  # read again when they are asked for
        self._received.update(received)
        self._unjudged = left
        return received

    def judge_waiting(self, now: datetime) -> None:
        """Judge some of those that a flood of messages left over."""
        if self._unjudged:
            self.write(Batch(), now)

    def _write(self, cursor: Any, batch: Batch, now: datetime) -> tuple[dict[Key, Received], dict[int, None]]:
        self.repeated = self._write_samples(cursor, batch)
        self._mark(cursor, batch.buckets, now)
        if batch.events:
            _copy(cursor, "stage_event", batch.events)
            cursor.execute(SQL["store_events"])
        if batch.results:
            _write_results(cursor, batch)
        received = self._acknowledge(cursor, batch, now)
        spoken = dict.fromkeys([*batch.states, *self._unjudged, *batch.latest])
        judged = list(spoken)[:JUDGED_AT_ONCE]
        moved = _write_statuses(cursor, batch, judged)
        changed = rejudge(cursor, judged, now)
        left = dict.fromkeys(list(spoken)[JUDGED_AT_ONCE:])
        if batch.dead:
            execute_values(cursor, SQL["dead_letters"], [dead.row() for dead in batch.dead])
        for ids in notices({*changed, *moved}):
            cursor.execute(SQL["notify"], {"ids": ids})
        return received, left

    def _write_samples(self, cursor: Any, batch: Batch) -> int:
        """Returns how many of the samples were there before."""
        repeated = 0
        for code, lines in batch.samples.items():
            if not lines:
                continue
            kind = kinds.kind(code)
            columns = sql.SQL(", ").join(map(sql.Identifier, (*_FIXED, *kind.columns, "extra")))
            _copy(cursor, kind.staging, lines)
            cursor.execute(
                sql.SQL(SQL["store_samples"]).format(
                    table=sql.Identifier(kind.table), staging=sql.Identifier(kind.staging), columns=columns
                )
            )
            repeated += len(lines) - cursor.rowcount
        return repeated

    def _mark(self, cursor: Any, buckets: Iterable[tuple[int, int]], now: datetime) -> None:
        """Have the roll-ups of these intervals computed. The one that is running is marked once: it is taken when it
        is over and no transaction that began before its end is still open.
        """
        running = int(now.timestamp()) // BUCKET_S * BUCKET_S
        if self._marked[0] != running:
            self._marked = running, set()
        held, self._marking = self._marked[1], set()
        wanted = sorted(mark for mark in buckets if mark[1] != running or mark[0] not in held)
        if wanted:
            devices, starts = zip(*wanted, strict=True)
            cursor.execute(SQL["mark_dirty"], {"devices": list(devices), "buckets": list(starts)})
            self._marking = {device for device, start in wanted if start == running}

    def _acknowledge(self, cursor: Any, batch: Batch, now: datetime) -> dict[Key, Received]:
        wanted = {*batch.received, *(key for key, _, _ in batch.gaps)}
        self._remember(cursor, [key for key in wanted if key not in self._received])
        result: dict[Key, Received] = {}
        for key, numbers in batch.received.items():
            held = self._received.get(key)
            state = held.copy() if held else Received.beginning_at(min(numbers))
            for seq in numbers:
                state.add(seq)
            result[key] = state
        for key, first, last in batch.gaps:
            state = result.get(key) or (self._received.get(key) or Received.beginning_at(first)).copy()
            state.skip(first, last)
            result[key] = state
        if result:
            _copy(cursor, "stage_ack", _ack_lines(result, now))
            cursor.execute(SQL["store_acks"])
        return result

    def _remember(self, cursor: Any, keys: Sequence[Key]) -> None:
        """Read what was acknowledged before this process began."""
        if not keys:
            return
        cursor.execute(SQL["acks"], {"devices": [key[0] for key in keys], "boots": [key[1] for key in keys]})
        for device, boot, hi, miss in cursor.fetchall():
            self._received[device, boot] = Received(hi, frozenset(miss))

    def _ensure_days(self, wanted: Iterable[tuple[str, date]], now: datetime) -> None:
        """Make the partitions a batch needs, and those of the next days, in transactions of their own."""
        today = now.date()
        ahead = {(kind.code, today + timedelta(days=days)) for kind in kinds.kinds() for days in range(_AHEAD_DAYS + 1)}
        missing = ({*wanted} | ahead) - self._days
        if not missing:
            return
        with self._connection.cursor() as cursor:
            for code, day in sorted(missing):
                cursor.execute("SELECT telemetry_ensure_day(%s, %s)", (kinds.kind(code).table, day))
        self._connection.commit()
        self._days |= missing

    def beat(self, worker: str, shards: list[str], connected: bool, counters: str) -> None:
        """Say that this worker lives."""
        with self._connection.cursor() as cursor:
            values = {"worker": worker, "shards": shards, "connected": connected, "counters": counters}
            cursor.execute(SQL["heartbeat"], values)
        self._connection.commit()


def _write_results(cursor: Any, batch: Batch) -> None:
    """Move the commands on that devices spoke of."""
    parameters = {
        "commands": [str(command) for command, _, _, _ in batch.results],
        "devices": [device for _, device, _, _ in batch.results],
        "states": [result.st for _, _, result, _ in batch.results],
        "codes": [result.code for _, _, result, _ in batch.results],
        "outputs": [result.out for _, _, result, _ in batch.results],
        "ats": [at for _, _, _, at in batch.results],
    }
    cursor.execute(COMMANDS["store_results"], parameters)


def _write_statuses(cursor: Any, batch: Batch, judged: Sequence[int]) -> list[int]:
    """The last state of every device of the batch. Returns the ids whose presence changed.

    Locks the rows of `judged` with those it writes: whoever locks in two steps can meet another in a circle.
    """
    ids = sorted({*batch.latest, *batch.states, *judged})
    if not ids:
        return []
    cursor.execute(SQL["lock_statuses"], {"ids": ids, "spoke": list(batch.states)})
    before = {row[0]: Presence(*row[1:]) for row in cursor.fetchall()}
    spoken = {device: after(before[device], said) for device, said in batch.states.items() if device in before}
    new = {device: presence for device, presence in spoken.items() if presence != before[device]}
    if new:
        presences = new.values()
        cursor.execute(
            SQL["update_presences"],
            {
                "ids": list(new),
                "presences": [one.presence for one in presences],
                "boots": [one.boot for one in presences],
                "conns": [one.conn for one in presences],
                "ats": [one.at for one in presences],
                "whys": [one.why for one in presences],
            },
        )
    if batch.latest:
        _copy(cursor, "stage_status", _status_lines(batch))
        cursor.execute(SQL["update_statuses"])
    return [device for device, one in new.items() if one.presence != before[device].presence]


def _status_lines(batch: Batch) -> Iterator[str]:
    for device, latest in batch.latest.items():
        sample = latest.sample
        fields = (
            device,
            latest.seen_at,
            latest.sample_at,
            sample.seq if sample else None,
            sample.boot if sample else None,
            latest.clock_bad,
            _text(sample.metrics) if sample else None,
            _text(latest.info) if latest.info else None,
        )
        yield "\t".join(["\\N" if value is None else str(value) for value in fields]) + "\n"


def _text(json: bytes) -> str:
    # A JSON text of several lines is allowed, and a line break would end the row.
    return json.decode().replace("\\", "\\\\").replace("\t", " ").replace("\n", " ").replace("\r", " ")


def _ack_lines(received: dict[Key, Received], now: datetime) -> Iterator[str]:
    for (device, boot), state in received.items():
        miss = ",".join(map(str, sorted(state.miss)))
        yield f"{device}\t{boot}\t{state.hi}\t{{{miss}}}\t{now}\n"


def _copy(cursor: Any, table: str, lines: Iterable[str]) -> None:
    statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
    cursor.copy_expert(statement, io.BytesIO("".join(lines).encode()))


def notices(ids: Iterable[int]) -> Iterator[str]:
    """Ids joined by commas, cut into texts that fit a notice."""
    text = ""
    for number in sorted(ids):
        piece = f"{number}"
        if text and len(text) + len(piece) + 1 > NOTIFY_BYTES:
            yield text
            text = ""
        text = f"{text},{piece}" if text else piece
    if text:
        yield text


def utc_now() -> datetime:
    return datetime.now(UTC)
