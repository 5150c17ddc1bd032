"""What was turned away: connections at the broker, tokens of enrolment, and messages that could not be used."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from geoportal.monitoring.doorkeeper import SQL
from geoportal.monitoring.models import BrokerRefusal, EnrolmentToken
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
    context = {
        "days": DAYS,
        "connections": connections[:SHOWN],
        "total": sum(connections.values_list("count", flat=True)),
        "letters": letters,
        "tokens": EnrolmentToken.objects.filter(created_at__gt=since).select_related("device")[:SHOWN],
    }
    return render(request, "geoportal/technicians/refusals.html", context)
