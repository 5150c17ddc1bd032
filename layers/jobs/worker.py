"""The worker's loop: hear of jobs, give each a process, watch it, and tidy up after workers that died.

A crash of a job is the end of its process, not of the worker. While it lives a worker holds an advisory lock with its
number; a running job whose lock is free belongs to nobody and is started again or failed, as its kind says.
"""

from __future__ import annotations

import logging
import secrets
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.extensions
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from layers.jobs import services
from layers.jobs.models import Job
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


@dataclass(slots=True)
class Running:
    """A job and its process."""

    job: Claimed
    process: subprocess.Popen[bytes]
    cancel_since: float | None = field(default=None)


class Worker:
    """One worker process."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._number = secrets.randbelow(2**31 - 1) + 1
        self.name = str(self._number)
        """What `Job.worker` holds: the number of this worker's advisory lock."""
        self._running: list[Running] = []
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
                    self._turn(self._link)
            except (DatabaseError, psycopg2.Error) as error:
                log.warning("The database is away, jobs wait: %s", str(error).strip())
                # Our lock went with the connection: others may take these jobs now.
                self._kill_all()
                connection.close()
                time.sleep(1.0)
        self._give_back()

    def _connect(self) -> psycopg2.extensions.connection:
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        link: psycopg2.extensions.connection = psycopg2.connect(**{**params, "application_name": "geoportal worker"})
        link.autocommit = True
        with link.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LOCK_CLASS, self._number])
            cursor.execute(f"LISTEN {CHANNEL}")
        return link

    def _turn(self, link: psycopg2.extensions.connection) -> None:
        """One round: listen a moment, look after what runs, take what waits."""
        now = time.monotonic()
        if now >= self._next_recovery:
            services.recover()
            self._next_recovery = now + _RECOVER_S
        if now >= self._next_plan:
            queue_planned()
            self._next_plan = now + _PLAN_S
        self._look_after()
        while len(self._running) < self._concurrency and not self._stopping:
            job = services.claim(self.name)
            if job is None:
                break
            self._start(job)
        wait = 0.1 if self._running else _LOOK_S
        if select.select([link], [], [], wait)[0]:
            link.poll()
            link.notifies.clear()
            self._next_heartbeat = 0.0

    def _start(self, job: Claimed) -> None:
        log.info("Job %s (%s) starts", job.id, job.kind)
        command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "worker", "--job", str(job.id)]
        # A session of its own: a Ctrl-C meant for the worker is passed on in order, not to both at once.
        process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
        self._running.append(Running(job, process))

    def _look_after(self) -> None:
        for running in list(self._running):
            if running.process.poll() is not None:
                self._running.remove(running)
                self._settle(running)
        now = time.monotonic()
        if self._running and now >= self._next_heartbeat:
            self._next_heartbeat = now + _HEARTBEAT_S
            ours = services.heartbeat(self.name, [running.job.id for running in self._running])
            for running in self._running:
                if ours.get(running.job.id, True) and running.cancel_since is None:
                    running.cancel_since = now
        for running in self._running:
            if running.cancel_since is not None and now - running.cancel_since > _GRACE_S:
                running.process.kill()
            elif running.cancel_since is not None and now - running.cancel_since > _GRACE_S / 4:
                running.process.terminate()

    def _settle(self, running: Running, *, in_order: bool = False) -> None:
        """A process ended: usually it has written its answer, otherwise this is the answer."""
        row = Job.objects.filter(pk=running.job.id, state=Job.State.RUNNING, worker=self.name).first()
        if row is None:
            return
        code = running.process.returncode
        if not in_order:
            log.error("The process of job %s ended with %s and no answer", running.job.id, _ended(code))
        services.interrupted(
            self.name, running.job, attempts=row.attempts, cancelled=row.cancel_requested, in_order=in_order
        )

    def _give_back(self) -> None:
        for running in self._running:
            running.process.terminate()
        end = time.monotonic() + _GRACE_S
        for running in self._running:
            try:
                running.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
            self._settle(running, in_order=True)
        self._running.clear()
        if self._link is not None:
            self._link.close()

    def _kill_all(self) -> None:
        for running in self._running:
            running.process.kill()
            running.process.wait()
        self._running.clear()


def _ended(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"code {code}"
