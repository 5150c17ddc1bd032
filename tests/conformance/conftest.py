"""The city of the tests of the services, and requests to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from tests.ogc.conftest import blank_pictures as blank_pictures
from tests.ogc.conftest import city as city
from tests.ogc.conftest import plot as plot  # type: ignore[attr-defined]

Get = Callable[..., dict[str, Any]]


@pytest.fixture
def get(client: Client, city: SimpleNamespace) -> Get:
    """The JSON of an address under /ogc, or of an absolute one; its status is 200 unless told."""

    def ask(path: str, status: int = 200, **params: Any) -> dict[str, Any]:
        response = client.get(path if "://" in path else f"/ogc{path}", params or None)
        assert response.status_code == status, (path, params, response.content[:300])
        found: dict[str, Any] = json.loads(response.content)
        return found

    return ask


@pytest.fixture
def parameter(get: Get) -> Callable[[str, str], dict[str, Any]]:
    """A parameter of GET on a path, as the API definition has it."""
    definition = get("/openapi")

    def find(path: str, name: str) -> dict[str, Any]:
        for one in definition["paths"][path]["get"]["parameters"]:
            held = definition["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
            if held["name"] == name:
                return dict(held)
        raise AssertionError(f"{path} has no parameter {name}")

    return find


def rels(document: dict[str, Any]) -> set[str]:
    return {link["rel"] for link in document["links"]}
