"""Writing decisions: alerts, their transitions, and in the same transaction the outbox. Also the acknowledgement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import connection, transaction

from geoportal.monitoring.alerts.deciding import Decision
from geoportal.monitoring.alerts.grouping import Target
from geoportal.monitoring.alerts.machine import ACKNOWLEDGED, CALLS, FIRING, RESOLVED
from geoportal.monitoring.alerts.models import (
    Alert,
    AlertChannel,
    AlertDelivery,
    AlertRule,
    AlertTransition,
    Severity,
)
from geoportal.sql import queries

GROUP_WAIT = timedelta(seconds=30)
"""A new alert waits before it is sent, so that a storm becomes one message and a common cause can show itself."""
_BATCH = 500
_encode = msgspec.json.Encoder().encode


class NotOpen(Exception):
    """The alert cannot be acknowledged: it waits, is over, or somebody already has it."""


def write(
    rule: AlertRule,
    decisions: Sequence[Decision],
    held: Mapping[Target, Alert],
    device_ids: Mapping[str, int],
    now: datetime,
) -> int:
    """Store what was decided, groups before their devices. Returns how many steps were taken."""
    stored = dict(held)
    steps = 0
    for level in (
        [one for one in decisions if one.target[0] != "device"],
        [one for one in decisions if one.target[0] == "device"],
    ):
        steps += _write_level(rule, level, stored, device_ids, now)
    return steps


def acknowledge(alert_id: int, user_id: int, note: str, now: datetime) -> Alert:
    """Take an alert in charge: no more repeats and escalations. Raises NotOpen, or Alert.DoesNotExist."""
    with transaction.atomic():
        alert = Alert.objects.select_for_update().get(pk=alert_id)
        if alert.state != FIRING:
            raise NotOpen(alert.state)
        alert.state, alert.acknowledged_at, alert.acknowledged_by_id = ACKNOWLEDGED, now, user_id
        alert.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
        AlertTransition.objects.create(
            alert=alert, at=now, before=FIRING, after=ACKNOWLEDGED, why="acknowledged", by_id=user_id, note=note
        )
    return alert


def _write_level(
    rule: AlertRule,
    decisions: Sequence[Decision],
    stored: dict[Target, Alert],
    device_ids: Mapping[str, int],
    now: datetime,
) -> int:
    fresh: list[Alert] = []
    changed: list[Alert] = []
    stepped: list[tuple[Alert, Decision]] = []
    for decision in decisions:
        alert = stored.get(decision.target)
        if alert is None:
            scope, key = decision.target
            alert = Alert(rule=rule, scope=scope, key=key, device_id=device_ids.get(key) if scope == "device" else None)
            alert.severity = rule.severity
            stored[decision.target] = alert
            fresh.append(alert)
            _apply(alert, decision, stored, now)
        elif _apply(alert, decision, stored, now):
            changed.append(alert)
        if decision.steps:
            stepped.append((alert, decision))
    Alert.objects.bulk_create(fresh, batch_size=_BATCH)
    _update(changed)
    transitions = [
        AlertTransition(
            alert=alert, at=now, before=step.before, after=step.after, why=step.why, evidence=alert.evidence
        )
        for alert, decision in stepped
        for step in decision.steps
    ]
    AlertTransition.objects.bulk_create(transitions, batch_size=_BATCH)
    _queue(transitions, now)
    return len(transitions)


def _update(alerts: Sequence[Alert]) -> None:
    """Write the changed alerts in one statement: a storm has thousands, and one CASE for each would take minutes."""
    if not alerts:
        return
    rows = [
        {
            "id": one.pk, "state": one.state, "since": one.since, "samples": one.samples, "mark": one.mark,
            "clear_since": one.clear_since, "fired_at": one.fired_at, "notified_at": one.notified_at,
            "escalated_at": one.escalated_at, "flips": one.flips, "is_flapping": one.is_flapping,
            "suppressed_by_id": one.suppressed_by_id, "resolved_at": one.resolved_at, "evidence": one.evidence,
        }
        for one in alerts
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(queries("geoportal.monitoring", "alerts")["update_alerts"], {"rows": _encode(rows).decode()})


def _apply(alert: Alert, decision: Decision, stored: Mapping[Target, Alert], now: datetime) -> bool:
    """Put the decision on the row. Returns whether anything that is stored changed."""
    standing = decision.standing
    parent = stored.get(decision.parent) if decision.parent else None
    values = {
        "state": standing.state,
        "since": standing.since,
        "samples": standing.samples,
        "mark": standing.mark,
        "clear_since": standing.clear_since,
        "fired_at": standing.fired_at,
        "notified_at": standing.notified_at,
        "escalated_at": standing.escalated_at,
        "flips": list(standing.flips),
        "is_flapping": standing.is_flapping,
        "suppressed_by_id": parent.pk if parent else None,
    }
    changed = any(getattr(alert, name) != value for name, value in values.items())
    for name, value in values.items():
        setattr(alert, name, value)
    if standing.state == RESOLVED:
        alert.resolved_at = now
    elif decision.evidence and (changed or decision.steps or alert.scope != Alert.Scope.DEVICE):
        changed |= alert.evidence != decision.evidence
        alert.evidence = decision.evidence
    return changed


def _queue(transitions: Sequence[AlertTransition], now: datetime) -> None:
    """Fill the outbox for the steps people are called for, unless a common cause already calls them."""
    calling = [one for one in transitions if one.why in CALLS and one.alert.suppressed_by_id is None]
    if not calling:
        return
    channels = list(AlertChannel.objects.filter(is_active=True))
    called = _already_called([one.alert_id for one in calling if one.why == "cleared"])
    deliveries = [
        AlertDelivery(
            transition=one, channel=channel, due_at=now + (GROUP_WAIT if one.why not in _AT_ONCE else timedelta(0))
        )
        for one in calling
        for channel in channels
        if _wants(channel, one) and (one.why != "cleared" or (one.alert_id, channel.pk) in called)
    ]
    AlertDelivery.objects.bulk_create(deliveries, batch_size=_BATCH)


_AT_ONCE = frozenset({"escalated", "repeated"})


def _wants(channel: AlertChannel, transition: AlertTransition) -> bool:
    if channel.least_severity == Severity.CRITICAL and transition.alert.severity != Severity.CRITICAL:
        return False
    return not channel.only_escalations or transition.why in ("escalated", "cleared")


def _already_called(alert_ids: Sequence[int]) -> set[tuple[int, int]]:
    """(alert, channel) that were or are about to be told: only they hear of the end."""
    if not alert_ids:
        return set()
    found = AlertDelivery.objects.filter(transition__alert__in=alert_ids, dropped_at=None)
    return set(found.values_list("transition__alert", "channel"))
