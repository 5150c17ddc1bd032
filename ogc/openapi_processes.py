"""The part of the OpenAPI document that tells of processes and jobs."""

from __future__ import annotations

from typing import Any

from layers.processes.model import Process
from layers.processes.registry import PROCESSES
from ogc.process_documents import STATES

_PROBLEM = {"$ref": "#/components/responses/Problem"}
PAGE = ("json", "html")
_UUID = {"type": "string", "format": "uuid"}


def paths(language: str) -> dict[str, Any]:
    """Every address of processes and jobs."""
    job = _parameter("jobId", "path", _UUID, "Identifier of a job.")
    limit = _parameter(
        "limit", "query", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "How many."
    )
    made: dict[str, Any] = {
        "/processes": {"get": _operation("getProcesses", "Processes", [limit], PAGE)},
        "/jobs": {"get": _operation("getJobs", "Jobs of the asker", [limit, *_list_parameters()], PAGE)},
        "/jobs/{jobId}": {
            "get": _operation("getStatus", "State of a job", [job], PAGE),
            "delete": _operation("dismiss", "Call a job off, or let go of its results", [job]),
        },
        "/jobs/{jobId}/results": {"get": _operation("getResult", "Results of a job", [job])},
    }
    # Named by the standard for any process; those below say more of each.
    some = _parameter("processId", "path", {"type": "string"}, "Identifier of a process.")
    made["/processes/{processId}"] = {"get": _operation("getProcessDescription", "One process", [some], PAGE)}
    made["/processes/{processId}/execution"] = {"post": _execute("execute", "Execute a process", None, [some])}
    for process in PROCESSES.values():
        name = "".join(part.title() for part in process.id.split("-"))
        title = process.title_en if language == "en" else process.title_it
        made[f"/processes/{process.id}"] = {"get": _operation(f"describe{name}Process", title, [], PAGE)}
        made[f"/processes/{process.id}/execution"] = {"post": _execute(f"execute{name}", title, process, [])}
    return made


def _parameter(name: str, place: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "in": place, "required": place == "path", "description": description}
    return made | {"schema": schema} | ({"style": "form", "explode": False} if place == "query" else {})


def _list_parameters() -> list[dict[str, Any]]:
    def words(known: list[str]) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string", "enum": known}}

    whole = {"type": "integer", "minimum": 0}
    return [
        _parameter("offset", "query", {**whole, "maximum": 1_000_000, "default": 0}, "How many to skip."),
        _parameter("type", "query", words(["process"]), "Kind of job."),
        _parameter("processID", "query", words(list(PROCESSES)), "Of these processes."),
        _parameter("status", "query", words(list(STATES.values())), "In these states."),
        _parameter("datetime", "query", {"type": "string"}, "Asked for at this instant or in this interval."),
        _parameter("minDuration", "query", {**whole, "maximum": 10**7}, "Seconds at least."),
        _parameter("maxDuration", "query", {**whole, "maximum": 10**7}, "Seconds at most."),
    ]


def _operation(
    name: str, summary: str, parameters: list[dict[str, Any]], forms: tuple[str, ...] = ("json",)
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}}}
    if "html" in forms:
        content["text/html"] = {"schema": {"type": "string"}}
    document = {"description": "The document.", "content": content}
    form = _parameter("f", "query", {"type": "string", "enum": list(forms)}, "Format; else by Accept.")
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["processes"],
        "parameters": [*parameters, form],
        "responses": {
            "200": document,
            **dict.fromkeys(("400", "404", "410", "500", "503"), _PROBLEM),
            **({"304": {"description": "The copy the client holds is still right."}} if name.startswith("get") else {}),
        },
    }


def _execute(operation: str, title: str, process: Process | None, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    """Execution of one process, or of any."""
    known = process.inputs if process else {}
    some = [process] if process else list(PROCESSES.values())
    made_of = {key: output for one in some for key, output in one.outputs.items()}
    inputs = {key: _openapi(one.schema) for key, one in known.items()}
    required = [key for key, one in known.items() if one.required]
    body = {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "object", "properties": inputs, **({"required": required} if required else {})},
            "outputs": {"type": "object", "properties": {key: {"type": "object"} for key in made_of}},
            "response": {"type": "string", "enum": ["raw", "document"], "default": "raw"},
        },
    }
    media = {one.media_type for one in made_of.values()} | {"application/json", "multipart/related"}
    made = _operation(operation, title, parameters)
    made["parameters"].append(
        {
            "name": "Prefer",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "respond-async",
        }
    )
    made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    made["responses"] |= {
        "200": {"description": "The results.", "content": {kind: {"schema": {}} for kind in sorted(media)}},
        "201": {"description": "A job was made.", "content": {"application/json": {"schema": {"type": "object"}}}},
        **dict.fromkeys(("413", "415"), _PROBLEM),
    }
    return made


def _openapi(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema in the dialect of OpenAPI 3.0, which knows no lists of types and no prefixItems."""
    made = {key: value for key, value in schema.items() if key != "prefixItems"}
    if isinstance(made.get("type"), list):
        made |= {"anyOf": [{"type": kind} for kind in made.pop("type")]}
    if isinstance(made.get("items"), dict):
        made["items"] = _openapi(made["items"])
    elif made.get("type") == "array":
        made["items"] = {}
    if isinstance(made.get("properties"), dict):
        made["properties"] = {key: _openapi(value) for key, value in made["properties"].items()}
    return made
