"""docs/conformance.md names every abstract test that is checked, and nothing else."""

import importlib
from pathlib import Path

from tests.conformance.abstract import ANSWERED, SUITES

TABLE = Path(__file__).resolve().parent.parent.parent / "docs" / "conformance.md"
FOLDER = Path(__file__).resolve().parent
ELSEWHERE = ("coverages", "features_editing", "maps", "records", "schemas")
"""Files of tests/ogc that answer for abstract tests too."""


def rows() -> list[str]:
    """The lines of the tables, from the tests themselves."""
    for path in sorted(FOLDER.glob("test_*.py")):
        importlib.import_module(f"tests.conformance.{path.stem}")
    for name in ELSEWHERE:
        importlib.import_module(f"tests.ogc.test_{name}")
    found = []
    for suite, title in SUITES.items():
        found += [f"### {title}", "", "| abstract test | our test |", "|---|---|"]
        found += [f"| `{name}` | `{test}` |" for (of, name), test in ANSWERED.items() if of == suite]
        found.append("")
    return found


def test_the_table_is_that_of_the_tests() -> None:
    text = TABLE.read_text(encoding="utf-8")
    made = "\n".join(rows())
    assert made.strip() in text, f"put this into docs/conformance.md:\n{made}"
