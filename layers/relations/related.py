"""What belongs to a feature: asked by identify, `/api/qui` and search hits, with the rights of whoever asks.

A relation is seen by who sees both layers and, where it goes by a key, both key fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import Catalogue, LayerEntry, RelationEntry
from layers.columns import column_types
from layers.crs import epsg
from layers.database import table_of
from layers.errors import SourceAway
from layers.filters import column
from layers.relations.models import Relation
from layers.rights import Audience, may_see
from layers.search.here import label_of
from layers.sources.gate import read

SQL = queries("layers.relations", "relations")
MOST = 25
TIMEOUT_MS = 3000
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_WHOLE = {"smallint", "integer", "bigint"}


@dataclass(frozen=True, slots=True)
class Way:
    """A relation in one direction."""

    relation: RelationEntry
    is_forward: bool
    given: LayerEntry
    found: LayerEntry

    @property
    def titles(self) -> tuple[str, str]:
        """Italian and English."""
        one = self.relation
        return (one.forward_it, one.forward_en) if self.is_forward else (one.backward_it, one.backward_en)

    @property
    def given_field(self) -> str:
        return self.relation.one_field if self.is_forward else self.relation.other_field

    @property
    def found_field(self) -> str:
        return self.relation.other_field if self.is_forward else self.relation.one_field


@dataclass(frozen=True, slots=True)
class Related:
    """What of one layer belongs to the feature. `has_more`: the list is cut."""

    way: Way
    items: tuple[tuple[str, str], ...]
    """Identifier and title; the title is empty where the layer has none to give."""
    has_more: bool


def ways_from(held: Catalogue, audience: Audience, layer: LayerEntry) -> Iterator[Way]:
    """Every relation that leads from a layer to one that the asker may see."""
    layers = {entry.id: entry for entry in held.layers.values()}
    for relation in held.relations:
        for start, end, is_forward in ((relation.one, relation.other, True), (relation.other, relation.one, False)):
            found = layers.get(end)
            if start == layer.id and found is not None:
                way = Way(relation, is_forward, layer, found)
                if is_seen(way, audience):
                    yield way


def is_seen(way: Way, audience: Audience) -> bool:
    """Whether this audience may follow a relation."""
    if not (may_see(audience, way.given) and may_see(audience, way.found)):
        return False
    if way.relation.kind != Relation.Kind.KEY:
        return True
    return all(
        any(entry.name == name for entry in layer.visible_fields(audience))
        for layer, name in ((way.given, way.given_field), (way.found, way.found_field))
    )


def related_to(held: Catalogue, audience: Audience, layer: LayerEntry, item: str) -> list[Related]:
    """What belongs to a feature, by every relation, empty ones left out. A layer whose source is away is left out."""
    found = []
    for way in ways_from(held, audience, layer):
        try:
            rows = read(way.given, lambda way=way: read(way.found, lambda: _of_feature(way, audience, item)))  # type: ignore[misc]
        except SourceAway:
            continue
        if rows:
            found.append(Related(way, tuple(rows[:MOST]), len(rows) > MOST))
    return found


def _of_feature(way: Way, audience: Audience, item: str) -> list[tuple[str, str]]:
    if column_types(way.given).get(way.given.id_field) in _WHOLE and not _NUMBER.fullmatch(item):
        return []
    statement = sql.SQL(SQL["of_feature"]).format(
        label=label_of(way.found, audience),
        is_item=_is_item(way.given),
        order=_order(way),
        most=sql.Literal(MOST + 1),
        **parts_of(way),
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(TIMEOUT_MS)])
        cursor.execute(statement, {"item": item})
        return [(str(row[0]), str(row[1] or "")) for row in cursor.fetchall()]


def parts_of(way: Way) -> dict[str, sql.Composable]:
    """Identifiers and expressions of a relation, for the statements of relations.sql."""
    return {
        "table": table_of(way.found),
        "id": sql.Identifier(way.found.id_field),
        "from_table": table_of(way.given),
        "shape": _shape(way),
        "key": _key(way),
        "condition": _condition(way),
    }


def _is_item(layer: LayerEntry) -> sql.Composable:
    held = column_types(layer).get(layer.id_field, "text")
    # An index on numbers serves numbers; whatever else identifies is compared as text.
    if held in _WHOLE:
        return sql.SQL("{} = %(item)s::bigint").format(column(layer.id_field))
    return sql.SQL("{}::text = %(item)s").format(column(layer.id_field))


def _shape(way: Way) -> sql.Composable:
    """The given feature, in the CRS of what is looked for."""
    if way.relation.kind == Relation.Kind.KEY:
        return sql.SQL("NULL::geometry")
    shape: sql.Composable = sql.SQL("ST_Force2D({})").format(column(way.given.geometry_field))
    if way.given.srid == way.found.srid:
        return shape
    return sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(way.found.srid))


def _key(way: Way) -> sql.Composable:
    return sql.SQL("{}::text").format(column(way.given_field)) if way.given_field else sql.SQL("NULL::text")


def _condition(way: Way) -> sql.Composable:
    relation = way.relation
    if relation.kind == Relation.Kind.KEY:
        return sql.SQL("{}::text = given.key").format(column(way.found_field))
    stored = column(way.found.geometry_field)
    named = {"stored": stored, "shape": sql.SQL("given.shape")}
    if relation.kind == Relation.Kind.NEAR:
        return _near(way, stored)
    if relation.kind == Relation.Kind.WITHIN:
        # A point on the inner one: two layers surveyed apart never fit to the millimetre.
        if way.is_forward:
            return sql.SQL(
                "{stored} && ST_PointOnSurface({shape}) AND ST_Intersects({stored}, ST_PointOnSurface({shape}))"
            ).format(**named)
        return sql.SQL("{stored} && {shape} AND ST_Intersects({shape}, ST_PointOnSurface({stored}))").format(**named)
    share = sql.SQL(
        "(ST_Dimension({stored}) < 2 OR ST_Dimension({shape}) < 2 OR ST_Area(ST_Intersection({stored}, {shape})) "
        ">= {least} * least(ST_Area({stored}), ST_Area({shape})))"
    ).format(least=sql.Literal(relation.share_pct / 100), **named)
    return sql.SQL("{stored} && {shape} AND ST_Intersects({stored}, {shape}) AND {share}").format(share=share, **named)


def _near(way: Way, stored: sql.Composable) -> sql.Composable:
    metres = sql.Literal(way.relation.distance_m)
    shape: sql.Composable = sql.SQL("given.shape")
    if way.found.srid == 3857 or epsg(way.found.srid or 4326).is_geographic:
        # Degrees and Web Mercator are no distances: the ellipsoid measures them.
        stored, shape = (sql.SQL("ST_Transform({}, 4326)::geography").format(one) for one in (stored, shape))
    same: sql.Composable = sql.SQL("")
    if way.given.id == way.found.id:
        same = sql.SQL(" AND NOT ST_Equals({}, given.shape)").format(column(way.found.geometry_field))
    return sql.SQL("ST_DWithin({}, {}, {})").format(stored, shape, metres) + same


def _order(way: Way) -> sql.Composable:
    if way.relation.kind != Relation.Kind.NEAR:
        return sql.SQL("2 NULLS LAST, 1")
    return sql.SQL("{} <-> given.shape").format(column(way.found.geometry_field))
