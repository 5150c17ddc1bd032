"""Announced work: the windows of each device, made from plans by device, cabinet, feeder, operator or area."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from geoportal.monitoring.models import MaintenancePlan, MaintenanceWindow
from geoportal.monitoring.watching import announce
from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "maintenance")

ROME = ZoneInfo("Europe/Rome")
AHEAD = timedelta(days=8)
"""Windows are made this far ahead; the monitor does it again and again, so devices that join later are covered."""
_MOST = 400


def occurrences(plan: MaintenancePlan, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The times of a plan that meet [begin, end). Repeated ones keep the clock's hour when summer time changes."""
    lasts = plan.ends_at - plan.starts_at
    if plan.repeat == MaintenancePlan.Repeat.ONCE:
        if plan.starts_at < end and plan.ends_at > begin:
            yield plan.starts_at, plan.ends_at
        return
    step = 7 if plan.repeat == MaintenancePlan.Repeat.WEEKLY else 1
    first = plan.starts_at.astimezone(ROME)
    missed = max(0, (begin - lasts - plan.starts_at).days // step - 1)
    for number in range(missed, missed + _MOST):
        # Wall-clock arithmetic: the zone's rules are applied when the local time is turned into a moment.
        start = (first.replace(tzinfo=None) + timedelta(days=step * number)).replace(tzinfo=ROME)
        if start >= end or (plan.until is not None and start.date() > plan.until):
            return
        if start + lasts > begin:
            yield start, start + lasts


def unroll(now: datetime) -> None:
    """Make the windows of the days to come of every plan. Safe to repeat."""
    for plan in MaintenancePlan.objects.all():
        _unroll(plan, now)


def save(plan: MaintenancePlan, now: datetime) -> int:
    """Store a plan and make its windows. Returns how many devices it touches; judges those it touches now."""
    with transaction.atomic():
        plan.full_clean()
        plan.save()
        _unroll(plan, now)
        ids = _device_ids(plan)
        announce(ids, now)
    return len(ids)


def cancel(plan: MaintenancePlan, now: datetime) -> None:
    """End a plan: what is under way ends now, what was to come is gone, what was done stays."""
    with transaction.atomic():
        ids = _device_ids(plan)
        plan.windows.filter(starts_at__gte=now).delete()
        plan.windows.filter(ends_at__gt=now).update(ends_at=now)
        # The windows that are history do not go with their plan.
        plan.windows.update(plan=None)
        plan.delete()
        announce(ids, now)


def _unroll(plan: MaintenancePlan, now: datetime) -> None:
    times = list(occurrences(plan, now, now + AHEAD))
    if not times:
        return
    ids = _device_ids(plan)
    MaintenanceWindow.objects.bulk_create(
        [
            MaintenanceWindow(plan=plan, device_id=device, starts_at=start, ends_at=end, note=plan.note)
            for device in ids
            for start, end in times
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )


def _device_ids(plan: MaintenancePlan) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(SQL["devices_of_plan"], {"scope": plan.scope, "key": plan.key})
        return [device for (device,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Target:
    """What a plan may be about. `name`: of a device, else empty."""

    scope: str
    key: str
    name: str
    devices: int


def targets() -> list[Target]:
    """Every device, cabinet, feeder, operator and area that the inventory has, for forms."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["targets"])
        return [
            Target(scope, key, name if scope == "device" else "", devices)
            for scope, key, name, devices in cursor.fetchall()
        ]
