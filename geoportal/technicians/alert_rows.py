"""What the pages about alerts read, as small rows with their texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from geoportal.monitoring.alerts.models import Alert
from geoportal.monitoring.alerts.texts import evidence_text, rule_name, subject_text
from geoportal.monitoring.causes import cause_text
from geoportal.monitoring.models import StateInterval

SHOWN = 500
"""Alerts in one list; older ones are found by their device."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert as lists show it."""

    id: int
    subject: str
    rule: str
    severity: str
    is_critical: bool
    state: str
    is_open: bool
    since: datetime
    ended: datetime | None
    evidence: str
    devices: int
    """How many alerts it keeps quiet as their common cause."""
    group: str
    is_flapping: bool
    taken_by: str
    """Who has taken it in charge."""


def visible_alerts(kinds: Iterable[str]) -> QuerySet[Alert]:
    """Alerts about groups, about ourselves, and about devices of these kinds."""
    return Alert.objects.filter(Q(device=None) | Q(device__kind__in=sorted(kinds)))


def open_alerts(kinds: Iterable[str]) -> list[AlertRow]:
    """Those that call for someone, grave ones first, then the oldest; children stand under their common cause."""
    found = _listed(visible_alerts(kinds).filter(state__in=("firing", "acknowledged"), suppressed_by=None))
    return sorted(map(_row, found[:SHOWN]), key=lambda row: (not row.is_critical, row.since))


def past_alerts(kinds: Iterable[str]) -> list[AlertRow]:
    """The last ones that ended after having called for someone."""
    found = visible_alerts(kinds).filter(state="resolved", suppressed_by=None).exclude(fired_at=None)
    return [_row(alert) for alert in _listed(found).order_by("-resolved_at")[:50]]


def children_of(alert: Alert) -> list[AlertRow]:
    """The alerts that this common cause keeps quiet."""
    return [_row(child) for child in _listed(alert.children.all()).order_by("key")[:SHOWN]]


def alerts_of_device(devid: str) -> list[AlertRow]:
    """Open alerts of one device, quiet ones too."""
    found = Alert.objects.filter(scope="device", key=devid, state__in=("firing", "acknowledged"))
    return [_row(alert) for alert in _listed(found)]


def groups_of_devices() -> dict[str, tuple[int, str]]:
    """Code of each device under a common cause → number and name of the common cause's alert."""
    found = Alert.objects.filter(scope="device", resolved_at=None).exclude(suppressed_by=None)
    return {
        one.key: (one.suppressed_by.pk, subject_text(one.suppressed_by))
        for one in found.select_related("suppressed_by")
        if one.suppressed_by is not None
    }


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One time in one state."""

    started_at: datetime
    ended_at: datetime | None
    health: str
    why: str


def intervals_of_device(devid: str, most: int = 20) -> list[IntervalRow]:
    """The newest states of a device."""
    found = StateInterval.objects.filter(device__devid=devid).order_by("-started_at")[:most]
    return [IntervalRow(one.started_at, one.ended_at, one.health, cause_text(one.cause)) for one in found]


def _listed(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    counted = alerts.annotate(child_count=Count("children", filter=Q(children__resolved_at=None)))
    return counted.select_related("rule", "device", "suppressed_by", "acknowledged_by")


def _row(alert: Alert) -> AlertRow:
    return AlertRow(
        id=alert.pk,
        subject=subject_text(alert),
        rule=rule_name(alert.rule),
        severity=str(alert.get_severity_display()),
        is_critical=alert.severity == "critical",
        state=str(alert.get_state_display()),
        is_open=alert.state == "firing",
        since=alert.since,
        ended=alert.resolved_at,
        evidence=evidence_text(alert.evidence),
        devices=int(getattr(alert, "child_count", 0)),
        group=subject_text(alert.suppressed_by) if alert.suppressed_by else "",
        is_flapping=alert.is_flapping,
        taken_by=alert.acknowledged_by.username if alert.acknowledged_by else "",
    )
