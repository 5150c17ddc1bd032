"""The rules for totems, as a table: what it reports, for how long, and what follows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geoportal.monitoring.health import Observation, judge

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WELL = {
    "page_alive": True, "touch_ok": True, "touches": 3, "disp_on": True, "door": False, "temp_case": 24.0,
    "temp_cpu": 48.0, "hum": 40, "undervolt": False, "err_js": 0, "content_age_s": 600, "disk": 41, "mem": 60,
}  # fmt: skip

CASES: list[tuple[str, dict[str, Any], float | None, str, str]] = [
    ("well", {}, None, "ok", ""),
    (
        "well, in ones and zeros",
        {"page_alive": 1, "touch_ok": 1, "disp_on": 1, "door": 0, "undervolt": 0},
        900,
        "ok",
        "",
    ),
    ("nothing measurable", dict.fromkeys(WELL), 900, "ok", ""),
    ("page hangs", {"page_alive": 0}, None, "problem", "page_dead"),
    ("page stays dead", {"page_alive": False}, 300, "critical", "page_dead"),
    ("dark", {"disp_on": False}, None, "problem", "display_off"),
    ("dark for long", {"disp_on": False}, 300, "critical", "display_off"),
    ("dark as told", {"disp_on": False, "disp_want": False}, 300, "ok", ""),
    ("dark and dead at once", {"disp_on": False, "page_alive": False}, None, "critical", "page_dead"),
    ("touch broken", {"touch_ok": False}, None, "problem", "touch_broken"),
    ("many hands", {"touches": 140}, 60, "ok", ""),
    ("stuck touch", {"touches": 151}, 60, "problem", "touch_stuck"),
    ("warm case", {"temp_case": 56}, 60, "problem", "hot_case"),
    ("case about to shut down", {"temp_case": 71}, 60, "critical", "very_hot_case"),
    ("throttled", {"temp_cpu": 81}, 60, "problem", "hot_cpu"),
    ("frost", {"temp_case": -6}, 300, "problem", "cold_case"),
    ("damp", {"hum": 95}, 1800, "problem", "damp_case"),
    ("old content", {"content_age_s": 90_000}, None, "problem", "content_old"),
    ("disk", {"disk": 92}, 60, "problem", "disk_full"),
    ("little space for content", {"store_free": 400}, 60, "problem", "storage_low"),
    ("script errors", {"err_js": 7}, 300, "problem", "page_errors"),
    ("weak supply", {"undervolt": True}, None, "problem", "undervoltage"),
    ("door opened by a technician", {"door": True}, 60, "ok", ""),
    ("door left open", {"door": True}, 900, "problem", "door_open"),
]


@pytest.mark.parametrize(
    ("changes", "lasting_s", "health", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_totem(changes: dict[str, Any], lasting_s: float | None, health: str, cause: str) -> None:
    seen = Observation(now=NOW, kind="totem", presence="online", last_seen_at=NOW, metrics={**WELL, **changes})
    judgement = judge(seen)
    if lasting_s is not None:
        since = NOW - timedelta(seconds=lasting_s)
        judgement = judge(replace(seen, known_since={one.code: since for one in judgement.evidence}))
    assert (judgement.health, judgement.cause) == (health, cause)


@pytest.mark.parametrize(
    ("home", "shown", "expected"),
    [
        ("https://totem.example.it/", "https://totem.example.it/mappa?lang=en#2", ""),
        ("https://totem.example.it/", "https://TOTEM.example.it:443/", ""),
        ("https://totem.example.it/", "http://totem.example.it/", "http://totem.example.it:80"),
        ("https://totem.example.it/", "https://example.org/", "https://example.org:443"),
        ("https://totem.example.it/", "file:///etc/passwd", "file:"),
        ("https://totem.example.it/", "https://[bad", ""),
        ("https://totem.example.it/", None, ""),
        ("", "https://example.org/", ""),
    ],
)
def test_a_screen_that_shows_another_site_is_a_trouble(home: str, shown: str | None, expected: str) -> None:
    seen = Observation(
        now=NOW,
        kind="totem",
        presence="online",
        last_seen_at=NOW,
        metrics={**WELL, "page_url": shown},
        attributes={"home_url": home},
        known_since={"page_elsewhere": NOW - timedelta(seconds=60)},
    )
    found = judge(seen)
    assert (found.health, found.cause) == (("problem", "page_elsewhere") if expected else ("ok", ""))
    assert [one.value for one in found.evidence] == ([expected] if expected else [])
