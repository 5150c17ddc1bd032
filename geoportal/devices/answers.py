"""The JSON of devices, made by the database in one statement for each answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import msgspec
from django.db import connection
from psycopg2 import sql

from geoportal.monitoring.causes import cause_texts
from geoportal.sql import queries

SQL = queries("geoportal.devices", "devices")


@cache
def statement(name: str, *, detailed: bool = False) -> sql.Composed:
    """One of the statements of `devices.sql` with the device object put in."""
    more = sql.SQL(SQL["detail"]).format() if detailed else sql.SQL("")
    return sql.SQL(SQL[name]).format(device=sql.SQL(SQL["device"]).format(more=more))


@cache
def texts_json(language: str) -> str:
    """The texts of every cause in one language, as a JSON parameter."""
    return msgspec.json.encode(cause_texts(language)).decode()


def list_devices(kinds: Collection[str], language: str) -> bytes:
    """`{"devices": […]}` of these kinds."""
    parameters = {"kinds": list(kinds), "language": language, "texts": texts_json(language)}
    answer: str = _one_value(statement("list_devices"), parameters)
    return answer.encode()


def one_device(devid: str, kinds: Collection[str], language: str, *, internal: bool) -> bytes | None:
    """One device with evidence; measurements and description only for those who look after devices."""
    parameters = {
        "devid": devid,
        "kinds": list(kinds),
        "language": language,
        "texts": texts_json(language),
        "internal": internal,
    }
    answer: str | None = _one_value(statement("one_device", detailed=True), parameters)
    return None if answer is None else answer.encode()


def changed_devices(cursor: Any, ids: Sequence[int], languages: Sequence[str]) -> dict[tuple[str, str], str]:
    """JSON arrays of these devices by language and kind, by a cursor of the caller's own connection."""
    parameters = {
        "ids": list(ids),
        "languages": list(languages),
        "texts": [texts_json(language) for language in languages],
    }
    cursor.execute(statement("changed_devices"), parameters)
    return {(language, kind): answer for language, kind, answer in cursor.fetchall()}


def _one_value(query: sql.Composed, parameters: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        row = cursor.fetchone()
    return row[0] if row else None
