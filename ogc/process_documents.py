"""Descriptions of processes and states of jobs, as OGC API Processes 1.0 (OGC 18-062r2) writes them."""

from __future__ import annotations

from typing import Any

from layers.jobs.models import Job
from layers.processes.model import Input, Output, Process
from layers.processes.registry import PROCESSES
from ogc.door import JSON, Ask

VERSION = "1.0.0"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
STATES = {
    Job.State.QUEUED: "accepted",
    Job.State.RUNNING: "running",
    Job.State.DONE: "successful",
    Job.State.FAILED: "failed",
    Job.State.CANCELLED: "dismissed",
}


def _link(rel: str, href: str, title: str = "") -> dict[str, str]:
    return {"rel": rel, "type": JSON, "href": href, **({"title": title} if title else {})}


def process_list(ask: Ask, limit: int) -> dict[str, Any]:
    """The processes, in summary."""
    here = f"{ask.base}/processes"
    shown = list(PROCESSES.values())[:limit]
    return {"processes": [summary(ask, one) for one in shown], "links": [_link("self", f"{here}?f=json")]}


def summary(ask: Ask, process: Process) -> dict[str, Any]:
    """A process without its inputs and outputs."""
    english = ask.language == "en"
    here = f"{ask.base}/processes/{process.id}"
    return {
        "id": process.id,
        "version": VERSION,
        "title": process.title_en if english else process.title_it,
        "description": process.description_en if english else process.description_it,
        "jobControlOptions": ["sync-execute", "async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [_link("self", f"{here}?f=json"), _link(f"{REL}/execute", f"{here}/execution", "Execution")],
    }


def description(ask: Ask, process: Process) -> dict[str, Any]:
    """A process with its inputs and outputs."""
    return summary(ask, process) | {
        "inputs": {name: _input(ask, one) for name, one in process.inputs.items()},
        "outputs": {name: _output(ask, one) for name, one in process.outputs.items()},
    }


def _input(ask: Ask, one: Input) -> dict[str, Any]:
    return {
        "title": one.title_en if ask.language == "en" else one.title_it,
        "schema": one.schema,
        "minOccurs": int(one.required),
        "maxOccurs": 1,
    }


def _output(ask: Ask, one: Output) -> dict[str, Any]:
    title = one.title_en if ask.language == "en" else one.title_it
    return {"title": title, "schema": {**one.schema, "contentMediaType": one.media_type}}


def status_info(ask: Ask, job: Job, *, state: str = "") -> dict[str, Any]:
    """The state of one job."""
    here = f"{ask.base}/jobs/{job.pk}"
    made: dict[str, Any] = {
        "jobID": str(job.pk),
        "processID": job.parameters["process"],
        "type": "process",
        "status": state or STATES[Job.State(job.state)],
        "progress": job.progress,
        "created": _time(job.created_at),
        "updated": _time(job.finished_at or job.heartbeat_at or job.created_at),
        "links": [_link("self", f"{here}?f=json")],
    }
    if job.message:
        made["message"] = job.message
    if job.started_at:
        made["started"] = _time(job.started_at)
    if job.finished_at:
        made["finished"] = _time(job.finished_at)
    if job.state == Job.State.DONE and not state:
        made["links"].append(_link(f"{REL}/results", f"{here}/results", "Results"))
    return made


def _time(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
