"""What was turned away: connections and topics at the broker, tokens of enrolment, messages that could not be used."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from geoportal.monitoring.doorkeeper import SQL
from geoportal.monitoring.models import BrokerDenial, BrokerRefusal, EnrolmentToken
from geoportal.technicians.guard import for_technicians

DAYS = 7
SHOWN = 100


@require_safe
@for_technicians
def refusal_list(request: HttpRequest) -> HttpResponse:
    """The last week, newest first."""
    since = timezone.now() - timedelta(days=DAYS)
    connections = BrokerRefusal.objects.filter(hour__gt=since)
    with connection.cursor() as cursor:
        cursor.execute(SQL["dead_letters_by_sender"], {"since": since})
        letters = cursor.fetchall()
        cursor.execute(SQL["denials_by_client"], {"since": since})
        denials = cursor.fetchall()
    context = {
        "days": DAYS,
        "connections": connections[:SHOWN],
        "total": sum(connections.values_list("count", flat=True)),
        "letters": letters,
        "denials": [(*row[:2], BrokerDenial.Action(row[2]).label, *row[3:]) for row in denials],
        "counts_denials": bool(settings.BROKER_LOG),
        "tokens": EnrolmentToken.objects.filter(created_at__gt=since).select_related("device")[:SHOWN],
    }
    return render(request, "geoportal/technicians/refusals.html", context)
