"""Every cause that a judgement can name has words, in both languages."""

import re
from pathlib import Path

import pytest
from django.utils.translation import override

from geoportal.monitoring.causes import CAUSES, cause_text, cause_texts, measured_text
from geoportal.monitoring.models import Health

BASE = Path(__file__).resolve().parent.parent.parent
SOURCES = ("geoportal/monitoring/health.py", "wifi/health.py", "kiosks/health.py")
NAMED = re.compile(r'(?:Evidence|Limit|Judgement)\(\s*(?:"(?:unknown|ok|maintenance)", )?"([a-z0-9_]+)"')


def test_every_code_in_the_rules_has_a_text() -> None:
    codes = {code for source in SOURCES for code in NAMED.findall((BASE / source).read_text(encoding="utf-8"))}
    assert len(codes) > 25
    assert codes - set(CAUSES) - set(Health.values) == set()


def test_every_cause_is_translated() -> None:
    italian, english = cause_texts("it"), cause_texts("en")
    assert english["connection_lost"] == "Connection broken suddenly"
    assert {code for code in CAUSES if italian[code] == english[code]} == set()


def test_a_device_that_is_well_has_no_cause_and_an_unknown_code_stands_for_itself() -> None:
    assert (cause_text(""), cause_text("from_a_newer_version")) == ("", "from_a_newer_version")


@pytest.mark.parametrize(
    ("code", "value", "italian", "english"),
    [
        ("silent", 90, "90 s", "90 s"),
        ("silent", 1800.0, "30 min", "30 min"),
        ("content_old", 90_000, "25 h", "25 h"),
        ("content_old", 216_000, "2,5 d", "2.5 d"),
        ("hot_cpu", 88.53, "88,5 °C", "88.5 °C"),
        ("saturated", 45.0, "45", "45"),
        ("page_dead", False, "no", "no"),
        ("page_dead", True, "sì", "yes"),
        ("page_elsewhere", "file:", "file:", "file:"),
        ("page_dead", None, "", ""),
    ],
)
def test_what_was_measured_is_told_with_its_unit(
    code: str, value: float | str | bool | None, italian: str, english: str
) -> None:
    for language, text in (("it", italian), ("en", english)):
        with override(language):
            assert measured_text(code, value) == text
