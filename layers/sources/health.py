"""How sources are doing: one row each, shared by every process, changed in single statements.

A source that does not answer is left alone for a while: 10 s to five minutes, the longer the longer it has been away.
Then one request, or the worker, tries it again; the first success ends it. So nobody waits for a dead server, and it
comes back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from geoportal.sql import queries

SQL = queries("layers.sources", "sources")
PAUSE_S = 10
LONGEST_PAUSE_S = 300
SLOW_LIMIT = 3
"""Slow answers in a row that close a source; one may be the fault of the question."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a source may be asked now, and since when it is as it is."""

    is_open: bool
    since: datetime | None
    retry_s: float
    is_doubted: bool
    """Its last answers were not all good: an answer is worth noting."""


def admission(source: int) -> Admission:
    """Look before asking. Of a failing source whose pause is over this admits one request."""
    return _admission("admission", {"source": source, "pause_s": PAUSE_S})


def peek(source: int) -> Admission:
    """Whether asking would be admitted, without asking."""
    return _admission("peek", {"source": source})


def _admission(name: str, values: dict[str, int]) -> Admission:
    with connection.cursor() as cursor:
        cursor.execute(SQL[name], values)
        row = cursor.fetchone()
    if row is None:
        return Admission(True, None, 0.0, False)
    health, since, left_s, failures, is_trial = row
    return Admission(health != "failing" or is_trial, since, left_s, health in {"new", "failing"} or failures > 0)


def failed(source: int, error: str, *, is_slow: bool = False, longest_s: int = LONGEST_PAUSE_S) -> None:
    """Note that a source did not answer, or (`is_slow`) not in time."""
    values: dict[str, int | str | bool] = {"source": source, "error": error[:500], "is_slow": is_slow}
    values |= {"slow_limit": SLOW_LIMIT, "pause_s": PAUSE_S, "longest_s": longest_s}
    with connection.cursor() as cursor:
        cursor.execute(SQL["failed"], values)


def worked(source: int, *, is_whole: bool = False) -> None:
    """Note an answer; `is_whole`: the shape of its data was looked at too."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["worked"], {"source": source, "is_whole": is_whole})


def changed(source: int, error: str) -> None:
    """Note that a source answers with data of another shape."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["changed"], {"source": source, "error": error[:500]})


def queue_due() -> int:
    """Queue what is due. Returns how many jobs."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["due"])
        row = cursor.fetchone()
    return int(row[0]) if row else 0
