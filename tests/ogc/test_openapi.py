"""OpenAPI 3.0 classes of Common, Features and Tiles: self-contained, complete, and true of what the services do."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from layers.jobs.models import Job
from ogc import urls

JOB = "7f0e2b1c-0000-4000-8000-000000000001"
ABSENT = ("/coverage", "/locations", "/position", "/area")
"""Neither rasters nor devices are in this city."""
PLACES = {
    "jobId": JOB,
    "recordId": "edifici",
    "featureId": "1",
    "tileMatrix": "3",
    "tileRow": "2",
    "tileCol": "4",
    "styleId": "default",
    "wmtsLayer": "edifici",
    "wmtsStyle": "default",
    "tileMatrixSet": "WebMercatorQuad",
    "extension": "png",
    "processId": "echo",
}

SAMPLES = {
    "limit": "3", "offset": "5", "bbox": "9,44,11,46", "datetime": "2020-01-01/..", "properties": "@",
    "skipGeometry": "true", "sortby": "@", "q": "via", "filter": "TRUE", "filter-lang": "cql2-text", "v": "1",
    "bgcolor": "0xffffff",
}  # fmt: skip


@pytest.fixture
def document(client: Client, city: SimpleNamespace, blank_pictures: None) -> dict[str, Any]:
    asked = {"process": "echo", "request": {}, "anonymous": True}
    Job.objects.create(id=JOB, kind="process", parameters=asked, state="done", result={"outputs": {"message": "a"}})
    response = client.get("/ogc/openapi")
    assert response["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    found: dict[str, Any] = json.loads(response.content)
    return found


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """What a local reference points to."""
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)


def every_reference(node: Any) -> set[str]:
    if isinstance(node, dict):
        return {node["$ref"]} if "$ref" in node else set().union(*map(every_reference, node.values()), set())
    return set().union(*map(every_reference, node), set()) if isinstance(node, list) else set()


def test_it_is_self_contained(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.0")
    references = every_reference(document)
    assert references and all(reference.startswith("#/components/") for reference in references)
    for reference in references:
        assert resolved(document, {"$ref": reference})
    operations = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(operations) == len(set(operations))


def test_every_path_answers_with_a_declared_media_type(document: dict[str, Any], client: Client) -> None:
    for path, item in document["paths"].items():
        if "get" not in item:
            continue
        address = placed(path)
        response = client.get(address, required(item["get"]["parameters"]))
        assert response.status_code == 200, address
        answer = resolved(document, item["get"]["responses"]["200"])
        declared = {media.split(";")[0] for media in answer["content"]}
        assert response["Content-Type"].split(";")[0] in declared, address


def test_every_declared_parameter_is_taken_and_any_other_refused(document: dict[str, Any], client: Client) -> None:
    for path, item in document["paths"].items():
        if "get" not in item:
            continue
        address = placed(path)
        needed = required(item["get"]["parameters"])
        for parameter in (resolved(document, one) for one in item["get"]["parameters"]):
            if parameter["in"] != "query":
                continue
            value = sample(parameter).replace("@", "via" if "civici" in path else "uso")
            if needed and (parameter["name"] in needed or "enum" not in parameter["schema"]):
                continue  # of other requests than the one that is made
            response = client.get(address, needed | {parameter["name"]: value})
            assert response.status_code == (400 if value == "" else 200), (address, parameter["name"], response.content)
        if not needed and "/wmts/" not in address:
            assert client.get(address, {"sconosciuto": "1"}).status_code == 400, address


def placed(path: str) -> str:
    """An address of the path; the city lies in another tile of UTM than of Web Mercator."""
    places = PLACES | ({"tileRow": "3", "tileCol": "2"} if "UTM32WGS84Quad" in path else {})
    return "/ogc" + re.sub(r"\{(\w+)\}", lambda found: places[found[1]], path)


def required(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """The first value of each query parameter that must be given."""
    return {one["name"]: one["schema"]["enum"][0] for one in parameters if one.get("required") and one["in"] == "query"}


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def sample(parameter: dict[str, Any]) -> str:
    """A value that the schema of a parameter allows; "" for `after`, which only comes from a link."""
    schema, name = parameter["schema"], parameter["name"]
    if name == "after":
        return ""
    schema = schema["items"] if "enum" in schema.get("items", {}) else schema
    if name in SAMPLES and "enum" not in schema:
        return SAMPLES[name]
    if "enum" in schema:
        return str(schema["enum"][-1])
    by_format = {"date": "2020-01-01", "date-time": "2020-01-01T00:00:00Z"}
    return by_format.get(schema.get("format", ""), {"integer": "1", "number": "1.5", "boolean": "true"}.get(
        schema["type"], "x"))  # fmt: skip


def test_every_address_of_the_services_is_described(document: dict[str, Any]) -> None:
    described = {re.sub(r"\{\w+\}", "*", re.sub("/(edifici|buffer)", "/*", path)) for path in document["paths"]}
    for pattern in urls.urlpatterns:
        route = re.sub(r"<\w+:\w+>", "*", str(pattern.pattern)).replace("tiles/*", "tiles/WebMercatorQuad")
        route = route.replace("tileMatrixSets/*", "tileMatrixSets/WebMercatorQuad") or "/"
        own = route.startswith("/wmts/1.0.0/*") or any(part in route for part in ABSENT)
        assert route in described or own, route
