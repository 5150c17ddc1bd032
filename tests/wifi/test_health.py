"""The rules for access points, as a table: what it reports, for how long, and what follows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from geoportal.monitoring.health import Observation, judge

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
WELL = {
    "cpu": 12.5, "mem": 41.0, "temp_cpu": 51.2, "clients_24": 9, "clients_5": 14,
    "air_24": 31.0, "air_5": 12.4, "loss": 0.0, "rtt": 9.1,
}  # fmt: skip

CASES: list[tuple[str, dict[str, Any], float | None, str, str]] = [
    ("well", {}, None, "ok", ""),
    ("full for an instant", {"clients_24": 20, "clients_5": 25}, None, "ok", ""),
    ("full for ten minutes", {"clients_24": 20, "clients_5": 25}, 600, "problem", "saturated"),
    ("one band measured", {"clients_24": None, "clients_5": 45}, 600, "problem", "saturated"),
    ("less than the clearing share", {"clients_24": 17, "clients_5": 20}, 600, "ok", ""),
    ("still over the clearing share", {"clients_24": 18, "clients_5": 20}, 600, "problem", "saturated"),
    ("crowded channel", {"air_24": 81}, 600, "problem", "airtime_24_full"),
    ("crowded upper channel", {"air_5": 95}, 600, "problem", "airtime_5_full"),
    ("uplink loses", {"loss": 12}, 300, "problem", "uplink_loss"),
    ("uplink slow", {"rtt": 240}, 600, "problem", "uplink_slow"),
    ("no answer", {"loss": 100}, None, "problem", "unreachable"),
    ("no answer for five minutes", {"loss": 100}, 300, "critical", "unreachable"),
    ("hot", {"temp_cpu": 86}, 60, "problem", "hot_cpu"),
    ("too hot", {"temp_cpu": 96}, 60, "critical", "very_hot_cpu"),
    ("memory", {"mem": 97}, 1800, "problem", "memory_full"),
    ("busy", {"cpu": 99}, 1800, "problem", "cpu_busy"),
]


def judged(changes: dict[str, Any], lasting_s: float | None, **known: Any) -> tuple[str, str]:
    seen = Observation(
        now=NOW,
        kind="ap",
        presence="online",
        last_seen_at=NOW,
        metrics={**WELL, **changes},
        attributes={"capacity": 50},
        **known,
    )
    if lasting_s is not None:
        first = judge(seen)
        since = NOW - timedelta(seconds=lasting_s)
        seen = Observation(
            now=NOW,
            kind="ap",
            presence="online",
            last_seen_at=NOW,
            metrics=seen.metrics,
            attributes=seen.attributes,
            known_since={**dict.fromkeys(("saturated",), since), **{one.code: since for one in first.evidence}},
            **known,
        )
    judgement = judge(seen)
    return judgement.health, judgement.cause


@pytest.mark.parametrize(
    ("changes", "lasting_s", "health", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_access_point(changes: dict[str, Any], lasting_s: float | None, health: str, cause: str) -> None:
    assert judged(changes, lasting_s) == (health, cause)


def test_a_wrong_clock_counts_once_it_had_time_to_be_set() -> None:
    assert judged({}, None, clock_bad=True) == ("ok", "")
    assert judged({}, 600, clock_bad=True) == ("problem", "clock_bad")


def test_old_samples_say_nothing_of_the_box_now() -> None:
    seen = Observation(
        now=NOW, kind="ap", presence="online", last_seen_at=NOW - timedelta(seconds=100), metrics={"temp_cpu": 99}
    )
    assert [one.code for one in judge(seen).evidence] == ["silent"]
