"""One read on the kept connection: statement timeout, text as bytes, database errors in the catalogue's words.

A question that may come again is a `Plan`: text composed once per process, parsed and planned by PostgreSQL once per
connection. Measured on a page of ten features, planning is 0.19 of 0.34 ms. What is filtered keeps its values in the
text, since the right plan depends on them, and is prepared when a connection meets it for the second time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import psycopg2
import psycopg2.errors
from django.db import connection
from django.db.backends.signals import connection_created
from psycopg2 import extensions, sql

from layers.catalogue import LayerEntry
from layers.errors import BadQuery, QueryTooSlow
from layers.models import geodata_identifier

STATEMENT_TIMEOUT_MS = 10_000
PLANS_KEPT = 200
"""Per connection; the least used goes first. A plan of a page takes PostgreSQL some 100 kB."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Plan:
    """A statement whose text is always the same, with numbered slots ($1, $2 …) where a value changes."""

    text: str
    is_prepared_at_once: bool = True
    """False: only when it comes back, since many a question is asked once."""

    @classmethod
    def asked(cls, statement: sql.Composable, params: dict[str, Any]) -> Plan:
        """A statement with its values in place and no slots."""
        connection.ensure_connection()
        with connection.connection.cursor() as cursor:
            return cls(cursor.mogrify(statement, params).decode(), is_prepared_at_once=False)

    @classmethod
    def of(cls, statement: sql.Composable, fixed: dict[str, int], slots: Sequence[str]) -> Plan:
        """From a statement with named placeholders: `fixed` ones become numbers, `slots` are filled at every read."""
        names = {name: str(int(value)) for name, value in fixed.items()}
        names |= {name: f"${at}" for at, name in enumerate(slots, 1)}
        return cls(rendered(statement) % names)


class _Plans:
    """The plans one connection holds, under their names there."""

    def __init__(self) -> None:
        self._names: OrderedDict[Plan, str] = OrderedDict()
        self._met: WeakSet[Plan] = WeakSet()
        self._numbers = count(1)

    def call(self, cursor: Any, plan: Plan, slots: str) -> str:
        """What to execute for a plan, prepared now if it is time."""
        if not plan.is_prepared_at_once and plan not in self._met:
            self._met.add(plan)
            return plan.text
        return f"EXECUTE {self._name(cursor, plan)} {slots}"

    def _name(self, cursor: Any, plan: Plan) -> str:
        held = self._names.get(plan)
        if held is None:
            held = f"geoportal_plan_{next(self._numbers)}"
            cursor.execute(f"PREPARE {held} AS {plan.text}")
            self._names[plan] = held
            if len(self._names) > PLANS_KEPT:
                cursor.execute(f"DEALLOCATE {self._names.popitem(last=False)[1]}")
        else:
            self._names.move_to_end(plan)
        return held


statement_limit_ms: ContextVar[int | None] = ContextVar("statement_limit_ms", default=None)
"""A shorter time for the reads of one request: those from another office's server."""

_plans: WeakKeyDictionary[Any, _Plans] = WeakKeyDictionary()
_bound_at_connect = False


def bound_every_statement() -> None:
    """For web processes: the timeout holds for whole connections, which saves saying it with every read."""
    global _bound_at_connect
    _bound_at_connect = True
    connection_created.connect(_bind, dispatch_uid="layers.database")


def keeps_connections() -> bool:
    """Whether this is a process whose connections stay open between requests."""
    return _bound_at_connect


def _bind(connection: Any, **_kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = %s", [STATEMENT_TIMEOUT_MS])


def _limit() -> str:
    own = statement_limit_ms.get()
    if own is not None:
        return f"SET LOCAL statement_timeout = {own};\n"
    # In one message with the statement, SET LOCAL ends with it and costs no round trip of its own.
    return "" if _bound_at_connect else f"SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};\n"


def table_of(layer: LayerEntry) -> sql.Composable:
    """What to select a layer's rows from: its table or view, or its rows as they were."""
    if layer.past:
        return sql.SQL(layer.past.source)
    return sql.Identifier(*geodata_identifier(layer.table_name))


def rendered(statement: sql.Composable) -> str:
    """The text of a statement, placeholders kept."""
    connection.ensure_connection()
    return str(statement.as_string(connection.connection))


def read_row(statement: sql.Composable, params: dict[str, Any], *, text_as_bytes: bool = False) -> Row:
    """The one row of a statement, in one round trip. `text_as_bytes` leaves text undecoded, as UTF-8.

    Raises BadQuery when a value does not fit its column and QueryTooSlow after the statement timeout.
    """
    return _read(lambda cursor: cursor.execute(_limit() + rendered(statement), params), text_as_bytes, _one)


def read_rows(statement: sql.Composable, params: dict[str, Any]) -> list[Row]:
    """Every row of a statement. Raises what `read_row` raises."""
    return _read(lambda cursor: cursor.execute(_limit() + rendered(statement), params), False, _all)


def read_plan(plan: Plan, values: Sequence[Any] = ()) -> Row:
    """The one row of a plan filled with values, text as bytes; () when there is none. Raises what `read_row` raises."""
    rows = read_plan_rows(plan, values)
    return rows[0] if rows else ()


def read_plan_rows(plan: Plan, values: Sequence[Any] = ()) -> list[Row]:
    """Every row of a plan filled with values, text as bytes. Raises what `read_row` raises."""
    slots = f"({', '.join(['%s'] * len(values))})" if values else ""

    def ask(cursor: Any) -> None:
        held = _plans.get(cursor.connection)
        if held is None:
            held = _plans[cursor.connection] = _Plans()
        cursor.execute(_limit() + held.call(cursor, plan, slots), values or None)

    return _read(ask, True, _all)


def _one(cursor: Any) -> Row:
    row = cursor.fetchone()
    return tuple(row) if row is not None else ()


def _all(cursor: Any) -> list[Row]:
    return list(cursor.fetchall())


def _read[Found](ask: Callable[[Any], None], text_as_bytes: bool, take: Callable[[Any], Found]) -> Found:
    connection.ensure_connection()
    raw = connection.connection
    try:
        return _asked(ask, text_as_bytes, take)
    except psycopg2.errors.InvalidSqlStatementName:
        # Somebody discarded what the connection held: it is planned again.
        _plans.pop(raw, None)
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        # The database was started again meanwhile. A read changes nothing, so it may be asked once more.
        if not raw.closed or connection.in_atomic_block:
            raise
        connection.close()
        connection.ensure_connection()
    return _asked(ask, text_as_bytes, take)


def _asked[Found](ask: Callable[[Any], None], text_as_bytes: bool, take: Callable[[Any], Found]) -> Found:
    with connection.connection.cursor() as cursor, _limit_given_back(cursor):
        if text_as_bytes:
            extensions.register_type(extensions.BYTES, cursor)
        try:
            ask(cursor)
        except psycopg2.errors.QueryCanceled as error:
            raise QueryTooSlow from error
        except psycopg2.errors.DataError as error:
            raise BadQuery("query", _first_line(error)) from error
        except psycopg2.errors.InternalError as error:
            # PostGIS reports a coordinate outside the domain of a transformation this way.
            raise BadQuery("query", _first_line(error)) from error
        return take(cursor)


@contextmanager
def _limit_given_back(cursor: Any) -> Iterator[None]:
    """Within a transaction SET LOCAL outlives its read, and would cut off the long work around it."""
    # A transaction that has failed answers nothing, this no more than the read, which says so itself.
    has_failed = cursor.connection.info.transaction_status == extensions.TRANSACTION_STATUS_INERROR
    if has_failed or not (connection.in_atomic_block and _limit()):
        yield
        return
    with cursor.connection.cursor() as other:
        other.execute("SHOW statement_timeout")
        before = other.fetchone()
        # Where the read fails, so does the transaction up to its savepoint, and takes the limit with it.
        yield
        other.execute("SET LOCAL statement_timeout = %s", before)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:300]
