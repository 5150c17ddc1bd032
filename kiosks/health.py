"""What a totem reports of itself, judged part by part: page, display, touch, case, power. Numbers: docs/devices.md.

A part that the agent cannot measure is absent from the sample, and gives no evidence either way.
"""

from typing import Any
from urllib.parse import urlsplit

from geoportal.monitoring.health import Evidence, KindRules, Limit, Observation, Severity, check_limits, lasting

LIMITS = (
    Limit("very_hot_case", "temp_case", 70, 65, hold_s=30, severity=Severity.CRITICAL),
    Limit("very_hot_cpu", "temp_cpu", 90, 85, hold_s=60, severity=Severity.CRITICAL),
    Limit("hot_case", "temp_case", 55, 50, hold_s=60),
    Limit("hot_cpu", "temp_cpu", 80, 75, hold_s=60),
    Limit("cold_case", "temp_case", -5, 0, hold_s=300, falling=True),
    Limit("damp_case", "hum", 90, 80, hold_s=1800),
    Limit("content_old", "content_age_s", 86_400, 43_200),
    Limit("disk_full", "disk", 90, 85, hold_s=60),
    Limit("storage_low", "store_free", 500, 800, hold_s=60, falling=True),
    Limit("memory_full", "mem", 95, 90, hold_s=1800),
    Limit("page_errors", "err_js", 5, 1, hold_s=300),
    Limit("uplink_loss", "loss", 20, 10, hold_s=600),
)
STUCK_TOUCHES_PER_MINUTE = 300
"""No hand touches a screen this often: a drop of water or a broken sensor does."""
BROKEN_AFTER_S = 300
"""A page or display that fails this long does not come back by the watchdog's own restarts."""
ELSEWHERE_HOLD_S = 60
"""A page may pass through another address while it loads."""
DOOR_HOLD_S = 900
CLOCK_HOLD_S = 600


def judge_totem(seen: Observation) -> list[Evidence]:
    """The evidences of one totem: first what people notice, then what the box suffers."""
    found = [*_usable(seen), *_elsewhere(seen), *check_limits(seen, LIMITS), *_box(seen)]
    for severe, mild in (("very_hot_case", "hot_case"), ("very_hot_cpu", "hot_cpu")):
        if any(one.code == severe and one.severity is not Severity.NOTE for one in found):
            found = [one for one in found if one.code != mild]
    return found


def _usable(seen: Observation) -> list[Evidence]:
    metrics = seen.metrics
    found = []
    if _says(metrics, "page_alive", False):
        dead = Evidence("page_dead", Severity.PROBLEM, False, None, seen.now)
        found.append(lasting(seen, dead, critical_after_s=BROKEN_AFTER_S))
    # A display that was told to be off (night, command) is as it should be.
    if _says(metrics, "disp_on", False) and not _says(metrics, "disp_want", False):
        dark = Evidence("display_off", Severity.PROBLEM, False, None, seen.now)
        found.append(lasting(seen, dark, critical_after_s=BROKEN_AFTER_S))
    if _says(metrics, "touch_ok", False):
        found.append(lasting(seen, Evidence("touch_broken", Severity.PROBLEM, False, None, seen.now)))
    elif (touches := metrics.get("touches")) is not None:
        limit = STUCK_TOUCHES_PER_MINUTE * seen.interval_s / 60
        stuck = Limit("touch_stuck", "touches", limit, limit / 2, hold_s=60).check(seen, touches)
        found += [stuck] if stuck else []
    if len([one for one in found if one.code in ("page_dead", "display_off")]) == 2:
        # Dark and dead by two independent measurements: nobody can use it, no need to wait.
        found[0] = lasting(seen, found[0], critical_after_s=0)
    return found


def _elsewhere(seen: Observation) -> list[Evidence]:
    """Whether the screen shows a site that is not that of its home page: somebody led it out, or in between."""
    home, shown = _origin(seen.attributes.get("home_url")), _origin(seen.metrics.get("page_url"))
    if not home or not shown or home == shown:
        return []
    return [lasting(seen, Evidence("page_elsewhere", Severity.PROBLEM, shown, home, seen.now), hold_s=ELSEWHERE_HOLD_S)]


def _origin(url: Any) -> str:
    """Scheme, host and port of a web address; empty for what is none."""
    if not isinstance(url, str):
        return ""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    if not parts.hostname:
        return f"{parts.scheme}:" if parts.scheme else ""
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _box(seen: Observation) -> list[Evidence]:
    found = []
    if _says(seen.metrics, "undervolt", True):
        found.append(lasting(seen, Evidence("undervoltage", Severity.PROBLEM, True, None, seen.now)))
    if _says(seen.metrics, "door", True):
        found.append(lasting(seen, Evidence("door_open", Severity.PROBLEM, True, None, seen.now), hold_s=DOOR_HOLD_S))
    if seen.clock_bad:
        wrong = Evidence("clock_bad", Severity.PROBLEM, None, None, seen.now)
        found.append(lasting(seen, wrong, hold_s=CLOCK_HOLD_S))
    return found


def _says(metrics: Any, name: str, wanted: bool) -> bool:
    """Whether a yes-or-no measurement says `wanted`; devices send true/false or 1/0."""
    value = metrics.get(name)
    return value is not None and value in (wanted, int(wanted))


RULES = KindRules(rule=judge_totem, table="kiosks_totem", columns=("home_url",))
