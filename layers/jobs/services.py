"""Every write to the job table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geoportal.models import User
from geoportal.sql import queries
from layers.jobs.models import Job
from layers.jobs.registry import JobFailed, Turn, kinds

SQL = queries("layers.jobs", "jobs")
CHANNEL = "jobs"
LOCK_CLASS = 26100
"""First half of the advisory lock a worker holds while it lives; the second is the worker's number."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job this worker has."""

    id: UUID
    kind: str


def enqueue(kind: str, parameters: dict[str, Any], user: User | None = None) -> Job:
    """Ask for a piece of work; workers hear of it at commit. Raises JobFailed for an unknown kind."""
    if kind not in kinds():
        raise JobFailed(f"There is no kind of job {kind!r}; there are {', '.join(sorted(kinds()))}.")
    with transaction.atomic(), connection.cursor() as cursor:
        job = Job.objects.create(kind=kind, parameters=parameters, user=user)
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return job


def cancel(job: Job) -> None:
    """Call a job off: at once while it waits, as soon as it notices while it runs."""
    with transaction.atomic(), connection.cursor() as cursor:
        waiting = Job.objects.filter(pk=job.pk, state=Job.State.QUEUED)
        if not waiting.update(state=Job.State.CANCELLED, finished_at=timezone.now(), message=_("Annullato in coda.")):
            Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_requested=True)
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    job.refresh_from_db()


def claim(worker: str, *, awaited_only: bool = False) -> Claimed | None:
    """Take the next queued job, so that no other worker has it."""
    found = [kind for kind in kinds().values() if kind.turn is Turn.AWAITED or not awaited_only]
    values: dict[str, list[str] | list[int] | str] = {
        "kinds": [kind.name for kind in found],
        "turns": [int(kind.turn) for kind in found],
        "worker": worker,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL["claim"], values)
        row = cursor.fetchone()
    return Claimed(row[0], row[1]) if row else None


def heartbeat(worker: str, ids: list[UUID]) -> dict[UUID, bool]:
    """Say that jobs are being worked on; which are still this worker's, and whether they are to stop."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["heartbeat"], {"ids": [str(one) for one in ids], "worker": worker})
        return dict(cursor.fetchall())


def finish(worker: str, id: UUID, state: Job.State, message: str, result: dict[str, Any] | None = None) -> bool:
    """Close a running job; False when it is not this worker's any more."""
    values = {
        "id": str(id),
        "worker": worker,
        "state": state.value,
        "message": message[:500],
        "result": json.dumps(result or {}),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL["finish"], values)
        return cursor.fetchone() is not None


def requeue(worker: str, id: UUID, message: str, *, given_back: bool) -> None:
    """Put a running job back in the queue."""
    values: dict[str, str | bool] = {"id": str(id), "worker": worker, "message": message, "given_back": given_back}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["requeue"], values)
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def interrupted(worker: str, job: Claimed, *, attempts: int, cancelled: bool, in_order: bool) -> None:
    """What becomes of a job whose process ended without an answer: again, failed, or cancelled."""
    kind = kinds().get(job.kind)
    if cancelled:
        finish(worker, job.id, Job.State.CANCELLED, _("Annullato."))
    elif kind and kind.repeatable and (in_order or attempts < kind.max_attempts):
        requeue(worker, job.id, _("Interrotto, in coda di nuovo."), given_back=in_order)
    else:
        finish(worker, job.id, Job.State.FAILED, _("Interrotto: il processo che lo eseguiva è finito."))


def recover() -> int:
    """Settle the jobs of workers that are gone. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["orphans"], {"lock_class": LOCK_CLASS})
        rows = cursor.fetchall()
        for id, kind, worker, attempts, cancelled in rows:
            interrupted(worker, Claimed(id, kind), attempts=attempts, cancelled=cancelled, in_order=False)
    return len(rows)
