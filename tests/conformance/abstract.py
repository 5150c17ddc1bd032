"""Which abstract test of which standard a test of ours answers for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
SUITES = {
    "features": "OGC API Features Part 1 (17-069r4)",
    "crs": "OGC API Features Part 2 (18-058r1)",
    "editing": "OGC API Features Part 4 (draft 20-002r1)",
    "schemas": "OGC API Features Part 5 (draft 23-058r2)",
    "tiles": "OGC API Tiles Part 1 (20-057)",
    "processes": "OGC API Processes Part 1 (18-062r2)",
    "edr": "OGC API EDR 1.1 (19-086r6)",
    "records": "OGC API Records Part 1 (20-004r1)",
    "maps": "OGC API Maps Part 1 (20-058)",
    "coverages": "OGC API Coverages Part 1 (draft 19-087)",
    "wms": "WMS 1.3.0 (06-042)",
}
ANSWERED: dict[tuple[str, str], str] = {}
"""(suite, identifier of the abstract test) → where our test is."""


def abstract(suite: str, *identifiers: str) -> Callable[[Test], Test]:
    """The test checks what these abstract tests check."""

    def note(test: Test) -> Test:
        for identifier in identifiers:
            assert suite in SUITES and (suite, identifier) not in ANSWERED, identifier
            module = test.__module__.removeprefix("tests.").removeprefix("conformance.")
            ANSWERED[suite, identifier] = f"{module}.{test.__name__}"
        return test

    return note
