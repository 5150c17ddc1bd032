"""Ask every operation of an OpenAPI document at random, and hold each answer against what the document says.

Requests come from schemathesis: half of them fit the document (some with values of `likely`), half break it somewhere.
They are the same for the same seed and document. What is wrong is collected, once per operation and kind, so that a
run shows all of it. An address too long for the front server, which never reaches a service, is no matter of the
document.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from hypothesis import strategies as st
from hypothesis.errors import NonInteractiveExampleWarning, Unsatisfiable
from schemathesis import checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.front import too_long
from tests.fuzz.likely import BODY, RARE, overlay


def refused_when_wrong(ctx: Any, response: Any, case: Case) -> bool | None:
    """What breaks the document is refused, but for these exceptions.

    A limit above the greatest is that one (Features Part 1, 7.15.2); the older services pass over what belongs to
    another of their requests.
    """
    if case.query.get("properties") == "":
        return None  # a list without names, which the document allows: no attribute
    if case.path in LEGACY or (str(case.query.get("limit", "")).isdigit() and response.status_code == 200):
        return None
    return bool(negative_data_rejection(ctx, response, case))


CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    refused_when_wrong,
]
HEADERS = ("If-Match", "Content-Crs")
LEGACY = ("/wms", "/wmts", "/wfs")
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)

Case = schemathesis.Case[Any]
Send = Callable[[Case], schemathesis.Response]


@dataclass
class Report:
    """What a run has asked and what it has found."""

    statuses: Counter[int] = field(default_factory=Counter)
    found: dict[tuple[str, str], str] = field(default_factory=dict)
    """The first failure of each operation and kind: what was wrong, and a command that asks the same again."""

    @property
    def requests(self) -> int:
        return self.statuses.total()


def fuzz(schema: schemathesis.BaseSchema, send: Send, *, requests: int, seed: int) -> Report:
    """Spread `requests` over all operations of the document."""
    report = Report()
    operations = [one.ok() for one in schema.get_all_operations()]  # type: ignore[union-attr]
    each = max(2, -(-requests // len(operations)))
    for operation in operations:
        for mode in MODES:
            _ask(operation, mode, send, report, each // 2, seed)
    return report


def _ask(operation: Any, mode: Any, send: Send, report: Report, examples: int, seed: int) -> None:
    parameters = [one.definition for one in operation.iter_parameters()]
    strategy = operation.as_strategy(generation_mode=mode)
    if mode == schemathesis.GenerationMode.POSITIVE:
        names = tuple(_names(parameters)) or ("id",)
        strategy = st.builds(_with, strategy, st.none() | overlay(parameters, names, _feature(operation)))

    def once(case: Case) -> None:
        response = send(case)
        report.statuses[response.status_code] += 1
        if response.status_code == 414 and too_long(response.request):
            return
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                _note(report, operation.label, failure, case)

    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    # Where any text fits the document, none breaks it.
    with warnings.catch_warnings(), suppress(Unsatisfiable):
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        hypothesis.seed(seed)(settings(hypothesis.given(strategy)(once)))()


def _names(parameters: list[dict[str, Any]]) -> list[str]:
    """The attributes of a collection, which the document lists as parameters of its items."""
    return [one["name"] for one in parameters if one["in"] == "query" and one["name"].isidentifier()]


def _feature(operation: Any) -> dict[str, Any] | None:
    """The schema of the feature that an operation writes; None for one that writes none."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    schemas = [one["schema"] for media, one in content.items() if media.endswith(("geo+json", "merge-patch+json"))]
    return schemas[0] if schemas else None


def _with(case: Case, values: dict[str, Any] | None) -> Case:
    if values is None:
        return case
    for name in RARE & set(case.query):
        del case.query[name]
    for name, value in values.items():
        if name == BODY:
            case.body = value
        elif name in case.path_parameters:
            case.path_parameters[name] = value
        else:
            (case.headers if name in HEADERS else case.query)[name] = value
    return case


def _note(report: Report, label: str, failure: Failure, case: Case) -> None:
    key = (label, failure.title)
    if key not in report.found:
        report.found[key] = f"{failure.message}\n{case.as_curl_command()}"
