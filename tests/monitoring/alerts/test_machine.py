"""The life of one alert, as tables of looks: seconds, what was seen, and the steps that must follow."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from geoportal.monitoring.alerts.machine import (
    ACKNOWLEDGED,
    CALLS,
    FLAP_CALM,
    Reading,
    Standing,
    Timing,
    advance,
    next_due,
)

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TIMING = Timing(for_s=60, keep_s=120, min_samples=2, repeat_s=3600, escalate_s=600)
Look = tuple[float, bool | None]


def run(looks: list[Look], timing: Timing = TIMING, held: Standing | None = None) -> tuple[Standing | None, list[str]]:
    """The standing after the looks, and "second:after:why" of every step."""
    steps = []
    for second, holds in looks:
        now = START + timedelta(seconds=second)
        held, taken = advance(held, Reading(holds, str(second)), timing, now)
        steps += [f"{second:g}:{step.after}:{step.why}" for step in taken]
        if held is not None and held.state == "resolved":
            held = None
    return held, steps


CASES: list[tuple[str, list[Look], list[str]]] = [
    ("nothing", [(0, False), (60, None)], []),
    ("it fires only after it lasted", [(0, True), (59, True), (60, True)], ["0:pending:seen", "60:firing:lasted"]),
    (
        "two samples at least, however long between",
        [(0, True), (0, True), (5000, True)],
        ["0:pending:seen", "5000:firing:lasted"],
    ),
    (
        "a single spike passes in silence",
        [(0, True), (30, False), (150, False)],
        ["0:pending:seen", "150:resolved:passed"],
    ),
    (
        "a gap while it waits begins the wait anew",
        [(0, True), (30, False), (50, True), (80, True), (110, True)],
        ["0:pending:seen", "110:firing:lasted"],
    ),
    (
        "it stays out for a while after it is over",
        [(0, True), (60, True), (100, False), (219, False), (220, False)],
        ["0:pending:seen", "60:firing:lasted", "220:resolved:cleared"],
    ),
    (
        "a short return to normal is no end",
        [(0, True), (60, True), (100, False), (200, True), (210, False), (329, False), (330, False)],
        ["0:pending:seen", "60:firing:lasted", "330:resolved:cleared"],
    ),
    ("who cannot see forgets what only waited", [(0, True), (30, None)], ["0:pending:seen", "30:resolved:unseen"]),
    (
        "who cannot see keeps what is out, and says nothing",
        [(0, True), (60, True), (5000, None), (9000, None)],
        ["0:pending:seen", "60:firing:lasted"],
    ),
    (
        "nobody took it: urged once, then repeated",
        [(0, True), (60, True), (659, True), (660, True), (700, True), (4259, True), (4260, True), (7860, True)],
        ["0:pending:seen", "60:firing:lasted", "660:firing:escalated", "4260:firing:repeated", "7860:firing:repeated"],
    ),
]


@pytest.mark.parametrize(("name", "looks", "expected"), CASES, ids=[case[0] for case in CASES])
def test_life(name: str, looks: list[Look], expected: list[str]) -> None:
    assert run(looks)[1] == expected


def test_the_same_sample_looked_at_twice_is_one_sample() -> None:
    held, _ = advance(None, Reading(True, "sample 1"), TIMING, START)
    for second in range(5, 600, 5):
        held, steps = advance(held, Reading(True, "sample 1"), TIMING, START + timedelta(seconds=second))
        assert steps == []
    held, steps = advance(held, Reading(True, "sample 2"), TIMING, START + timedelta(seconds=600))
    assert [step.why for step in steps] == ["lasted"]


def test_evidence_that_knows_its_beginning_has_waited_since_then() -> None:
    held, _ = advance(None, Reading(True, "1", START - timedelta(hours=1)), TIMING, START)
    held, steps = advance(held, Reading(True, "2", START - timedelta(hours=1)), TIMING, START + timedelta(seconds=5))
    assert held is not None and held.since == START - timedelta(hours=1)
    assert [step.after for step in steps] == ["firing"]


def test_who_took_it_is_not_urged_and_not_reminded_and_it_still_ends() -> None:
    held, _ = run([(0, True), (60, True)])
    assert held is not None
    taken = Standing(**{**{name: getattr(held, name) for name in held.__slots__}, "state": ACKNOWLEDGED})
    _after, steps = run([(700, True), (20000, True), (20010, False), (20130, False)], held=taken)
    assert steps == ["20130:resolved:cleared"]


def test_flapping_is_one_alert_and_its_end_needs_calm() -> None:
    # 45 s away, 45 s back, for two hours: never away long enough for the rule.
    timing = Timing(for_s=120, keep_s=300)
    looks: list[Look] = [(second, second % 90 < 45) for second in range(0, 7200, 5)]
    held, steps = run(looks, timing)
    assert [step.split(":", 1)[1] for step in steps if "pending" not in step] == ["firing:flapping", "firing:escalated"]
    assert held is not None and held.is_flapping
    calm: list[Look] = [(7200 + second, False) for second in range(0, 1000, 5)]
    _, ended = run(calm, timing, held)
    assert len(ended) == 1 and ended[0].endswith("resolved:cleared")
    # The last return was at 7155: 15 minutes later, not keep_s later.
    assert float(ended[0].split(":")[0]) - 7155 == pytest.approx(FLAP_CALM.total_seconds(), abs=5)


def test_outside_its_hours_nothing_new_is_raised_and_what_is_out_may_end() -> None:
    assert advance(None, Reading(True, "1", may_raise=False), TIMING, START) == (None, [])
    held, _ = run([(0, True)])
    later = START + timedelta(seconds=100)
    held, steps = advance(held, Reading(True, "2", may_raise=False), TIMING, later)
    assert steps == [] and held is not None and held.state == "pending"
    out, _ = run([(0, True), (60, True), (70, False)])
    _, steps = advance(out, Reading(False, "3", may_raise=False), TIMING, START + timedelta(seconds=400))
    assert [step.after for step in steps] == ["resolved"]


@pytest.mark.parametrize("why", ["maintenance", "out_of_service", "rule_off"])
def test_what_is_silenced_ends_without_a_call(why: str) -> None:
    held, _ = run([(0, True), (60, True)])
    _, steps = advance(held, Reading(True, "9", silenced=why), TIMING, START + timedelta(seconds=90))
    assert [(step.after, step.why) for step in steps] == [("resolved", why)]
    assert why not in CALLS
    assert advance(None, Reading(True, "9", silenced=why), TIMING, START) == (None, [])


def test_next_due_is_the_moment_at_which_time_alone_moves_it() -> None:
    waiting, _ = run([(0, True)])
    assert waiting is not None and next_due(waiting, TIMING) == START + timedelta(seconds=60)
    ending, _ = run([(0, True), (60, True), (100, False)])
    assert ending is not None and next_due(ending, TIMING) == START + timedelta(seconds=220)
    out, _ = run(list(chain([(0.0, True), (60.0, True)])))
    assert out is not None and next_due(out, TIMING) is None
