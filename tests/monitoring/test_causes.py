"""Every cause that a judgement can name has words, in both languages."""

import re
from pathlib import Path

from geoportal.monitoring.causes import CAUSES, cause_text, cause_texts
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
