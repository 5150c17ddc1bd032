"""Temporal functions of CQL2: instants and intervals compared by their ends (OGC 21-065r2, table 7; Allen 1983)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from psycopg2 import sql

from layers.errors import BadQuery
from layers.filters import instant as read_instant

if TYPE_CHECKING:
    from layers.cql2.translation import Translator

RELATIONS = {
    "t_after": "{a1} > {b2}",
    "t_before": "{a2} < {b1}",
    "t_disjoint": "{a1} > {b2} OR {a2} < {b1}",
    "t_intersects": "{a1} <= {b2} AND {a2} >= {b1}",
    "t_equals": "{a1} = {b1} AND {a2} = {b2}",
    "t_during": "{a1} > {b1} AND {a2} < {b2}",
    "t_contains": "{a1} < {b1} AND {a2} > {b2}",
    "t_starts": "{a1} = {b1} AND {a2} < {b2}",
    "t_startedby": "{a1} = {b1} AND {a2} > {b2}",
    "t_finishes": "{a1} > {b1} AND {a2} = {b2}",
    "t_finishedby": "{a1} < {b1} AND {a2} = {b2}",
    "t_meets": "{a2} = {b1}",
    "t_metby": "{a1} = {b2}",
    "t_overlaps": "{a1} < {b1} AND {a2} > {b1} AND {a2} < {b2}",
    "t_overlappedby": "{a1} > {b1} AND {a1} < {b2} AND {a2} > {b2}",
}
"""a1, a2: start and end of the first; b1, b2: of the second."""

OPEN = {"..", ""}


@dataclass(frozen=True, slots=True)
class Period:
    """Start and end as SQL; an instant has the same twice. `is_days`: dates, without time of day."""

    start: sql.Composable
    end: sql.Composable
    is_days: bool


def read(text: str) -> date:
    """A date or an aware time. Raises BadQuery."""
    return read_instant(text, "filter")


def instant(tree: dict[str, Any]) -> date:
    """The moment of {"date": …} or {"timestamp": …}. Raises BadQuery."""
    text = tree.get("date", tree.get("timestamp"))
    if not isinstance(text, str):
        raise BadQuery("filter", f"{str(tree)[:60]!r} is not an instant.")
    return read(text)


def period(translator: Translator, tree: Any) -> Period:
    """One side of a comparison in time. Raises BadQuery."""
    if isinstance(tree, dict) and "interval" in tree:
        ends = tree["interval"]
        if not isinstance(ends, list) or len(ends) != 2:
            raise BadQuery("filter", "an INTERVAL has a start and an end.")
        start, starts_on_day = _end(translator, ends[0], "-infinity", is_last=False)
        end, ends_on_day = _end(translator, ends[1], "infinity", is_last=True)
        return Period(start, end, starts_on_day and ends_on_day)
    term = translator.term(tree, "date")
    if term.kind not in {"date", "datetime"}:
        raise BadQuery("filter", f"{str(tree)[:60]!r} is {term.kind} where a date or time is needed.")
    return Period(term.sql, term.sql, term.kind == "date")


def _end(translator: Translator, tree: Any, when_open: str, *, is_last: bool) -> tuple[sql.Composable, bool]:
    if isinstance(tree, str) and tree in OPEN:
        return sql.SQL("{}::date").format(sql.Literal(when_open)), True
    if isinstance(tree, str):
        moment = read(tree)
        if is_last and not isinstance(moment, datetime):
            # A day that ends an interval lasts to its end; among dates that is the same day.
            last = sql.SQL("({}::date + interval '1 day' - interval '1 microsecond')::timestamp")
            value = translator.clause.value(moment)
            return last.format(value), True
        return translator.clause.value(moment), not isinstance(moment, datetime)
    term = translator.term(tree, "date")
    if term.kind not in {"date", "datetime"}:
        raise BadQuery("filter", f"{str(tree)[:60]!r} is {term.kind} where a date or time is needed.")
    return term.sql, term.kind == "date"


def condition(operator: str, first: Period, second: Period) -> sql.Composable:
    """The relation of two periods: as dates when both are, else as times (a date without time is midnight UTC)."""
    form = "({})::date" if first.is_days and second.is_days else "({})::timestamptz"
    ends = {"a1": first.start, "a2": first.end, "b1": second.start, "b2": second.end}
    cast = {name: sql.SQL(form).format(end) for name, end in ends.items()}
    return sql.SQL("({})").format(sql.SQL(RELATIONS[operator]).format(**cast))
