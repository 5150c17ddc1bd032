"""Filling the search index of a layer, in a few INSERT … SELECT statements and one transaction.

A change of the data, of a searchable field or of publication asks for it by a trigger, which queues a job. Where the
layer's history tells which features changed and they are few, `layers.search.changes` does these alone.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import connection, transaction
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import catalogue
from layers.database import table_of
from layers.models import SearchIndex
from layers.search.changes import index_changes, moment_of
from layers.search.parts import parts_of
from layers.search.scopes import scopes_of

SQL = queries("layers.search", "index")


def index_layer(layer_id: int, *, whole: bool = False) -> int:
    """Bring the index of a layer up to date, or forget it when it is not published or not searchable.

    Returns how many entries it has now. `whole`: anew even where only a little changed.
    """
    layer = next((entry for entry in catalogue().layers.values() if entry.id == layer_id), None)
    started = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        # Two at once would leave every entry twice.
        cursor.execute("SELECT pg_advisory_xact_lock(26110, %s)", [layer_id])
        scopes = scopes_of(layer) if layer is not None and layer.kind == "vector" else []
        if layer is None or not scopes:
            _forget(cursor, layer_id)
            return 0
        # Read before the rows: what changes meanwhile is done once more the next time.
        moment = moment_of(layer)
        before = SearchIndex.objects.filter(layer_id=layer_id).first()
        is_part = not whole and before is not None and index_changes(cursor, scopes, before, moment)
        if not is_part:
            _forget(cursor, layer_id)
            for scope in scopes:
                names = {"layer": layer.id, "scope": scope.id}
                for part in parts_of(scope):
                    cursor.execute(part.statement(table_of(layer)), names)
                cursor.execute(sql.SQL(SQL["words"]).format(), names)
        cursor.execute(SQL["count"], {"layer": layer.id})
        (entries,) = cursor.fetchone()
        facts = {"data_version": layer.data_version, "entries": entries, "scopes": [scope.id for scope in scopes]}
        facts |= {"generation": moment.generation, "version": moment.version} if moment else {}
        facts |= {} if moment else {"generation": None, "version": None}
        facts["seconds"] = round(time.monotonic() - started, 3)
        SearchIndex.objects.update_or_create(layer_id=layer.id, defaults=facts)
    if not is_part:
        settle()
    return int(entries)


def _forget(cursor: Any, layer_id: int) -> None:
    cursor.execute(SQL["forget"], {"layer": layer_id})
    SearchIndex.objects.filter(layer_id=layer_id).delete()


def settle() -> None:
    """Merge what the bulk insert left waiting in the word indexes."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["settle"])


def analyse() -> None:
    """Let the planner know the new rows: without it a fresh index is read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE layers_searchentry, layers_searchword")
