"""What sets two states of a layer apart: features added, changed, removed, as far as the asker may see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import read_rows, table_of
from layers.errors import BadQuery
from layers.filters import Whitelist
from layers.models import LayerGeneration
from layers.rights import Audience
from layers.versions.past import SCHEMA, at_version

SQL = queries("layers.versions", "comparing")
CHANGES = ("added", "changed", "removed")
LIMIT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """One feature of which two states say different things."""

    change: str
    old: str | None
    new: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    has_moved: bool
    shape_before: dict[str, Any] | None
    """GeoJSON, longitude first."""
    shape_after: dict[str, Any] | None

    @property
    def differing(self) -> list[tuple[str, Any, Any]]:
        """Attribute, before, after; of a feature that came or went all that it has."""
        names = dict.fromkeys((*self.before, *self.after))
        found = [(name, self.before.get(name), self.after.get(name)) for name in names]
        return [(name, old, new) for name, old, new in found if old != new]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Counts of all differences, and a page of them."""

    added: int
    changed: int
    removed: int
    page: tuple[Difference, ...]
    by: str
    """How features were told to be the same: `identifier`, `key` or `place`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page of which differences; `key`: attributes that identify a feature where a table was replaced."""

    only: str = ""
    limit: int = 50
    offset: int = 0
    key: tuple[str, ...] = ()


def compare(layer: LayerEntry, numbers: tuple[int, int], audience: Audience, wanted: Wanted) -> Comparison:
    """From one version to another. Raises LookupError for a version there is not, BadQuery and QueryTooSlow."""
    old, new = at_version(layer, numbers[0]), at_version(layer, numbers[1])
    generations = {
        held.pk: held
        for held in LayerGeneration.objects.filter(layer_id=layer.id, versions__number__in=numbers).distinct()
    }
    if len(generations) == 1:
        (held,) = generations.values()
        pairs, by = _within(held, old, new, audience, numbers), "identifier"
    else:
        pairs, by = _across(old, new, audience, wanted.key), "key" if wanted.key else "place"
    statement = sql.SQL(SQL["differences"]).format(pairs=pairs)
    values = {"only": wanted.only, "limit": min(wanted.limit, LIMIT_MAX), "offset": wanted.offset}
    rows = read_rows(statement, values)
    counts = rows[0][:3]
    page = tuple(_difference(row[3:]) for row in rows if row[3] is not None)
    return Comparison(int(counts[0]), int(counts[1]), int(counts[2]), page, by)


def _difference(row: tuple[Any, ...]) -> Difference:
    change, old, new, before, after, has_moved, shape_before, shape_after = row
    return Difference(change, old, new, before or {}, after or {}, bool(has_moved), shape_before, shape_after)


def _within(
    held: LayerGeneration, old: LayerEntry, new: LayerEntry, audience: Audience, numbers: tuple[int, int]
) -> sql.Composable:
    return sql.SQL(SQL["within_generation"]).format(
        id=sql.Identifier(held.id_field),
        history=sql.Identifier(SCHEMA, held.history_table),
        low=sql.Literal(min(numbers)),
        high=sql.Literal(max(numbers)),
        **_sides(old, new, audience),
    )


def _across(old: LayerEntry, new: LayerEntry, audience: Audience, key: tuple[str, ...]) -> sql.Composable:
    before, after = Whitelist.of(old, audience).fields, Whitelist.of(new, audience).fields
    shared = [name for name in before if name in after]
    unknown = [name for name in key if name not in shared]
    if unknown:
        raise BadQuery(
            "key", f"{unknown[0][:80]!r} is not an attribute of both versions; they share {', '.join(shared)}."
        )
    content = sql.SQL(", ").join(
        [sql.SQL("f.{}::text").format(sql.Identifier(name)) for name in shared] or [sql.SQL("1")]
    )
    match: sql.Composable = sql.SQL("geom::text")
    if key:
        parts = [sql.SQL("props ->> {}").format(sql.Literal(name)) for name in key]
        match = sql.SQL("ROW({})::text").format(sql.SQL(", ").join(parts))
    return sql.SQL(SQL["across_generations"]).format(
        id_a=sql.Identifier(old.id_field),
        id_b=sql.Identifier(new.id_field),
        content_a=content,
        content_b=content,
        match_a=match,
        match_b=match,
        **_sides(old, new, audience),
    )


def _sides(old: LayerEntry, new: LayerEntry, audience: Audience) -> dict[str, sql.Composable]:
    found: dict[str, sql.Composable] = {}
    for side, layer in (("a", old), ("b", new)):
        names = Whitelist.of(layer, audience).fields
        values = [sql.SQL("{}, f.{}").format(sql.Literal(name), sql.Identifier(name)) for name in names]
        shape: sql.Composable = sql.SQL("NULL::geometry")
        if layer.geometry_field:
            shape = sql.Identifier("f", layer.geometry_field)
            if layer.srid != new.srid:
                shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(new.srid or 4326))
        found |= {
            f"source_{side}": table_of(layer),
            f"values_{side}": sql.SQL(", ").join(values),
            f"shape_{side}": shape,
        }
    return found
