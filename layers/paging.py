"""Where a page of features starts and where it ends: sort keys, and the token that a link `next` carries.

The order is total (the identifier comes last), and a page continues from the sort keys of the last feature before it,
so that an index finds its start.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from layers.errors import BadQuery
from layers.filters import Clause, Whitelist, column


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column to sort by; PostgreSQL's own order of NULL: last ascending, first descending."""

    name: str
    descending: bool
    is_identifier: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Where a page starts: how many features come before it, and the sort keys or the offset to start from."""

    first: int
    values: tuple[Any, ...]


def sort_keys(allowed: Whitelist, text: str) -> tuple[SortKey, ...]:
    """What `sortby` says, and last the identifier, which makes the order total. Raises BadQuery."""
    keys = []
    for part in text.split(",") if text else []:
        name = part.strip().lstrip("+-")
        keys.append(SortKey(allowed.queryable(name, "sortby").name, part.strip().startswith("-")))
    if len(keys) > 5:
        raise BadQuery("sortby", "sort by five attributes at most.")
    return (*keys, SortKey(allowed.layer.id_field, descending=False, is_identifier=True))


def order_of(keys: tuple[SortKey, ...]) -> sql.Composable:
    """What stands behind ORDER BY."""
    return sql.SQL(", ").join([sql.SQL("{} DESC" if key.descending else "{}").format(column(key.name)) for key in keys])


def key_columns(keys: tuple[SortKey, ...]) -> sql.Composable:
    """SQL of a row's sort keys as text, for `next_token`."""
    return sql.SQL(", ").join([sql.SQL("{}::text").format(column(key.name)) for key in keys])


def next_token(first: int, keys: list[str | None]) -> str:
    """Opaque to clients: where the next page starts, and how many features come before it."""
    return base64.urlsafe_b64encode(json.dumps([first, *keys], separators=(",", ":")).encode()).decode().rstrip("=")


def read_start(after: str, offset: int) -> Start:
    """Where the page of a question starts. Raises BadQuery for a token that no page of ours gave out."""
    if not after:
        return Start(offset, (offset,) if offset else ())
    try:
        found = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, binascii.Error) as error:
        raise BadQuery("after", "follow the link `next` of a page; this value does not come from one.") from error
    is_ours = (
        isinstance(found, list)
        and 1 < len(found) < 8
        and isinstance(found[0], int)
        and 0 <= found[0] < 2**53
        and all(value is None or (isinstance(value, str) and "\x00" not in value) for value in found[1:])
    )
    if not is_ours:
        raise BadQuery("after", "this value belongs to another question; start from the first page.")
    return Start(found[0], tuple(found[1:]))


def beyond(
    clause: Clause, where: sql.Composable, keys: tuple[SortKey, ...], values: tuple[str | None, ...]
) -> sql.Composable:
    """`where` and "after the feature of these sort keys", expanded so that an index serves it. Raises BadQuery."""
    if len(values) != len(keys) or values[-1] is None:
        raise BadQuery("after", "this value belongs to another question; start from the first page.")
    tests: list[sql.Composable] = []
    equal: list[sql.Composable] = []
    for key, value in zip(keys, values, strict=True):
        name = column(key.name)
        held = clause.value(value)
        test = _beyond_one(name, held, key, value)
        if test is not None:
            tests.append(sql.SQL(" AND ").join([*equal, test]))
        equal.append(sql.SQL("{} IS NULL").format(name) if value is None else sql.SQL("{} = {}").format(name, held))
    after = sql.SQL(" OR ").join(tests)
    return sql.SQL("{} AND ({})").format(where, after)


def _beyond_one(name: sql.Composable, held: sql.Composable, key: SortKey, value: str | None) -> sql.Composable | None:
    if key.descending:
        form = "{name} IS NOT NULL" if value is None else "{name} < {held}"
        return sql.SQL(form).format(name=name, held=held)
    if value is None:
        return None  # NULL comes last: nothing is beyond it
    # The identifier is never NULL, and saying so lets its index find the start.
    form = "{name} > {held}" if key.is_identifier else "({name} > {held} OR {name} IS NULL)"
    return sql.SQL(form).format(name=name, held=held)
