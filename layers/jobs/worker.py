"""The worker's loop: hear of jobs, have a process forked for each, watch it, and tidy up after workers that died.

A crash of a job is the end of its process, not of the worker. While it lives a worker holds an advisory lock with its
number; a running job whose lock is free belongs to nobody and is started again or failed, as its kind says.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import select
import signal
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg2
import psycopg2.extensions
from django.db import Error as DatabaseError
from django.db import connection

from layers.jobs import services
from layers.jobs.models import Job
from layers.jobs.nursery import Nursery, NurseryGone
from layers.jobs.registry import queue_planned
from layers.jobs.services import CHANNEL, LOCK_CLASS, Claimed

log = logging.getLogger(__name__)

_LOOK_S = 0.5
_HEARTBEAT_S = 2.0
_RECOVER_S = 5.0
_PLAN_S = 2.0
"""Between two looks at what is to be done at a time of its own."""
_GRACE_S = 8.0
"""Between asking a job's process to end and ending it."""
_PLACES_KEPT = 1
"""For jobs that somebody waits for, beside those that run already."""


@dataclass(slots=True)
class Running:
    """A job and its process."""

    job: Claimed
    cancel_since: float | None = field(default=None)


class Worker:
    """One worker process."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self.name = ""
        """What `Job.worker` holds: the number of this worker's advisory lock, another after each lost connection."""
        self._running: dict[UUID, Running] = {}
        self._nursery: Nursery | None = None
        self._stopping = False
        self._link: psycopg2.extensions.connection | None = None
        self._next_heartbeat = self._next_recovery = self._next_plan = 0.0

    def stop(self, *_signal: object) -> None:
        """Finish in order: take no more jobs, give back those under way."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`. A lost database is waited for."""
        while not self._stopping:
            try:
                self._link = self._connect()
                log.info("Worker %s is ready", self.name)
                while not self._stopping:
                    self._nursery = self._nursery or Nursery()
                    try:
                        self._turn(self._link, self._nursery)
                    except NurseryGone as error:
                        self._cut_off(error)
            except (DatabaseError, psycopg2.Error) as error:
                log.warning("The database is away, jobs wait: %s", str(error).strip())
                # Our lock went with the connection: others may take these jobs now.
                self._kill_all()
                connection.close()
                time.sleep(1.0)
        self._give_back()

    def _connect(self) -> psycopg2.extensions.connection:
        """Connect, and hold a new lock: what ran under the old one belongs to nobody now."""
        number = secrets.randbelow(2**31 - 1) + 1
        self.name = str(number)
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        link: psycopg2.extensions.connection = psycopg2.connect(**{**params, "application_name": "geoportal worker"})
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, number])
            cursor.execute(f"LISTEN {CHANNEL}")
        return link

    def _turn(self, link: psycopg2.extensions.connection, nursery: Nursery) -> None:
        """One round: listen a moment, look after what runs, take what waits."""
        now = time.monotonic()
        if now >= self._next_recovery:
            services.recover()
            self._next_recovery = now + _RECOVER_S
        if now >= self._next_plan:
            queue_planned()
            self._next_plan = now + _PLAN_S
        self._look_after(nursery)
        while (job := self._next()) is not None:
            log.info("Job %s (%s) starts", job.id, job.kind)
            self._running[job.id] = Running(job)
            nursery.start(job.id)
        places: list[Any] = [link, nursery]
        if link in select.select(places, [], [], _LOOK_S)[0]:
            link.poll()
            link.notifies.clear()
            self._next_heartbeat = 0.0

    def _next(self) -> Claimed | None:
        if self._stopping or len(self._running) >= self._concurrency + _PLACES_KEPT:
            return None
        return services.claim(self.name, awaited_only=len(self._running) >= self._concurrency)

    def _look_after(self, nursery: Nursery) -> None:
        for id, code in nursery.ended().items():
            if running := self._running.pop(id, None):
                self._settle(running.job, code)
        now = time.monotonic()
        if self._running and now >= self._next_heartbeat:
            self._next_heartbeat = now + _HEARTBEAT_S
            ours = services.heartbeat(self.name, list(self._running))
            for running in self._running.values():
                if ours.get(running.job.id, True) and running.cancel_since is None:
                    running.cancel_since = now
        for running in self._running.values():
            if running.cancel_since is not None and now - running.cancel_since > _GRACE_S:
                nursery.signal(running.job.id, signal.SIGKILL)
            elif running.cancel_since is not None and now - running.cancel_since > _GRACE_S / 4:
                nursery.signal(running.job.id, signal.SIGTERM)

    def _settle(self, job: Claimed, code: int, *, in_order: bool = False) -> None:
        """A process ended: usually it has written its answer, otherwise this is the answer."""
        row = Job.objects.filter(pk=job.id, state=Job.State.RUNNING, worker=self.name).first()
        if row is None:
            return
        if not in_order:
            log.error("The process of job %s ended with %s and no answer", job.id, _ended(code))
        services.interrupted(self.name, job, attempts=row.attempts, cancelled=row.cancel_requested, in_order=in_order)

    def _give_back(self) -> None:
        """Stop in order: what runs is asked to end, then ended, and goes back to the queue."""
        left = dict(self._running)
        if self._nursery is not None:
            with contextlib.suppress(NurseryGone):
                for id in left:
                    self._nursery.signal(id, signal.SIGTERM)
                end = time.monotonic() + _GRACE_S
                while left and (wait := end - time.monotonic()) > 0:
                    select.select([self._nursery], [], [], wait)
                    for id in self._nursery.ended():
                        left.pop(id, None)
            self._nursery.end()
        for running in self._running.values():
            self._settle(running.job, 0, in_order=True)
        self._running.clear()
        if self._link is not None:
            self._link.close()

    def _kill_all(self) -> None:
        if self._nursery is not None:
            self._nursery.end(at_once=True)
        self._nursery = None
        self._running.clear()

    def _cut_off(self, error: NurseryGone) -> None:
        """The process that jobs are forked from is gone, so they are too."""
        log.error("Jobs under way were cut off: %s", error)
        cut = [running.job for running in self._running.values()]
        self._kill_all()
        for job in cut:
            self._settle(job, -signal.SIGKILL)
        time.sleep(1.0)


def _ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"
