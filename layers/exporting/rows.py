"""The features of a question, read a block at a time, so that memory does not depend on how many there are."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.errors
from django.db import connection
from psycopg2 import extensions, sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import keeps_connections, table_of
from layers.errors import BadQuery, QueryTooSlow
from layers.filters import Whitelist
from layers.items import ItemsQuery, conditions, page_source, selected
from layers.paging import order_of, sort_keys
from layers.rights import Audience

EXPORT_TIMEOUT_MS = 120_000
"""For each block: an export may take long, a single step of it may not."""
BLOCK, FIRST_BLOCK = 1000, 100
"""Features read at a time, and in the first step: what a client waits for before the first byte."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Source:
    """Which features: all that match the question, in any order, or (`is_page`) one page of them in its order."""

    layer: LayerEntry
    audience: Audience
    query: ItemsQuery
    is_page: bool = False

    @property
    def allowed(self) -> Whitelist:
        return Whitelist.of(self.layer, self.audience)

    @property
    def has_geometry(self) -> bool:
        return bool(self.layer.geometry_field) and not self.query.skip_geometry

    @property
    def names(self) -> list[str]:
        """The identifier and the attributes asked for. Raises BadQuery."""
        first = self.layer.id_field
        return [first, *(name for name in selected(self.allowed, self.query.properties) if name != first)]

    def select(self, columns: sql.Composable) -> tuple[sql.Composable, dict[str, Any]]:
        """A statement that gives `columns` of each feature, called `f` in them. Raises BadQuery."""
        names = queries("layers", "exports")
        if self.is_page:
            source, params = page_source(self.layer, self.audience, self.query)
            return sql.SQL(names["page"]).format(columns=columns, page=source), params
        clause = conditions(self.allowed, self.query)
        order: sql.Composable = sql.SQL("")
        if self.query.sortby:
            order = sql.SQL("ORDER BY {}").format(order_of(sort_keys(self.allowed, self.query.sortby)))
        form = sql.SQL(names["all"])
        return form.format(columns=columns, table=table_of(self.layer), where=clause.sql, order=order), clause.params


def blocks(source: Source, columns: sql.Composable, *, text_as_bytes: bool = False) -> Generator[list[tuple[Any, ...]]]:
    """The rows of a source, a block at a time. Closing the iterator ends the query and frees what it held.

    Raises BadQuery when a value does not fit and QueryTooSlow when one block takes longer than the timeout.
    """
    statement, params = source.select(columns)
    with _reader(keeps=source.layer.source is None) as link, link.cursor(name=f"export_{next(_numbers)}") as cursor:
        if text_as_bytes:
            extensions.register_type(extensions.BYTES, cursor)
        _step(lambda: cursor.execute(statement, params))
        size = FIRST_BLOCK
        while rows := _step(lambda: cursor.fetchmany(size)):  # noqa: B023 - asked at once
            yield rows
            size = BLOCK


_idle: deque[Any] = deque()
"""The connection that the last export of this process has left: a new one needs 20 to 40 ms to its first feature."""


@contextmanager
def _reader(*, keeps: bool) -> Iterator[Any]:
    """A connection for one export: it outlives the view, and its end frees all that the database held for it.

    Not `keeps`: it is closed afterwards, and with it what it holds open to another office's server.
    Within a transaction the export reads in it, to see what that has written.
    """
    if connection.in_atomic_block:
        yield connection.connection
        return
    link = _kept() or _connected()
    try:
        yield link
    finally:
        _leave(link, keeps=keeps)


def _connected() -> Any:
    params = connection.get_connection_params()
    params.pop("cursor_factory", None)
    # All rows will be read: the plan that is quickest to the last one is wanted, not to the first tenth.
    options = f"-c statement_timeout={EXPORT_TIMEOUT_MS} -c cursor_tuple_fraction=1.0"
    link = psycopg2.connect(**{**params, "application_name": "geoportal export", "options": options})
    link.set_session(readonly=True)
    return link


def _kept() -> Any | None:
    """The idle connection, if it is still one: the database may have been started again meanwhile."""
    with suppress(IndexError):
        link = _idle.pop()
        try:
            with link.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error:
            link.close()
        else:
            return link
    return None


def _leave(link: Any, *, keeps: bool) -> None:
    """End the transaction, and with it the query; web processes keep one connection for the next export."""
    try:
        if keeps and keeps_connections() and not link.closed and not _idle:
            link.rollback()
            _idle.append(link)
            return
    except psycopg2.Error:
        pass  # what cannot be ended is closed
    link.close()


def _step(ask: Any) -> Any:
    try:
        return ask()
    except psycopg2.errors.QueryCanceled as error:
        raise QueryTooSlow from error
    except (psycopg2.errors.DataError, psycopg2.errors.InternalError) as error:
        raise BadQuery("query", str(error).strip().split("\n", 1)[0][:300]) from error
