"""What an access point reports of itself, judged: load, air, uplink, the box. Numbers: docs/devices.md."""

from geoportal.monitoring.health import Evidence, KindRules, Limit, Observation, Severity, check_limits, lasting

SATURATED, RELAXED = 0.9, 0.75
"""Shares of the planned number of users: full from the first, no longer full from the second."""

LIMITS = (
    Limit("unreachable", "loss", 100, 50, critical_after_s=300),
    Limit("very_hot_cpu", "temp_cpu", 95, 88, hold_s=60, severity=Severity.CRITICAL),
    Limit("uplink_loss", "loss", 10, 5, hold_s=300),
    Limit("uplink_slow", "rtt", 200, 120, hold_s=600),
    Limit("hot_cpu", "temp_cpu", 85, 80, hold_s=60),
    Limit("memory_full", "mem", 95, 90, hold_s=1800),
    Limit("cpu_busy", "cpu", 90, 80, hold_s=1800),
    Limit("airtime_24_full", "air_24", 80, 70, hold_s=600),
    Limit("airtime_5_full", "air_5", 80, 70, hold_s=600),
)
CLOCK_HOLD_S = 600
"""A box that just started has the wrong time until it has asked a time server."""


def judge_access_point(seen: Observation) -> list[Evidence]:
    """The evidences of one access point, the weightiest kinds first."""
    found = check_limits(seen, LIMITS)
    codes = {evidence.code for evidence in found}
    if "unreachable" in codes:
        found = [evidence for evidence in found if evidence.code != "uplink_loss"]
    if (full := _saturation(seen)) is not None:
        found.append(full)
    if seen.clock_bad:
        wrong = Evidence("clock_bad", Severity.PROBLEM, None, None, seen.now)
        found.append(lasting(seen, wrong, hold_s=CLOCK_HOLD_S))
    return found


def _saturation(seen: Observation) -> Evidence | None:
    capacity = seen.attributes.get("capacity")
    counts = [seen.metrics.get(name) for name in ("clients_24", "clients_5")]
    measured = [count for count in counts if isinstance(count, int | float) and not isinstance(count, bool)]
    if not capacity or not measured:
        return None
    rule = Limit("saturated", "", SATURATED * capacity, RELAXED * capacity, hold_s=600)
    return rule.check(seen, sum(measured))


RULES = KindRules(rule=judge_access_point, table="wifi_accesspoint", columns=("capacity",))
