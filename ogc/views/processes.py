"""Processes: what there is, and running one while the asker waits or as a job of the worker."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse

from geoportal.models import User
from layers.processes.jobs import submit
from layers.processes.model import Outcome, Process
from layers.processes.registry import process_named, run_process
from ogc import documents, pages, service_pages
from ogc import process_documents as made
from ogc.body import body_of
from ogc.door import HTML, JSON, Ask, door
from ogc.errors import InvalidParameter, OgcError
from ogc.views.asking import whole

JSON_ONLY = {"json": JSON}
WITH_PAGE = {"json": JSON, "html": HTML}
BODY_MAX = 2 * 2**20
EXCEPTION = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


def user_of(request: HttpRequest) -> User | None:
    """Who asks, or None for anyone."""
    return request.user if request.user.is_authenticated else None


def written(document: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(json.dumps(document, ensure_ascii=False), content_type=JSON, status=status)


@door(WITH_PAGE, params=frozenset({"limit"}))
def processes(ask: Ask) -> HttpResponse:
    """/ogc/processes"""
    limit = whole(ask, "limit", 100, 1, 1000)
    name = f"processes {limit}"
    body = documents.document(ask, name, lambda: made.process_list(ask, limit))
    return (
        pages.page(ask, "processes", json.loads(body))
        if ask.format == "html"
        else HttpResponse(body, content_type=JSON)
    )


@door(WITH_PAGE)
def process(ask: Ask, process_id: str) -> HttpResponse:
    """/ogc/processes/{id}"""
    found = process_named(process_id)
    body = documents.document(ask, f"process {process_id}", lambda: made.description(ask, found))
    if ask.format == "html":
        return service_pages.process(ask, json.loads(body))
    return HttpResponse(body, content_type=JSON)


@door(JSON_ONLY, methods="POST, OPTIONS", taken={"Accept-Post": frozenset({JSON})})
def execution(ask: Ask, process_id: str) -> HttpResponse:
    """/ogc/processes/{id}/execution"""
    found = process_named(process_id)
    request = execute_request(ask.request)
    if prefers_async(ask.request):
        job = submit(found, request, user_of(ask.request))
        response = written(made.status_info(ask, job), status=201)
        response["Location"] = f"{ask.base}/jobs/{job.pk}"
        response["Preference-Applied"] = "respond-async"
        return response
    anonymous = user_of(ask.request) is None
    outcome = run_process(found, request, ask.audience, anonymous=anonymous, in_background=False, meet=ask.reads)
    return results(found, request, outcome)


def execute_request(request: HttpRequest) -> dict[str, Any]:
    """The body of an execution, checked in form. Raises OgcError."""
    # Pages of other sites cannot send this type without being asked first, so a session cannot be used behind its back.
    media = request.content_type or ""
    if media != JSON:
        raise OgcError(415, "UnsupportedMediaType", f"Send the request as {JSON}, not {media[:60]!r}.")
    body = body_of(request, BODY_MAX, "A request")
    try:
        found = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidParameter(f"The body is not JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise InvalidParameter('The body is an object: {"inputs": {…}, "outputs": {…}, "response": "raw"}.')
    if found.get("subscriber"):
        raise InvalidParameter("subscriber: nobody is called back; ask the job for its state.")
    if found.get("response", "raw") not in ("raw", "document"):
        raise InvalidParameter("response: give raw or document.")
    return {name: found[name] for name in ("inputs", "outputs", "response") if name in found}


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


def prefers_async(request: HttpRequest) -> bool:
    """RFC 7240: whether the client would rather have a job."""
    wishes = [wish.split(";")[0].strip().lower() for wish in request.headers.get("Prefer", "").split(",")]
    return "respond-async" in wishes


def results(process: Process, request: dict[str, Any], outcome: Outcome) -> HttpResponse:
    """The outputs as the request wants them: raw, several as parts, or in one document (18-062r2, 7.11.4)."""
    if request.get("response", "raw") == "document":
        members = b",".join(json.dumps(name).encode() + b":" + body for name, body in outcome.items())
        return HttpResponse(b"{%s}" % members, content_type=JSON)
    if len(outcome) == 1:
        ((name, body),) = outcome.items()
        return HttpResponse(body, content_type=process.outputs[name].media_type)
    boundary = f"part-{secrets.token_hex(12)}"
    parts = [
        f"--{boundary}\r\nContent-Type: {process.outputs[name].media_type}\r\nContent-ID: <{name}>\r\n\r\n".encode()
        + body
        for name, body in outcome.items()
    ]
    whole_body = b"\r\n".join([*parts, f"--{boundary}--\r\n".encode()])
    return HttpResponse(whole_body, content_type=f'multipart/related; boundary="{boundary}"')
