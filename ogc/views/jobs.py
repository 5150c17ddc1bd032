"""Jobs of processes: listed to who asked for them, followed, fetched and called off."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.filters import parse_datetime
from layers.jobs.models import Job
from layers.jobs.services import cancel
from layers.processes.jobs import job_for, jobs_of
from layers.processes.registry import PROCESSES, process_named
from ogc import process_documents as made
from ogc.door import JSON, Ask, door
from ogc.errors import InvalidParameter, OgcError
from ogc.listings import FORMS, answered
from ogc.views.asking import whole
from ogc.views.processes import EXCEPTION, JSON_ONLY, results, user_of, written

LIST_PARAMS = frozenset({"type", "processID", "status", "datetime", "minDuration", "maxDuration", "limit", "offset"})
_STATE_OF = {name: state for state, name in made.STATES.items()}


@door(FORMS, params=LIST_PARAMS)
def jobs(ask: Ask) -> HttpResponse:
    """/ogc/jobs"""
    limit, offset = whole(ask, "limit", 100, 1, 1000), whole(ask, "offset", 0, 0, 1_000_000)
    rows = list(_chosen(ask, jobs_of(user_of(ask.request)))[offset : offset + limit + 1])
    here = f"{ask.base}/jobs"
    links = [{"rel": "self", "type": JSON, "href": f"{here}?{urlencode(ask.request.GET.dict())}".rstrip("?")}]
    if len(rows) > limit:
        after = {**ask.request.GET.dict(), "offset": str(offset + limit)}
        links.append({"rel": "next", "type": JSON, "href": f"{here}?{urlencode(after)}"})
    document = {"jobs": [made.status_info(ask, job) for job in rows[:limit]], "links": links}
    return answered(ask, document, _("Lavori"))


def _chosen(ask: Ask, rows: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs that meet the parameters of the list (18-062r2, 11.2). Raises InvalidParameter, BadQuery."""
    if _words(ask, "type", ["process"]) == []:
        return rows.none()
    if "processID" in ask.request.GET:
        rows = rows.filter(parameters__process__in=_words(ask, "processID", PROCESSES))
    if "status" in ask.request.GET:
        rows = rows.filter(state__in=[_STATE_OF[name] for name in _words(ask, "status", _STATE_OF)])
    if "datetime" in ask.request.GET:
        start, end = parse_datetime(ask.param("datetime"))
        rows = rows.filter(created_at__gte=_moment(start, time.min)) if start else rows
        rows = rows.filter(created_at__lte=_moment(end, time.max)) if end else rows
    rows = rows.annotate(lasted=F("finished_at") - F("started_at"))
    if "minDuration" in ask.request.GET:
        rows = rows.filter(lasted__gte=_seconds(ask, "minDuration"))
    if "maxDuration" in ask.request.GET:
        rows = rows.filter(lasted__lte=_seconds(ask, "maxDuration"))
    return rows


def _moment(day: date, of_day: time) -> datetime:
    """An instant; the start or the end of a day that is given without time."""
    return day if isinstance(day, datetime) else datetime.combine(day, of_day, UTC)


def _words(ask: Ask, name: str, known: Any) -> list[str]:
    words = [word.strip() for word in ask.param(name, ",".join(known)).split(",")]
    wrong = [word for word in words if word not in known]
    if wrong:
        raise InvalidParameter(f"{name}={wrong[0][:60]!r}: use one of {', '.join(known)}.")
    return words


def _seconds(ask: Ask, name: str) -> timedelta:
    return timedelta(seconds=whole(ask, name, 0, 0, 10**7))


@door(FORMS, methods="GET, HEAD, DELETE, OPTIONS")
def job(ask: Ask, job_id: str) -> HttpResponse:
    """/ogc/jobs/{id}"""
    found = _job(ask, job_id)
    if ask.request.method == "DELETE":
        return _dismiss(ask, found)
    return answered(ask, made.status_info(ask, found), _("Lavoro"))


@door(JSON_ONLY)
def job_results(ask: Ask, job_id: str) -> HttpResponse:
    """/ogc/jobs/{id}/results"""
    found = _job(ask, job_id)
    if found.state == Job.State.FAILED:
        raise OgcError(500, "JobFailed", found.message or "The job failed.", f"{EXCEPTION}/job-failed")
    if found.state == Job.State.CANCELLED:
        raise OgcError(410, "JobDismissed", "The job was dismissed; it has no results.", f"{EXCEPTION}/no-such-job")
    if found.state != Job.State.DONE:
        text = f"The job is not finished ({made.STATES[Job.State(found.state)]}); ask its state again later."
        raise OgcError(404, "ResultNotReady", text, f"{EXCEPTION}/result-not-ready")
    outcome = {
        name: json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        for name, value in found.result["outputs"].items()
    }
    for slug in found.result.get("layers", ()):
        ask.layer(slug)  # a right lost since the job was done is lost for its results too
    return results(process_named(found.parameters["process"]), found.parameters["request"], outcome)


def _job(ask: Ask, job_id: str) -> Job:
    """A job this asker may see. Raises OgcError: the same for one that is not there and another's."""
    try:
        found = job_for(str(UUID(job_id)), user_of(ask.request))
    except ValueError:
        found = None
    if found is None:
        text = f"There is no job {job_id[:80]!r}, or it is another's."
        raise OgcError(404, "NoSuchJob", text, f"{EXCEPTION}/no-such-job")
    return found


def _dismiss(ask: Ask, found: Job) -> HttpResponse:
    """Call off a job that is not over; let go of one that is, with its results."""
    if found.state == Job.State.CANCELLED:
        raise OgcError(410, "JobDismissed", "The job was dismissed before.", f"{EXCEPTION}/no-such-job")
    if found.is_over:
        answer = written(made.status_info(ask, found, state="dismissed"))
        found.delete()
        return answer
    cancel(found)
    return written(made.status_info(ask, found, state="dismissed"))
