"""Evaluating the rules on the stored statuses: read what shows something or is open, decide, write, fill the outbox."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from geoportal.monitoring.alerts.deciding import Decision, Held, Hours, Rule, Seen, decide
from geoportal.monitoring.alerts.grouping import SCOPES, Count, Grouping, Target
from geoportal.monitoring.alerts.machine import Reading, Standing, Timing, advance
from geoportal.monitoring.alerts.models import Alert, AlertRule
from geoportal.monitoring.alerts.writing import write
from geoportal.sql import queries

log = logging.getLogger(__name__)

SQL = queries("geoportal.monitoring", "alerts")

OLDEST_SAMPLE = timedelta(minutes=5)
"""A measurement older than this raises nothing: back-fill tells of the past. Source: rule of OpenWISP Monitoring."""
CONNECTION_CAUSES = frozenset({"silent", "connection_lost", "unstable", "switched_off"})
"""Causes that come without a sample: each look at them is one."""


@dataclass(slots=True)
class _Look:
    """What one rule sees now."""

    seen: dict[str, Seen] = field(default_factory=dict)
    device_ids: dict[str, int] = field(default_factory=dict)


def evaluate(now: datetime) -> int:
    """Look at every active rule and every open alert once. Returns how many steps alerts took."""
    with transaction.atomic():
        alerts = list(Alert.objects.select_for_update(of=("self",)).filter(resolved_at=None).select_related("rule"))
        rules = {rule.pk: rule for rule in AlertRule.objects.filter(is_active=True)}
        inactive = {alert.rule_id: alert.rule for alert in alerts if alert.rule_id not in rules}
        looks = _look(now, [*rules.values(), *inactive.values()], alerts)
        by_rule: dict[int, list[Alert]] = defaultdict(list)
        for alert in alerts:
            by_rule[alert.rule_id].append(alert)
        return sum(
            _evaluate_rule(rule, looks[rule.pk], by_rule[rule.pk], now)
            for rule in [*rules.values(), *inactive.values()]
            if looks[rule.pk].seen or by_rule[rule.pk] or rule.subject == AlertRule.Subject.BLIND
        )


def compiled(rule: AlertRule) -> Rule:
    """The rule as deciding takes it."""
    return Rule(
        rule.pk,
        Timing(rule.for_s, rule.keep_s, rule.min_samples, rule.repeat_s, rule.escalate_s),
        Grouping(
            tuple(rule.groups), rule.group_share_pct / 100, rule.group_least, timedelta(seconds=rule.group_window_s)
        ),
        Hours(rule.hours_from, rule.hours_to, rule.weekdays),
    )


def standing_of(alert: Alert) -> Standing:
    """A stored alert as the machine takes it."""
    return Standing(
        alert.state,
        alert.since,
        alert.samples,
        alert.mark,
        alert.clear_since,
        alert.fired_at,
        alert.notified_at,
        alert.escalated_at,
        tuple(alert.flips),
        alert.is_flapping,
    )


def _evaluate_rule(rule: AlertRule, look: _Look, alerts: Sequence[Alert], now: datetime) -> int:
    by_id = {alert.pk: alert for alert in alerts}
    held = {
        (alert.scope, alert.key): Held(standing_of(alert), _target_of(by_id.get(alert.suppressed_by_id or 0)))
        for alert in alerts
    }
    if rule.subject == AlertRule.Subject.BLIND:
        decisions = _decide_blind(rule, held, now)
    else:
        targets = _group_targets(rule, look, held)
        decisions = decide(compiled(rule), look.seen, held, _counts(targets, rule.kind), now)
    return write(rule, decisions, {(alert.scope, alert.key): alert for alert in alerts}, look.device_ids, now)


def _target_of(alert: Alert | None) -> Target | None:
    return (alert.scope, alert.key) if alert is not None else None


def _look(now: datetime, rules: Sequence[AlertRule], alerts: Sequence[Alert]) -> dict[int, _Look]:
    looks = {rule.pk: _Look() for rule in rules}
    causes = [rule for rule in rules if rule.subject == AlertRule.Subject.CAUSE]
    metrics = [rule for rule in rules if rule.subject == AlertRule.Subject.METRIC]
    open_devices, out = defaultdict(list), defaultdict(list)
    for alert in alerts:
        if alert.scope == Alert.Scope.DEVICE:
            open_devices[alert.rule_id].append(alert.key)
            if alert.state != Alert.State.PENDING:
                out[alert.rule_id].append(alert.key)
    with connection.cursor() as cursor:
        for rule in causes:
            parameters: dict[str, Any] = {"kind": rule.kind, "causes": rule.causes, "open": open_devices[rule.pk]}
            cursor.execute(SQL["cause_readings"], parameters)
            for row in cursor.fetchall():
                _add(looks[rule.pk], rule, row, now)
        for rule in metrics:
            parameters = {
                "kind": rule.kind, "metric": rule.metric, "open": open_devices[rule.pk],
                "out": out[rule.pk], "raise_at": rule.raise_at, "clear_at": rule.clear_at, "falling": falls(rule),
                "oldest": now - OLDEST_SAMPLE,
            }  # fmt: skip
            cursor.execute(SQL["metric_readings"], parameters)
            for row in cursor.fetchall():
                _add(looks[rule.pk], rule, row, now)
    for alert in alerts:
        if alert.scope == Alert.Scope.DEVICE and alert.key not in looks[alert.rule_id].seen:
            # The device is no longer in the inventory.
            gone = Seen(Reading(None, "", silenced="out_of_service"), {})
            looks[alert.rule_id].seen[alert.key] = gone
    return looks


def falls(rule: AlertRule) -> bool:
    """Whether the rule watches for a value that falls: it clears above where it raises."""
    return rule.raise_at is not None and rule.clear_at is not None and rule.clear_at > rule.raise_at


def _add(look: _Look, rule: AlertRule, row: tuple[Any, ...], now: datetime) -> None:
    device_id, devid, feeder, cabinet, area, health, lifecycle, sample_at, holds, since, evidence = row
    shown: dict[str, Any] = json.loads(evidence) if isinstance(evidence, str) else (evidence or {})
    silenced = ""
    if not rule.is_active:
        silenced = "rule_off"
    elif health == "maintenance":
        silenced = "maintenance"
    elif lifecycle != "active":
        silenced = "out_of_service"
    if health == "unknown":
        # Blind, or never heard: neither broken nor well.
        holds = None
    sampled = rule.subject == AlertRule.Subject.METRIC or shown.get("code") not in CONNECTION_CAUSES
    mark = sample_at.isoformat() if sampled and sample_at else now.isoformat()
    belongs = {scope: key for scope, key in zip(SCOPES, (feeder, cabinet, area), strict=True) if key}
    look.seen[devid] = Seen(Reading(holds, mark, since, True, silenced, shown), belongs)
    look.device_ids[devid] = device_id


def _group_targets(rule: AlertRule, look: _Look, held: Mapping[Target, Held]) -> set[Target]:
    """The groups that have to be counted: those of devices that show something, and those that are open."""
    wanted = {target for target in held if target[0] in SCOPES}
    for one in look.seen.values():
        if one.reading.holds:
            wanted |= {(scope, one.belongs[scope]) for scope in rule.groups if scope in one.belongs}
    return wanted


def _counts(targets: Iterable[Target], kind: str) -> dict[Target, Count]:
    wanted = sorted(targets)
    if not wanted:
        return {}
    parameters: dict[str, Any] = {
        "scopes": [scope for scope, _ in wanted],
        "keys": [key for _, key in wanted],
        "kind": kind,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL["group_counts"], parameters)
        return {(scope, key): Count(seen, unseen) for scope, key, seen, unseen in cursor.fetchall()}


def _decide_blind(rule: AlertRule, held: Mapping[Target, Held], now: datetime) -> list[Decision]:
    """The alert about ourselves: shards with devices in service to which nobody listens."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["blind_shards"])
        since, shards, devices = cursor.fetchone()
    evidence = {"code": "we_are_blind", "shards": shards or [], "devices": devices}
    silenced = "" if rule.is_active else "rule_off"
    reading = Reading(since is not None, now.isoformat(), since, silenced=silenced, evidence=evidence)
    before = held.get(("self", ""))
    after, steps = advance(before.standing if before else None, reading, compiled(rule).timing, now)
    return [] if after is None else [Decision(("self", ""), after, tuple(steps), None, evidence)]


def open_count() -> int:
    """Alerts that call for someone: out, and not part of a common cause."""
    return Alert.objects.filter(state__in=("firing", "acknowledged"), suppressed_by=None).count()
