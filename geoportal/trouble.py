"""What is answered when a view could not finish: a page of ours, or JSON where programs ask, saying what to do."""

from __future__ import annotations

import sys

import psycopg2
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from layers.errors import QueryTooSlow

AWAY = (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError)
RETRY_S = 10
"""When to ask again while the database is away: the supervisor has it back within this time."""


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`, called while the exception is handled.

    503 when the database is away or the answer took longer than it may, else 500. The page asks the database nothing.
    """
    error = sys.exc_info()[1]
    if was_too_slow(error):
        name, status, code = "503_slow.html", 503, "QueryTooSlow"
    elif isinstance(error, AWAY):
        name, status, code = "503.html", 503, "ServiceUnavailable"
    else:
        name, status, code = "500.html", 500, "NoApplicableCode"
    response = _json(code) if request.path.startswith("/api/") else HttpResponse(render_to_string(name))
    response.status_code = status
    if code == "ServiceUnavailable":
        response["Retry-After"] = str(RETRY_S)
    response["Cache-Control"] = "no-store"
    return response


def was_too_slow(error: BaseException | None) -> bool:
    """Whether the database stopped a statement at its time limit."""
    canceled = psycopg2.errors.QueryCanceled
    return isinstance(error, QueryTooSlow | canceled) or (
        isinstance(error, OperationalError) and isinstance(error.__cause__, canceled)
    )


def _json(code: str) -> HttpResponse:
    texts = {
        "QueryTooSlow": _("La risposta richiedeva troppo tempo ed è stata interrotta. Chiedi meno dati per volta."),
        "ServiceUnavailable": _("La banca dati non risponde in questo momento. Riprova tra qualche secondo."),
        "NoApplicableCode": _(
            "Il servizio ha incontrato un errore, che è stato registrato. Riprova tra qualche minuto."
        ),
    }
    return JsonResponse({"code": code, "description": texts[code]}, json_dumps_params={"ensure_ascii": False})
