"""The rules that every kind of device shares, as tables of cases at fixed moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geoportal.monitoring.health import LONG_SILENCE, Limit, Observation, Severity, judge

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def seen(**known: Any) -> Observation:
    """A device without rules of its own, connected and heard ten seconds ago."""
    usual: dict[str, Any] = {
        "now": NOW,
        "kind": "none",
        "presence": "online",
        "presence_at": ago(3600),
        "last_seen_at": ago(10),
    }
    return Observation(**{**usual, **known})


LONG_S = LONG_SILENCE.total_seconds()

CASES: list[tuple[str, dict[str, Any], str, str, list[str]]] = [
    ("well", {}, "ok", "", []),
    ("never heard", {"presence": "never", "last_seen_at": None}, "unknown", "never_seen", []),
    ("exactly three intervals", {"last_seen_at": ago(90)}, "ok", "", []),
    ("will", {"presence": "lost", "presence_at": ago(1)}, "problem", "connection_lost", ["connection_lost"]),
    ("will of a moment ago", {"presence": "lost", "presence_at": ago(0.5)}, "ok", "", ["connection_lost"]),
    (
        "will among most of them",
        {"presence": "lost", "presence_at": ago(14), "most_are_lost": True},
        "ok",
        "",
        ["connection_lost"],
    ),
    (
        "will that came when we began to listen again",
        {"presence": "lost", "presence_at": ago(80), "listening_since": ago(79), "last_seen_at": ago(100)},
        "ok",
        "",
        ["connection_lost"],
    ),
    (
        "and who has not come back since",
        {"presence": "lost", "presence_at": ago(90), "listening_since": ago(90), "last_seen_at": ago(100)},
        "problem",
        "connection_lost",
        ["connection_lost"],
    ),
    (
        "will of before we were blind",
        {"presence": "lost", "presence_at": ago(3600), "listening_since": ago(5), "last_seen_at": ago(3600)},
        "problem",
        "connection_lost",
        ["connection_lost"],
    ),
    ("it came back five times", {"reconnections": 5}, "ok", "", []),
    ("it came back six times", {"reconnections": 6}, "problem", "unstable", ["unstable"]),
    (
        "unstable and calmer",
        {"reconnections": 3, "known_since": {"unstable": ago(9)}},
        "problem",
        "unstable",
        ["unstable"],
    ),
    ("unstable and calm", {"reconnections": 2, "known_since": {"unstable": ago(9)}}, "ok", "", []),
    (
        "will, then silence: two evidences",
        {"presence": "lost", "presence_at": ago(91), "last_seen_at": ago(91)},
        "critical",
        "silent",
        ["silent", "connection_lost"],
    ),
    ("silence alone", {"last_seen_at": ago(91)}, "problem", "silent", ["silent"]),
    ("silence alone at the long threshold", {"last_seen_at": ago(LONG_S)}, "problem", "silent", ["silent"]),
    ("silence beyond the long threshold", {"last_seen_at": ago(LONG_S + 1)}, "critical", "silent", ["silent"]),
    (
        "half an hour is six samples of a slow device",
        {"interval_s": 300, "last_seen_at": ago(LONG_S + 1)},
        "problem",
        "silent",
        ["silent"],
    ),
    (
        "goodbye",
        {"presence": "offline", "presence_at": ago(7200), "last_seen_at": ago(7200)},
        "problem",
        "switched_off",
        ["switched_off"],
    ),
    ("planned", {"lifecycle": "planned"}, "unknown", "not_yet_active", []),
    ("installed and lost", {"lifecycle": "installed", "presence": "lost"}, "unknown", "not_yet_active", []),
    ("removed", {"lifecycle": "removed", "presence": "lost"}, "unknown", "removed", []),
    ("suspended", {"lifecycle": "suspended", "presence": "lost"}, "maintenance", "suspended", []),
    (
        "maintenance before silence",
        {"in_maintenance_since": ago(60), "presence": "lost", "last_seen_at": ago(LONG_S * 2)},
        "maintenance",
        "in_maintenance",
        ["in_maintenance"],
    ),
    (
        "blind before silence and will",
        {"blind_since": ago(600), "presence": "lost", "last_seen_at": ago(700)},
        "unknown",
        "we_are_blind",
        ["we_are_blind"],
    ),
    ("heard after blindness began", {"blind_since": ago(600), "last_seen_at": ago(5)}, "ok", "", []),
    ("grace after blindness", {"listening_since": ago(30), "last_seen_at": ago(4000)}, "ok", "", []),
    (
        "silent after the grace",
        {"listening_since": ago(91), "last_seen_at": ago(4000)},
        "problem",
        "silent",
        ["silent"],
    ),
]


@pytest.mark.parametrize(("known", "health", "cause", "codes"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_common_rules(known: dict[str, Any], health: str, cause: str, codes: list[str]) -> None:
    judgement = judge(seen(**known))
    assert (judgement.health, judgement.cause) == (health, cause)
    assert [evidence.code for evidence in judgement.evidence] == codes


def test_an_evidence_says_value_threshold_and_its_beginning() -> None:
    (silent, lost) = judge(seen(presence="lost", presence_at=ago(95), last_seen_at=ago(140))).evidence
    assert (silent.value, silent.threshold, silent.since) == (140, 90, ago(140))
    assert (lost.value, lost.threshold, lost.since) == (None, None, ago(95))
    assert silent.as_json() == {
        "code": "silent",
        "severity": "critical",
        "value": 140,
        "threshold": 90,
        "since": ago(140).isoformat(),
    }


def test_an_evidence_that_continues_keeps_its_beginning() -> None:
    (silent,) = judge(seen(last_seen_at=ago(91), known_since={"silent": ago(500)})).evidence
    assert silent.since == ago(500)


HOT = Limit("hot", "temp", 85, 80, hold_s=60, critical_after_s=600)

READINGS: list[tuple[str, Any, float | None, Severity | None]] = [
    ("cool", 84.9, None, None),
    ("just hot", 85, None, Severity.NOTE),
    ("hot for a minute", 85, 60, Severity.PROBLEM),
    ("cooling, not yet cool", 80, 120, Severity.PROBLEM),
    ("cool again", 79.9, 120, None),
    ("hot for ten minutes", 90, 600, Severity.CRITICAL),
    ("not measured", None, 600, None),
    ("unsupported", "unsupported", 600, None),
    ("a yes is not a number", True, None, None),
]


@pytest.mark.parametrize(("value", "since", "severity"), [case[1:] for case in READINGS], ids=[c[0] for c in READINGS])
def test_a_limit_holds_lasts_and_clears(value: Any, since: float | None, severity: Severity | None) -> None:
    known = {} if since is None else {"hot": ago(since)}
    evidence = HOT.check(seen(known_since=known), value)
    assert (evidence.severity if evidence else None) == severity


def test_a_note_leaves_the_device_well(monkeypatch: pytest.MonkeyPatch) -> None:
    from geoportal.monitoring import health

    rule = health.KindRules(rule=lambda observation: health.check_limits(observation, [HOT]))
    monkeypatch.setitem(health._kinds, "none", rule)
    judgement = judge(seen(metrics={"temp": 90}))
    assert (judgement.health, judgement.cause, [one.code for one in judgement.evidence]) == ("ok", "", ["hot"])
