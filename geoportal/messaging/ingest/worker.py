"""The loop of one ingest worker: take a batch, store it, acknowledge it; between batches look after everything else."""

from __future__ import annotations

import itertools
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.errors

from geoportal.messaging import topics
from geoportal.messaging.ingest.acks import Key, Received
from geoportal.messaging.ingest.batch import Batch, interpret, only_dead
from geoportal.messaging.ingest.inbox import Inbox, Message
from geoportal.messaging.ingest.lease import Lease, LeaseLost
from geoportal.messaging.ingest.listener import Account, Listener
from geoportal.messaging.ingest.registry import Known, Registry
from geoportal.messaging.ingest.store import Store, connect, utc_now
from geoportal.messaging.ingest.tally import Tally

logger = logging.getLogger(__name__)

BATCH = 2000
WINDOW = 4000
"""Unacknowledged messages: one batch being stored and one being received."""
GATHER_S = 0.05
_TICK_S = 0.2
_BEAT_S = 1.0
_PROBE_S = 10.0
_PROBE_DEAD_S = 45.0
_ACK_EVERY_S = 1.0
_ACK_SHARE_S = 0.03
"""At most so long in one go for acknowledgements to devices: the oldest first, the others next time."""
_REFRESH_S = 1.0
_RETRY_S = (0.2, 5.0)
_POISON = (
    *(psycopg2.DataError, psycopg2.IntegrityError, psycopg2.NotSupportedError, psycopg2.ProgrammingError),
    *(psycopg2.errors.ProgramLimitExceeded, psycopg2.errors.StatementTooComplex),
)
"""What a message can cause; anything else the database says is its own trouble, and the batch is tried again."""


class IngestFailed(Exception):
    """The worker cannot go on in this process; the supervisor starts a new one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one worker does."""

    shards: Sequence[str]
    account: Account

    @property
    def name(self) -> str:
        return self.account.client_id


class Worker:
    """Runs until it is asked to stop. Raises IngestFailed when it cannot go on."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.inbox = Inbox()
        self.listener = Listener(plan.account, plan.shards, self.inbox, WINDOW)
        self.registry = Registry()
        self.tally = Tally()
        self._stop = threading.Event()
        self._lease: Lease | None = None
        self._connection: Any = None
        self._store: Store | None = None
        self._due: dict[Key, tuple[Known, Received]] = {}
        self._acked_at: dict[Key, float] = {}
        """Whom we told within the last second."""
        self._refreshed = 0.0
        self._times: dict[str, float] = {}

    def stop(self, *_: object) -> None:
        """Finish the batch in hand and end."""
        self._stop.set()
        self.inbox.wake()

    def run(self) -> None:
        # The network thread needs the interpreter often and briefly; with the usual 5 ms it waits most of its time.
        sys.setswitchinterval(0.0005)
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        self._open()
        if self._stop.is_set():
            return
        logger.info("%s listens to shards %s-%s", self.plan.name, self.plan.shards[0], self.plan.shards[-1])
        self.listener.start()
        try:
            while not self._stop.is_set():
                messages = self.inbox.take(BATCH, _TICK_S, GATHER_S)
                if messages:
                    self._process(messages)
                self._tick()
            self._flush_acks(all_of_them=True)
        finally:
            self.listener.stop()
            self._close()

    # The database.

    def _open(self) -> None:
        """Connect, and wait for the lease. Tries until it is there or we are asked to stop."""
        wait = _RETRY_S[0]
        waiting = False
        while not self._stop.is_set():
            try:
                if self._lease is None:
                    self._lease = Lease(connect(f"lease {self.plan.name}"), self.plan.shards)
                if self._lease.acquire():
                    self._connection = connect(self.plan.name)
                    self._store = Store(self._connection)
                    self._refresh()
                    return
                if not waiting:
                    logger.info("%s stands by: another worker holds its shards", self.plan.name)
                waiting, wait = True, 0.5
            except psycopg2.Error as error:
                logger.warning("the database does not answer, trying again: %s", str(error).strip())
                self._close()
                wait = min(wait * 2, _RETRY_S[1])
            self._stop.wait(wait)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lease is not None:
            self._lease.close()
        self._connection = self._store = self._lease = None

    def _reopen(self) -> None:
        """After the database was away. Whoever took our shards meanwhile keeps them."""
        self._close()
        wait = _RETRY_S[0]
        while not self._stop.is_set():
            try:
                self._lease = Lease(connect(f"lease {self.plan.name}"), self.plan.shards)
                if not self._lease.acquire():
                    raise IngestFailed("another worker took over while the database was away")
                self._connection = connect(self.plan.name)
                self._store = Store(self._connection)
                self._refresh()
                logger.info("the database answers again")
                return
            except psycopg2.Error as error:
                logger.warning("the database does not answer, trying again: %s", str(error).strip())
                self._close()
                self._stop.wait(wait)
                wait = min(wait * 2, _RETRY_S[1])

    def _refresh(self) -> None:
        self._refreshed = time.monotonic()
        self.registry.load(self._connection)

    def _lookup(self, devid: str) -> Known | None:
        known = self.registry.get(devid)
        if known is None and self._lease is not None:
            # Perhaps it was made a moment ago. A stranger who keeps talking costs one look a second.
            if self._lease.news() or time.monotonic() - self._refreshed > _REFRESH_S:
                self._refresh()
            known = self.registry.get(devid)
        return known

    # One batch.

    def _process(self, messages: list[Message]) -> None:
        """Store messages and acknowledge them; while the database is away, neither."""
        while True:
            try:
                if self._store is None:
                    self._reopen()
                if self._store is None:
                    return  # asked to stop: the broker keeps them
                self._store_all(messages)
                break
            except (psycopg2.Error, LeaseLost) as error:
                logger.warning("a batch of %d is tried again: %s", len(messages), str(error).strip())
                self._stop.wait(_RETRY_S[0])
                self._reopen()
        self.listener.acknowledge(messages)

    def _store_all(self, messages: list[Message]) -> None:
        """Store them in one transaction; when the database refuses a value, in halves, down to the culprit."""
        try:
            self._commit(interpret(messages, self._lookup), messages[0].rx)
        except _POISON as error:
            if len(messages) == 1:
                dead = only_dead(messages[0], "rejected_by_database", str(error).strip(), self._lookup)
                self._commit(dead, messages[0].rx)
                return
            middle = len(messages) // 2
            self._store_all(messages[:middle])
            self._store_all(messages[middle:])

    def _commit(self, batch: Batch, oldest: float) -> None:
        if self._store is None:
            raise LeaseLost("no connection")
        received = self._store.write(batch, utc_now())
        self.tally.note(batch, self._store.repeated, time.time() - oldest)
        for key, state in received.items():
            known = batch.devices.get(key[0])
            if known is not None:
                self._due[key] = (known, state)

    # Everything else.

    def _every(self, name: str, seconds: float) -> bool:
        now = time.monotonic()
        if now - self._times.get(name, 0.0) < seconds:
            return False
        self._times[name] = now
        return True

    def _tick(self) -> None:
        self._flush_acks()
        if self._every("beat", _BEAT_S):
            self._with_database(self._beat)
        if self._store is not None and not len(self.inbox):
            self._with_database(self._judge_waiting)
        if self._every("probe", _PROBE_S):
            self.listener.probe()
        self._supervise()

    def _beat(self) -> None:
        if self._lease is None or self._store is None:
            raise LeaseLost("no connection")
        self._lease.check()
        if self._lease.news():
            self._refresh()
        counters = self.tally.told(
            waiting=len(self.inbox),
            acks_waiting=len(self._due),
            probe_age_s=round(time.monotonic() - self.listener.probe_seen, 1),
            sessions_lost=self.listener.sessions_lost,
        )
        connected = self.listener.connected
        self._store.beat(self.plan.name, list(self.plan.shards), connected, json.dumps(counters))

    def _judge_waiting(self) -> None:
        if self._store is not None:
            self._store.judge_waiting(utc_now())

    def _with_database(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (psycopg2.Error, LeaseLost) as error:
            logger.warning("the database went away: %s", str(error).strip())
            self._reopen()

    def _supervise(self) -> None:
        """Raises IngestFailed for what only a new process can mend."""
        if self.inbox.overflowed and not len(self.inbox):
            logger.warning("more than the memory allows was waiting: connecting again")
            self.tally.counts["overflows"] += 1
            self.listener.reconnect()
        if not self.listener.alive:
            raise IngestFailed("the network thread died")
        silent = time.monotonic() - self.listener.probe_seen
        if self.listener.connected and silent > _PROBE_DEAD_S:
            raise IngestFailed(f"no message of our own has come back for {silent:.0f} s")

    def _flush_acks(self, all_of_them: bool = False) -> None:
        """Tell devices what is stored, each at most once a second, the longest waiting first."""
        if not self._due or not (all_of_them or self._every("acks", 0.1)):
            return
        now = time.monotonic()
        self._forget_acked(now)
        end = now + (5.0 if all_of_them else _ACK_SHARE_S)
        told: list[tuple[str, bytes]] = []
        for key in list(self._due):
            if time.monotonic() > end:
                break
            if not all_of_them and key in self._acked_at:
                continue
            known, state = self._due.pop(key)
            self._acked_at[key] = now
            told.append((topics.down(known.devid, "ack", known.shard), state.told(key[1])))
        self.listener.publish(*told)

    def _forget_acked(self, now: float) -> None:
        """Whoever was told a second ago may be told again: only the others are remembered, the oldest first."""
        old = itertools.takewhile(lambda one: now - one[1] >= _ACK_EVERY_S, self._acked_at.items())
        for key in [key for key, _ in old]:
            del self._acked_at[key]
