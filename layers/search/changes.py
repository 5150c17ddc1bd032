"""Indexing only what changed: told by the layer's history, done for the streets, sheets and features concerned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import table_of
from layers.models import LayerGeneration, LayerVersion, SearchIndex
from layers.search.parts import FEATURES, STREETS, Part, is_one_of, parts_of
from layers.search.scopes import Scope
from layers.versions.past import SCHEMA

SQL = queries("layers.search", "index")
MOST = 5_000
"""With more changed features the whole layer is as quick."""
_WORDS = {STREETS: "(kind = 1 AND norm = ANY(%(units)s))", FEATURES: FEATURES}


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of a layer's history."""

    generation: int
    version: int
    first: int
    """The oldest version that is kept of its table."""
    history_table: str
    id_field: str

    @property
    def history(self) -> sql.Identifier:
        return sql.Identifier(SCHEMA, self.history_table)


def moment_of(layer: LayerEntry) -> Moment | None:
    """The newest state of a layer's history; None for a layer without one (a view, another office's table)."""
    held = LayerGeneration.objects.filter(layer_id=layer.id, is_current=True).first()
    last = LayerVersion.objects.filter(generation=held).order_by("-number").first() if held else None
    if held is None or last is None or held.table_name != layer.table_name or held.id_field != layer.id_field:
        return None
    return Moment(held.pk, last.number, held.first, held.history_table, held.id_field)


def index_changes(cursor: Any, scopes: Sequence[Scope], before: SearchIndex, moment: Moment | None) -> bool:
    """Do again what changed since the index was made. False, and nothing done, where that cannot be told or is much."""
    if moment is None or before.generation != moment.generation or before.version is None:
        return False
    if before.version < moment.first:
        return False
    if sorted(before.scopes) != sorted(scope.id for scope in scopes):
        return False
    values = {"version": before.version, "most": MOST}
    names = {"history": moment.history, "id": sql.Identifier(moment.id_field)}
    cursor.execute(sql.SQL(SQL["changed_items"]).format(**names), values)
    items = [item for (item,) in cursor.fetchall()]
    if len(items) > MOST or not _has_columns(cursor, scopes, moment):
        return False
    cursor.execute(SQL["delta"])
    for scope in scopes:
        for part in parts_of(scope):
            _again(cursor, scope, part, moment, {"version": before.version, "items": items})
        cursor.execute(sql.SQL(SQL["merge_delta"]).format(), {"layer": scope.layer.id, "scope": scope.id})
    return True


def _has_columns(cursor: Any, scopes: Sequence[Scope], moment: Moment) -> bool:
    """Whether the history has the columns that units are made of: one added since has no past."""
    cursor.execute(SQL["columns_of"], {"history": f'"{SCHEMA}"."{moment.history_table}"'})
    held = {name for (name,) in cursor.fetchall()}
    return all(held.issuperset(part.columns) for scope in scopes for part in parts_of(scope))


def _again(cursor: Any, scope: Scope, part: Part, moment: Moment, changed: dict[str, Any]) -> None:
    table = table_of(scope.layer)
    names = {
        "table": table,
        "history": moment.history,
        "unit": part.unit,
        "is_changed": is_one_of(scope.layer, "items"),
    }
    cursor.execute(sql.SQL(SQL["changed_units"]).format(**names), changed)
    units = [unit for (unit,) in cursor.fetchall() if unit is not None]
    values = {"layer": scope.layer.id, "scope": scope.id, "units": units}
    words = _WORDS.get(part.entries.string) if isinstance(part.entries, sql.SQL) else None
    counted = sql.SQL(SQL["delta_words"]).format(which=sql.SQL(words)) if words else None
    if counted is not None:
        cursor.execute(counted, {**values, "sign": -1})
    cursor.execute(sql.SQL(SQL["forget_units"]).format(which=part.entries), values)
    rows = sql.SQL("(SELECT * FROM {} AS f WHERE {})").format(table, part.rows)
    cursor.execute(part.statement(rows), values)
    if counted is not None:
        cursor.execute(counted, {**values, "sign": 1})
