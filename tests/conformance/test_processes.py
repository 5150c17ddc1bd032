"""OGC API Processes Part 1: core, process description, job list, dismiss, by the process `echo`."""

import json
from types import SimpleNamespace
from typing import Any

from django.test import Client

from layers.jobs.models import Job
from tests.conformance.abstract import abstract
from tests.conformance.conftest import Get, rels
from tests.ogc.test_processes import work

REL = "http://www.opengis.net/def/rel/ogc/1.0"
ERRORS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"


def execute(client: Client, body: dict[str, Any], prefer: str = "") -> Any:
    headers = {"Prefer": prefer} if prefer else {}
    content = json.dumps(body)
    return client.post("/ogc/processes/echo/execution", content, content_type="application/json", headers=headers)


@abstract("processes", "/conf/core/landingpage-op", "/conf/core/landingpage-success", "/conf/core/conformance-success")
def test_the_landing_page_leads_to_processes(get: Get) -> None:
    assert f"{REL}/processes" in rels(get("/")) and f"{REL}/job-list" in rels(get("/"))
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in get("/conformance")["conformsTo"]


@abstract(
    "processes", "/conf/core/process-list", "/conf/core/process-list-success", "/conf/core/pl-limit-definition",
    "/conf/core/pl-limit-response", "/conf/core/pl-links",
)  # fmt: skip
def test_processes_are_listed_up_to_the_limit(get: Get, parameter: Any) -> None:
    limit = parameter("/processes", "limit")
    assert limit["schema"]["minimum"] == 1 and not limit["required"]
    assert len(get("/processes", limit=2)["processes"]) == 2
    document = get("/processes")
    assert "self" in rels(document)
    for one in document["processes"]:
        assert {"id", "version", "jobControlOptions", "outputTransmission", "links"} <= set(one)


@abstract(
    "processes", "/conf/core/process", "/conf/core/process-success", "/conf/core/process-exception-no-such-process",
    "/conf/ogc-process-description/json-encoding", "/conf/ogc-process-description/inputs-def",
    "/conf/ogc-process-description/outputs-def",
)  # fmt: skip
def test_a_process_describes_inputs_and_outputs(get: Get) -> None:
    for listed in get("/processes")["processes"]:
        one = get(f"/processes/{listed['id']}")
        assert {key: one[key] for key in listed} == listed
        assert all(entry["schema"] for entry in [*one["inputs"].values(), *one["outputs"].values()])
    assert get("/processes/nessuno", 404)["type"] == f"{ERRORS}/no-such-process"


@abstract(
    "processes", "/conf/core/job-creation-op", "/conf/core/job-creation-request",
    "/conf/core/job-creation-default-execution-mode", "/conf/core/job-creation-sync-raw-value-one",
    "/conf/core/job-creation-sync-document", "/conf/core/job-creation-input-inline",
)  # fmt: skip
def test_without_a_preference_the_answer_is_the_result(client: Client, city: SimpleNamespace) -> None:
    raw = execute(client, {"inputs": {"message": "teststring"}, "outputs": {"message": {"transmissionMode": "value"}}})
    assert raw.status_code == 200 and raw.json() == "teststring"
    document = execute(client, {"inputs": {"message": "teststring"}, "response": "document"})
    assert document.status_code == 200 and document.json() == {"message": "teststring"}


@abstract(
    "processes", "/conf/core/job-creation-auto-execution-mode", "/conf/core/job-creation-success-async",
    "/conf/core/job", "/conf/core/job-success", "/conf/core/job-results", "/conf/core/job-results-success-sync",
    "/conf/core/job-results-exception-results-not-ready",
)  # fmt: skip
def test_respond_async_makes_a_job_with_results(client: Client, city: SimpleNamespace, get: Get) -> None:
    made = execute(client, {"inputs": {"message": "teststring"}, "response": "document"}, "respond-async")
    assert made.status_code == 201 and made["Preference-Applied"] == "respond-async"
    status = get(made["Location"])
    assert {"jobID", "status", "type"} <= set(status) and status["status"] == "accepted"
    assert get(f"{made['Location']}/results", 404)["type"] == f"{ERRORS}/result-not-ready"
    work(status["jobID"])
    done = get(made["Location"])
    assert done["status"] == "successful" and f"{REL}/results" in rels(done)
    assert get(f"{made['Location']}/results") == {"message": "teststring"}


@abstract(
    "processes", "/conf/core/job-exception-no-such-job", "/conf/core/job-results-exception-no-such-job",
    "/conf/core/job-results-failed",
)  # fmt: skip
def test_jobs_that_are_not_there_or_failed_say_so(get: Get, city: SimpleNamespace) -> None:
    nobody = "7f0e2b1c-0000-4000-8000-00000000dead"
    for rest in ("", "/results"):
        assert get(f"/jobs/{nobody}{rest}", 404)["type"] == f"{ERRORS}/no-such-job"
    asked = {"process": "echo", "request": {}, "anonymous": True}
    job = Job.objects.create(kind="process", parameters=asked, state=Job.State.FAILED, message="Non si può.")
    assert get(f"/jobs/{job.pk}")["status"] == "failed"
    assert "Non si può." in get(f"/jobs/{job.pk}/results", 500)["detail"]


@abstract("processes", "/conf/core/job-creation-exceptions", "/conf/core/job-creation-input-validation")
def test_wrong_requests_are_refused(client: Client, city: SimpleNamespace) -> None:
    inputs: list[dict[str, Any]] = [{}, {"message": ["a", "b"]}, {"altro": 1, "message": "a"}]
    bodies = [{}, *({"inputs": one} for one in inputs)]
    for body in bodies:
        answer = execute(client, body)
        assert answer.status_code == 400 and answer.json()["detail"], body


@abstract(
    "processes", "/conf/job-list/job-list-op", "/conf/job-list/job-list-success", "/conf/job-list/limit-definition"
)
def test_jobs_are_listed(get: Get, parameter: Any) -> None:
    document = get("/jobs")
    assert isinstance(document["jobs"], list) and "self" in rels(document)
    assert parameter("/jobs", "limit")["schema"]["type"] == "integer"


@abstract("processes", "/conf/dismiss/job-dismiss-op", "/conf/dismiss/job-dismiss-success")
def test_a_job_is_dismissed(client: Client, city: SimpleNamespace, get: Get) -> None:
    made = execute(client, {"inputs": {"message": "a"}}, "respond-async")
    gone = client.delete(made["Location"])
    assert gone.status_code == 200 and gone.json()["status"] == "dismissed"


@abstract("processes", "/conf/oas30/operation-ids")
def test_the_definition_has_the_operations_of_the_standard(get: Get) -> None:
    named = {one["operationId"]: path for path, item in get("/openapi")["paths"].items() for one in item.values()}
    for name in ("getProcesses", "getProcessDescription", "execute", "getJobs", "getStatus", "getResult", "dismiss"):
        assert name in named, name
    assert named["execute"] == "/processes/{processId}/execution"
