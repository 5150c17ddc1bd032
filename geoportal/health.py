"""`GET /healthz`: whether this instance can do its work, for load balancers, containers and `make run`."""

from __future__ import annotations

import socket
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from geoportal.monitoring.watching import ingest_age

_BROKER_WAIT_S = 0.5
LATE_S, SILENT_S = 5, 60
"""Ingest says every second that it listens. A restart takes a few seconds; a minute is no restart."""


class MigrationsMissing(Exception):
    """The database's tables are older than this code."""


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and has every migration, else 503; the body says which parts answer.

    Broker and ingest do not decide the code: without them the map still works and shows the last known states. The
    word is `degraded` when ingest has been silent for a minute.
    """
    parts: dict[str, object] = {"database": False, "migrations": False, "broker": broker_answers()}
    parts |= {"ingest": "unknown", "ingest_age_s": None}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        parts["database"] = True
        require_migrations()
        parts["migrations"] = True
        parts["ingest"], parts["ingest_age_s"] = ingest_state()
    except (DatabaseError, MigrationsMissing):
        connection.close()  # a broken connection must not be met again by the next request
    healthy = bool(parts["database"] and parts["migrations"])
    word = "degraded" if parts["ingest"] == "silent" else "ok"
    return JsonResponse({"status": word if healthy else "unavailable", **parts}, status=200 if healthy else 503)


@cache
def require_migrations() -> None:
    """Raises MigrationsMissing unless every migration of this code is applied. The yes is kept."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MigrationsMissing


def ingest_state() -> tuple[str, float | None]:
    """How the shard stands that is served worst: listening, late, silent or never; and the age of its heartbeat."""
    age, connected = ingest_age()
    if age is None:
        return "never", None
    word = "silent" if age > SILENT_S else "listening" if connected and age <= LATE_S else "late"
    return word, round(age, 1)


def broker_answers() -> bool:
    """Whether the broker's port takes connections."""
    try:
        socket.create_connection((settings.MQTT_HOST, settings.MQTT_PORT), timeout=_BROKER_WAIT_S).close()
    except OSError:
        return False
    return True
