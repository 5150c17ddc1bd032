"""What a device measured over a time: samples, or their roll-ups where the time is long; counters as rates."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.messaging import kinds
from geoportal.messaging.kinds import TelemetryKind
from geoportal.monitoring.measures import unit_of
from geoportal.sql import queries

SQL = queries("geoportal.devices", "series")

STEPS = (0, 300, 3600, 86400)
"""Seconds of the intervals that can be had; 0: the samples themselves."""
ENOUGH = ((timedelta(hours=6), 0), (timedelta(days=3), 300), (timedelta(days=60), 3600))
"""Up to which length of time which step is taken when none is asked for; beyond, days."""
POINTS_MAX = 10_000
_YEARS = range(1970, 9999)
"""Beyond them a calculation with times and zones leaves the calendar."""


class BadSeries(ValueError):
    """A question that cannot be answered; the text says what was asked and what can be."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which measurement, from when to when, in which step."""

    metric: str
    start: datetime
    end: datetime
    step: int

    @classmethod
    def read(cls, asked: Mapping[str, str], now: datetime) -> Question:
        """From the parameters metric, from, to, step. Without times the last day. Raises BadSeries."""
        metric = asked.get("metric", "").strip()
        if not metric:
            raise BadSeries(_("Manca «metric», il nome della misura."))
        end = _moment("to", asked.get("to", ""), now)
        start = _moment("from", asked.get("from", ""), end - timedelta(days=1))
        if start >= end:
            raise BadSeries(_("«from» deve venire prima di «to»."))
        text = asked.get("step", "").strip()
        step = next((step for length, step in ENOUGH if end - start <= length), 86400)
        if text:
            if text not in map(str, STEPS):
                known = ", ".join(map(str, STEPS))
                raise BadSeries(_("«step» può essere %(known)s, non “%(step)s”.") % {"known": known, "step": text[:20]})
            step = int(text)
        if step and (end - start) / timedelta(seconds=step) > POINTS_MAX:
            raise BadSeries(
                _("Sarebbero più di %(most)d valori: scegliere un periodo più corto o un passo più lungo.")
                % {"most": POINTS_MAX}
            )
        return cls(metric, start, end, step)


def _moment(name: str, text: str, default: datetime) -> datetime:
    if not text.strip():
        return default
    try:
        found = parse_datetime(text.strip().replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or found.year not in _YEARS:
        raise BadSeries(
            _("«%(name)s» deve essere un istante con fuso, come 2026-11-22T08:30:00Z, non “%(text)s”.")
            % {"name": name, "text": text[:40]}
        )
    return found.astimezone(UTC)


def measured(kind: str) -> tuple[str, ...]:
    """What a kind of device can be asked for."""
    return kinds.kind(kind).columns


def series(devid: str, visible: Collection[str], question: Question) -> bytes | None:
    """The answer as JSON; None when there is no such device among the kinds one may see. Raises BadSeries."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["device"], {"devid": devid, "kinds": list(visible)})
        row = cursor.fetchone()
        if row is None:
            return None
        device, code = row
        kind = kinds.kind(code)
        if question.metric not in kind.columns:
            raise BadSeries(
                _("“%(metric)s” non è una misura di questo dispositivo. Ci sono: %(known)s.")
                % {"metric": question.metric[:40], "known": ", ".join(kind.columns)}
            )
        parameters = {
            "device": device, "metric": question.metric, "step": question.step,
            "from": question.start, "to": question.end, "limit": POINTS_MAX,
        }  # fmt: skip
        cursor.execute(_statement(kind, question), parameters)
        points: str = cursor.fetchone()[0]
    head = {
        "devid": devid,
        "metric": question.metric,
        "unit": unit_of(question.metric),
        "step": question.step,
        "from": question.start.isoformat(),
        "to": question.end.isoformat(),
    }
    return json.dumps(head)[:-1].encode() + b', "points": ' + points.encode() + b"}"


def _statement(kind: TelemetryKind, question: Question) -> sql.Composed:
    shape = "counter" if question.metric in kind.counters else "gauge"
    if question.step:
        return sql.SQL(SQL[f"rolled_{shape}"]).format()
    column = sql.Identifier(question.metric)
    value = sql.SQL("{}::int").format(column) if question.metric in kind.flags else column
    return sql.SQL(SQL[f"raw_{shape}"]).format(column=column, value=value, table=sql.Identifier(kind.table))
