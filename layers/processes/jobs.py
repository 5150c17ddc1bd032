"""Processes as jobs: asked for, done by the worker with the asker's rights of that moment, kept for a week."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from geoportal.models import User
from layers.catalogue import LayerEntry
from layers.errors import LayersError
from layers.jobs.models import Job
from layers.jobs.registry import JobCancelled, JobContext, JobFailed, kind
from layers.jobs.services import enqueue
from layers.processes.asking import checked, outputs_asked
from layers.processes.model import Process
from layers.processes.registry import process_named, run_process
from layers.rights import audience_of
from layers.sources import gate

KIND = "process"
KEPT = timedelta(days=7)
WAITING_MAX = {True: 20, False: 50}
"""Jobs that may wait or run at once: of everyone anonymous together, of one person."""

PATIENCE = 20
"""How many times longer than a read of its source a job may take that reads another office's layer."""


class TooManyJobs(LayersError):
    """The queue is full for this asker."""


@kind(KIND, repeatable=True, max_attempts=2, seconds=600, memory_bytes=4 * 1024**3)
def process_job(job: JobContext) -> dict[str, Any]:
    """Run a process. Parameters: process, request. A right lost meanwhile is lost for the job too."""
    process = process_named(str(job.parameters.get("process", "")))
    user: User | AnonymousUser | None = AnonymousUser()
    if not job.parameters["anonymous"]:
        user = User.objects.filter(pk=job.user_id or 0, is_active=True).first()
    if user is None:
        raise JobFailed("L'utente che ha chiesto il lavoro non è più attivo.")
    job.progress(1)
    read: dict[str, None] = {}

    def met(layer: LayerEntry) -> None:
        gate.meet(layer)
        read[layer.slug] = None

    do = partial(run_process, process, job.parameters["request"], audience_of(user), in_background=True, meet=met)
    try:
        made = gate.run(partial(do, anonymous=not user.is_authenticated), patience=PATIENCE)
    except (JobFailed, JobCancelled):
        raise
    except LayersError as error:
        raise JobFailed(str(error)) from error
    return {"outputs": {name: json.loads(body) for name, body in made.items()}, "layers": list(read)}


def submit(process: Process, request: dict[str, Any], user: User | None) -> Job:
    """Queue a run after checking its inputs, and let go of jobs finished long ago. Raises BadQuery, TooManyJobs."""
    checked(process, request.get("inputs", {}))
    outputs_asked(process, request.get("outputs"))
    Job.objects.filter(kind=KIND, finished_at__lt=timezone.now() - KEPT).delete()
    busy = Job.objects.filter(kind=KIND, user=user, state__in=[Job.State.QUEUED, Job.State.RUNNING]).count()
    if busy >= WAITING_MAX[user is None]:
        raise TooManyJobs(f"{busy} jobs are waiting or running already; try again when some are finished.")
    return enqueue(KIND, {"process": process.id, "request": request, "anonymous": user is None}, user)


def jobs_of(user: User | None) -> QuerySet[Job]:
    """The jobs one person asked for; anonymous jobs are not listed to anyone."""
    if user is None:
        return Job.objects.none()
    return Job.objects.filter(kind=KIND, user=user).order_by("-created_at", "id")


def job_for(id: str, user: User | None) -> Job | None:
    """One job: of this person, or an anonymous one, whose random identifier is its key."""
    job = Job.objects.filter(kind=KIND, pk=id).first()
    if job is None or job.parameters.get("anonymous"):
        return job
    # The job of somebody who was deleted has no user, and is nobody's.
    return job if user is not None and job.user_id == user.pk else None
