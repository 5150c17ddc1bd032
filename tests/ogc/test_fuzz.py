"""The short form of `make fuzz`: the same generator over a small city, served as the product serves it."""

from types import SimpleNamespace

import pytest
import requests
import schemathesis

from tests.fuzz.run import fuzz
from tests.liveserver import served

pytestmark = pytest.mark.django_db(transaction=True)
PATHS = r"^/(collections/(edifici|metadata)(/.*)?|[^c].*|)$"
REQUESTS = 600


def test_no_random_request_breaks_a_service_or_its_document(city: SimpleNamespace) -> None:
    with served(workers=2) as root, requests.Session() as session:
        for path in ("conformance", "processes/echo/execution", "collections/edifici/items/1", "wfs") * 5:
            refused = session.post(f"{root}/ogc/{path}", data=b"x" * 3_000_000, timeout=30)
            assert refused.status_code in {405, 413, 415}, "a body is read to its end before it is refused"
        document = session.get(f"{root}/ogc/openapi", timeout=30).json()
        schema = schemathesis.openapi.from_dict(document).include(path_regex=PATHS)
        found = fuzz(
            schema,
            lambda case: case.call(base_url=f"{root}/ogc", session=session, timeout=60),
            requests=REQUESTS,
            seed=20,
        )
    assert not found.found, "\n".join(f"{key}: {text}" for key, text in found.found.items())
    assert found.statuses[200] > REQUESTS / 10, found.statuses
