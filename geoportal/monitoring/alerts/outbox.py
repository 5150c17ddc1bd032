"""Emptying the outbox: each delivery is sent once, tried again with growing pauses, and never dropped silently.

Deliveries of one channel that are due together are one message: a storm is one mail. The rows stay locked while they
are sent, so two couriers never send the same. Only a courier killed between the other side's yes and our commit sends
again, and then with the same Message-ID and delivery numbers, by which the receiver knows it.
"""

from __future__ import annotations

import json
import logging
import smtplib
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from geoportal.monitoring.alerts.models import AlertChannel, AlertDelivery
from geoportal.monitoring.alerts.texts import evidence_text, reason_text, rule_name, subject_text
from geoportal.monitoring.alerts.webhook import WebhookFailed, WebhookRefused, post, signature
from geoportal.monitoring.alerts.writing import GROUP_WAIT

log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
"""After this long a delivery is dropped, with its last error, and stays visible."""
_NOT_SENT = (OSError, smtplib.SMTPException, WebhookFailed, WebhookRefused)
_NOT_MADE = (ValueError, TypeError, LookupError, AttributeError)
"""What writing a message can raise: an address that fits no header, an evidence of a form that no text knows. It is put
off with its error like one that was not taken, and stops no other.
"""
_TOGETHER = 200
LOOK_S = 5.0


def pause(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 16)), LONGEST_PAUSE)


def deliver_due(now: datetime) -> int:
    """Send what is due, channel by channel. Returns how many deliveries were sent."""
    channels = AlertDelivery.objects.filter(sent_at=None, dropped_at=None, due_at__lte=now)
    sent = 0
    for channel in AlertChannel.objects.filter(pk__in=channels.values("channel")):
        sent += _deliver(channel, now)
    return sent


def _deliver(channel: AlertChannel, now: datetime) -> int:
    with transaction.atomic():
        waiting = list(
            AlertDelivery.objects.select_for_update(skip_locked=True, of=("self",))
            # What fired a moment later goes along: a storm that takes some looks to fire is one message all the same.
            .filter(channel=channel, sent_at=None, dropped_at=None, due_at__lte=now + GROUP_WAIT)
            .select_related("transition__alert__rule", "transition__alert__device")
            .order_by("id")[:_TOGETHER]
        )
        wanted = [one for one in waiting if _is_wanted(one, channel)]
        unwanted = [one.pk for one in waiting if one not in wanted]
        AlertDelivery.objects.filter(pk__in=unwanted).update(dropped_at=now, last_error="suppressed")
        if not wanted:
            return 0
        return _attempt(channel, wanted, now)


def _attempt(channel: AlertChannel, deliveries: Sequence[AlertDelivery], now: datetime) -> int:
    """Send them as one message, or put them off. One that cannot be written is found by writing each alone."""
    try:
        _send(channel, deliveries, now)
    except (*_NOT_SENT, *_NOT_MADE) as error:
        if isinstance(error, _NOT_MADE) and len(deliveries) > 1:
            return sum(_attempt(channel, [one], now) for one in deliveries)
        _postpone(deliveries, f"{type(error).__name__}: {error}"[:300], now)
        log.warning("Channel %s: %d alerts not delivered yet: %s", channel.pk, len(deliveries), error)
        return 0
    AlertDelivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(sent_at=now, last_error="")
    return len(deliveries)


def _is_wanted(delivery: AlertDelivery, channel: AlertChannel) -> bool:
    """A common cause may have shown itself while it waited, or the channel may have been closed."""
    return channel.is_active and delivery.transition.alert.suppressed_by_id is None


def _postpone(deliveries: Sequence[AlertDelivery], error: str, now: datetime) -> None:
    for one in deliveries:
        one.attempts += 1
        one.last_error = error
        one.due_at = now + pause(one.attempts)
        if now - one.transition.at > GIVE_UP_AFTER:
            one.dropped_at = now
    AlertDelivery.objects.bulk_update(deliveries, ["attempts", "last_error", "due_at", "dropped_at"])


def _send(channel: AlertChannel, deliveries: Sequence[AlertDelivery], now: datetime) -> None:
    with override("it"):
        if channel.kind == AlertChannel.Kind.EMAIL:
            _mail(channel, deliveries)
        else:
            _post(channel, deliveries, now)


def _mail(channel: AlertChannel, deliveries: Sequence[AlertDelivery]) -> None:
    lines = [_line(one) for one in deliveries]
    first = deliveries[0]
    subject = lines[0] if len(lines) == 1 else _("%(count)d novità sugli allarmi") % {"count": len(lines)}
    body = "\n".join([*lines, "", *_links(deliveries)])
    domain = (settings.DEFAULT_FROM_EMAIL.rpartition("@")[2] or "localhost").strip("> ")
    headers = {"Message-ID": f"<alert-{first.pk}-{deliveries[-1].pk}@{domain}>", "Auto-Submitted": "auto-generated"}
    title = f"[Geoportale] {subject}".replace("\n", " ").replace("\r", " ")[:200]
    EmailMessage(title, body, settings.DEFAULT_FROM_EMAIL, [channel.address], headers=headers).send()


def _post(channel: AlertChannel, deliveries: Sequence[AlertDelivery], now: datetime) -> None:
    body = json.dumps({"version": 1, "alerts": [_as_json(one) for one in deliveries]}, ensure_ascii=False).encode()
    stamp = str(int(now.timestamp()))
    headers = {
        "X-Geoportal-Timestamp": stamp,
        "Idempotency-Key": f"alert-{deliveries[0].pk}-{deliveries[-1].pk}",
        "User-Agent": "cremona-geoportal",
    }
    if channel.secret:
        headers["X-Geoportal-Signature"] = signature(channel.secret, stamp, body)
    post(channel.address, body, headers)


def _line(delivery: AlertDelivery) -> str:
    step, alert = delivery.transition, delivery.transition.alert
    where = timezone.localtime(step.at).strftime("%d/%m/%Y %H:%M")
    parts = [f"{where} {alert.get_severity_display()}", subject_text(alert), rule_name(alert.rule)]
    return ": ".join([" – ".join([*parts, reason_text(step.why)]), evidence_text(step.evidence)]).rstrip(": ")


def _links(deliveries: Sequence[AlertDelivery]) -> list[str]:
    if not settings.PUBLIC_URL:
        return []
    numbers = sorted({one.transition.alert_id for one in deliveries})
    return [f"{settings.PUBLIC_URL}/tecnici/allarmi/{number}/" for number in numbers]


def _as_json(delivery: AlertDelivery) -> dict[str, Any]:
    step, alert = delivery.transition, delivery.transition.alert
    return {
        "delivery": delivery.pk,
        "transition": step.pk,
        "alert": alert.pk,
        "rule": alert.rule.slug,
        "severity": alert.severity,
        "scope": alert.scope,
        "key": alert.key,
        "before": step.before,
        "after": step.after,
        "why": step.why,
        "at": step.at.isoformat(),
        "since": alert.since.isoformat(),
        "text": _line(delivery),
        "evidence": step.evidence,
    }


class Courier(threading.Thread):
    """Empties the outbox beside the monitor: a slow mail server must not delay judging."""

    def __init__(self) -> None:
        super().__init__(name="courier", daemon=True)
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        """End after the message under way."""
        self._stop_asked.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                deliver_due(timezone.now())
            except (DatabaseError, InterfaceError) as error:
                log.warning("The database is away, trying again: %s", str(error).strip())
                connection.close()
            except Exception:
                # The outer edge of a thread that nobody watches: it must not end without a word.
                log.exception("A delivery failed in a way nobody expected")
            self._stop_asked.wait(LOOK_S)
        connection.close()
