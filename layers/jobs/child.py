"""The process of one job: limits set, the kind's function called, its answer written."""

from __future__ import annotations

import json
import logging
import resource
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg2
from django.db import connection

from layers.importing.errors import ImportCancelled
from layers.jobs import services
from layers.jobs.models import Job
from layers.jobs.registry import JobCancelled, JobFailed, Kind, kinds
from layers.jobs.services import SQL

log = logging.getLogger(__name__)


class Context:
    """A `JobContext` that writes over a connection of its own: the job's transaction must not hide its progress."""

    def __init__(self, job: Job) -> None:
        params = connection.get_connection_params()
        params.pop("cursor_factory", None)
        self._link = psycopg2.connect(**{**params, "application_name": "geoportal job progress"})
        self._link.autocommit = True
        self._id, self._worker = str(job.pk), job.worker
        self.parameters: dict[str, Any] = job.parameters
        self.user_id = job.user_id
        self._said: tuple[int, str] | None = None

    def progress(self, percent: int, message: str = "") -> None:
        """Say how far the job is. Raises JobCancelled when it is to stop or is not ours any more."""
        said = (max(0, min(99, percent)), message[:500])
        if said == self._said:
            return
        self._said = said
        values = {"id": self._id, "worker": self._worker, "progress": said[0], "message": said[1]}
        with self._link.cursor() as cursor:
            cursor.execute(SQL["progress"], values)
            row = cursor.fetchone()
        if row is None or row[0]:
            raise JobCancelled("cancelled")

    def log(self, text: str) -> None:
        """Add a line to the job's log, with its time (UTC)."""
        line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n"
        with self._link.cursor() as cursor:
            cursor.execute(SQL["add_log"], {"id": self._id, "worker": self._worker, "text": line})


def run(id: UUID) -> None:
    """Do one claimed job and write what came of it."""
    job = Job.objects.get(pk=id, state=Job.State.RUNNING)
    kind = kinds()[job.kind]
    _limit(kind)
    context = Context(job)
    try:
        result = kind.handler(context)
        json.dumps(result)
    except (JobCancelled, ImportCancelled):
        services.finish(job.worker, job.pk, Job.State.CANCELLED, "Annullato.")
    except JobFailed as error:
        services.finish(job.worker, job.pk, Job.State.FAILED, str(error))
    except Exception as error:  # the outer edge of a job: whatever it was, the row must say so
        log.exception("Job %s (%s) failed", job.pk, job.kind)
        services.finish(job.worker, job.pk, Job.State.FAILED, f"Errore interno: {type(error).__name__}")
    else:
        services.finish(job.worker, job.pk, Job.State.DONE, result.pop("message", ""), result)


def _limit(kind: Kind) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, kind.seconds),
        (resource.RLIMIT_AS, kind.memory_bytes),
    ):
        _soft, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
