"""One read on the kept connection: statement timeout, text as bytes, database errors in the catalogue's words."""

from __future__ import annotations

from typing import Any

import psycopg2
import psycopg2.errors
from django.db import connection
from psycopg2 import extensions, sql

from layers.catalogue import LayerEntry
from layers.errors import BadQuery, QueryTooSlow
from layers.models import geodata_identifier

STATEMENT_TIMEOUT_MS = 10_000


def table_of(layer: LayerEntry) -> sql.Identifier:
    """The quoted table or view of a layer."""
    return sql.Identifier(*geodata_identifier(layer.table_name))


def read_row(statement: sql.Composable, params: dict[str, Any], *, text_as_bytes: bool = False) -> tuple[Any, ...]:
    """The one row of a statement, in one round trip. `text_as_bytes` leaves text undecoded, as UTF-8.

    Raises BadQuery when a value does not fit its column and QueryTooSlow after the statement timeout.
    """
    connection.ensure_connection()
    # In one message with the statement, SET LOCAL ends with it and costs no round trip of its own.
    whole = sql.SQL("SET LOCAL statement_timeout = {};\n{}").format(sql.Literal(STATEMENT_TIMEOUT_MS), statement)
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        if text_as_bytes:
            extensions.register_type(extensions.BYTES, cursor)
        return _fetch(cursor, whole, params)


def _fetch(cursor: Any, statement: sql.Composable, params: dict[str, Any]) -> tuple[Any, ...]:
    try:
        cursor.execute(statement, params)
    except psycopg2.errors.QueryCanceled as error:
        raise QueryTooSlow from error
    except psycopg2.errors.DataError as error:
        raise BadQuery("query", _first_line(error)) from error
    except psycopg2.errors.InternalError as error:
        # PostGIS reports a coordinate outside the domain of a transformation this way.
        raise BadQuery("query", _first_line(error)) from error
    row = cursor.fetchone()
    return tuple(row) if row is not None else ()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
