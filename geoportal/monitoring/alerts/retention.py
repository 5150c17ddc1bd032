"""Forgetting alerts that ended long ago, with their history, and deliveries that were made."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "alerts")
AT_ONCE = 2000
"""Alerts forgotten in one transaction, which holds locks that evaluating waits for."""


def forget_old_alerts(now: datetime) -> int:
    """Forget what the settings' retention says. Returns how many alerts went."""
    with connection.cursor() as cursor:
        before = now - timedelta(days=settings.RETENTION_DAYS["deliveries"])
        cursor.execute(SQL["forget_deliveries"], {"before": before})
    before = now - timedelta(days=settings.RETENTION_DAYS["alerts"])
    total = 0
    while number := _forget(before):
        total += number
    return total


def _forget(before: datetime) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["forget_before"], {"before": before})
        cursor.execute(SQL["old_alerts"], {"before": before, "most": AT_ONCE})
        ids = [number for (number,) in cursor.fetchall()]
        if ids:
            for name in ("release_from_old", "forget_deliveries_of", "forget_transitions_of", "forget_alerts"):
                cursor.execute(SQL[name], {"ids": ids})
    return len(ids)
