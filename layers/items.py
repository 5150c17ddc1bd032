"""Features of a layer as GeoJSON bytes, made by PostgreSQL in one statement: a page of them, or one.

Pages follow a stable order (the identifier, after whatever the caller sorts by) and continue from the sort keys of the
last feature, so that page 10,000 costs what page 1 costs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types, count_all, has_integer_id
from layers.cql2 import Translator, read_filter
from layers.crs import Crs, crs84
from layers.database import Plan, Row, read_plan, read_plan_rows, read_row, rendered, table_of
from layers.errors import BadQuery, FeatureNotFound
from layers.filters import TRUE, Clause, Whitelist, column, during, equals, intersects_bbox, search
from layers.paging import SortKey, Start, beyond, key_columns, next_token, order_of, read_start, sort_keys
from layers.rights import Audience

LIMIT_DEFAULT, LIMIT_MAX = 10, 10_000
OFFSET_MAX = 10_000_000
COUNT_CAP = 10_000
"""Filtered matches are counted up to here: past it the answer says nothing of how many match."""


_BEGIN = '{"type":"Feature","id":'
"""Of the text of a feature."""


@dataclass(slots=True)
class ItemsQuery:
    """What is asked of one layer, still as text where the layer decides how to read it."""

    limit: int = LIMIT_DEFAULT
    offset: int = 0
    after: str = ""
    bbox: str = ""
    bbox_crs: Crs = field(default_factory=crs84)
    crs: Crs = field(default_factory=crs84)
    datetime: str = ""
    values: dict[str, str] = field(default_factory=dict)
    q: str = ""
    sortby: str = ""
    properties: tuple[str, ...] | None = None
    skip_geometry: bool = False
    filter: str = ""
    filter_lang: str = "cql2-text"
    filter_crs: Crs = field(default_factory=crs84)

    @property
    def has_conditions(self) -> bool:
        """Whether anything may narrow the features down; if not, all of them match."""
        return bool(self.bbox or self.datetime or self.values or self.q or self.filter)

    def narrows(self, layer: LayerEntry) -> bool:
        """Whether some of a layer's features may fail to match: one without a time is not filtered by time."""
        placed, timed = bool(self.bbox and layer.geometry_field), bool(self.datetime and layer.time_field)
        return placed or timed or bool(self.values or self.q or self.filter)


@dataclass(frozen=True, slots=True)
class Page:
    """Features as comma-separated GeoJSON, and what paging needs. `matched` is None when it is not known."""

    features: bytes
    returned: int
    matched: int | None
    next_after: str | None
    first: int | None
    """How many features come before this page, when known."""


def items(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> Page:
    """One page. Raises BadQuery, UnknownCrs and QueryTooSlow."""
    start = read_start(query.after, query.offset)
    if query.has_conditions or None in start.values:
        rows = read_plan_rows(_question(layer, audience, query))
    else:
        rows = read_plan_rows(_page_plan(layer, audience, _Shape.of(query, start)), start.values)
    return _page_of(layer, audience, query, start, rows)


def page_ends(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> Page:
    """What paging needs to know of a page whose features go out in another form. Raises what `items` raises."""
    start = read_start(query.after, query.offset)
    rows = read_plan_rows(Plan.asked(*items_statement(layer, audience, query, feature=sql.SQL("''"))))
    return _page_of(layer, audience, query, start, rows)


def _page_of(layer: LayerEntry, audience: Audience, query: ItemsQuery, start: Start, rows: list[Row]) -> Page:
    has_more = len(rows) > query.limit
    rows = rows[: query.limit]
    returned = len(rows)
    after = None
    if has_more:
        last = rows[-1]
        keys = [None if key is None else bytes(key).decode() for key in last[1:] or [_identifier(last[0])]]
        after = next_token(start.first + returned, keys)
    if not query.narrows(layer):
        matched: int | None = count_all(layer)
    elif has_more:
        matched = _counted(layer, audience, query)
    else:
        matched = start.first + returned if returned or not start.first else None
    features = b",".join([row[0] for row in rows if row[0] is not None])  # a view may have rows without identifier
    return Page(features, returned, matched, after, start.first)


def _identifier(feature: bytes | None) -> bytes | None:
    """The whole number that a feature's text begins with."""
    return None if feature is None else bytes(feature[len(_BEGIN) : feature.index(b",", len(_BEGIN))])


def items_statement(
    layer: LayerEntry, audience: Audience, query: ItemsQuery, feature: sql.Composable | None = None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of one page and its values; `feature` replaces the GeoJSON of each."""
    allowed = Whitelist.of(layer, audience)
    clause = conditions(allowed, query)
    keys = sort_keys(allowed, query.sortby)
    fields = tuple(selected(allowed, query.properties))
    begins_with_key = feature is None and not query.sortby and has_integer_id(layer)
    statement = sql.SQL(queries("layers", "items")["items"]).format(
        feature=feature or feature_text(layer, fields, query.crs, query.skip_geometry),
        keys=sql.SQL("") if begins_with_key else sql.SQL(", {}").format(key_columns(keys)),
        page=_page(layer, query, clause, keys),
    )
    return statement, clause.params | {"limit": query.limit, "offset": query.offset}


def _question(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> Plan:
    """The plan of a filtered page, composed once for a layer as it is published."""
    if layer.past:  # an entry made for this request alone
        return Plan.asked(*items_statement(layer, audience, query))
    return _kept_question(layer, audience, _Asked.of(query))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as a key: queries themselves may change."""

    key: tuple[Any, ...]
    query: ItemsQuery = field(compare=False)

    @classmethod
    def of(cls, query: ItemsQuery) -> _Asked:
        parts = (getattr(query, name) for name in ItemsQuery.__dataclass_fields__)
        return cls(tuple(tuple(part.items()) if isinstance(part, dict) else part for part in parts), query)


@lru_cache(maxsize=256)
def _kept_question(layer: LayerEntry, audience: Audience, asked: _Asked) -> Plan:
    return Plan.asked(*items_statement(layer, audience, asked.query))


def _counted(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> int | None:
    """How many features match, up to COUNT_CAP: one count for all pages of a question while the data stay."""
    plain = replace(query, limit=0, offset=0, after="", sortby="", properties=None, crs=crs84(), skip_geometry=False)
    if layer.is_live or layer.past:
        found = _count(layer, audience, plain)
    else:
        found = _kept_count(layer, audience, _Asked.of(plain))
    return found if found <= COUNT_CAP else None


@lru_cache(maxsize=256)
def _kept_count(layer: LayerEntry, audience: Audience, asked: _Asked) -> int:
    return _count(layer, audience, asked.query)


def _count(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> int:
    clause = conditions(Whitelist.of(layer, audience), query)
    statement = sql.SQL(queries("layers", "items")["count_matched"]).format(table=table_of(layer), where=clause.sql)
    (found,) = read_row(statement, clause.params | {"cap": COUNT_CAP})
    return int(found)


def page_source(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> tuple[sql.Composable, dict[str, Any]]:
    """One page of whole rows, and one row more, to select from; and its values."""
    allowed = Whitelist.of(layer, audience)
    clause = conditions(allowed, query)
    page = _page(layer, query, clause, sort_keys(allowed, query.sortby))
    return page, clause.params | {"limit": query.limit, "offset": query.offset}


def _page(layer: LayerEntry, query: ItemsQuery, clause: Clause, keys: tuple[SortKey, ...]) -> sql.Composable:
    where, order = clause.sql, order_of(keys)
    names = queries("layers", "items")
    source: sql.Composable = table_of(layer)
    page_where = where
    if query.after:
        page_where = beyond(clause, where, keys, read_start(query.after, 0).values)
    elif query.offset:
        page_where = TRUE
        form = sql.SQL(names["after_offset"])
        source = form.format(id=column(layer.id_field), table=source, where=where, order=order)
    return sql.SQL(names["page"]).format(source=source, where=page_where, order=order)


@dataclass(frozen=True, slots=True)
class _Shape:
    """All that the text of an unfiltered page's statement depends on."""

    limit: int
    sortby: str
    properties: tuple[str, ...] | None
    crs: Crs
    skip_geometry: bool
    goes_on: bool
    skips: bool
    values: int

    @classmethod
    def of(cls, query: ItemsQuery, start: Start) -> _Shape:
        return cls(
            query.limit,
            query.sortby,
            query.properties,
            query.crs,
            query.skip_geometry,
            goes_on=bool(query.after),
            skips=bool(query.offset and not query.after),
            values=len(start.values),
        )


@lru_cache(maxsize=2048)
def _page_plan(layer: LayerEntry, audience: Audience, shape: _Shape) -> Plan:
    # Limit and offset choose the index; the keys only say where in it to start.
    query = ItemsQuery(shape.limit, int(shape.skips), sortby=shape.sortby, properties=shape.properties)
    query.crs, query.skip_geometry = shape.crs, shape.skip_geometry
    if shape.goes_on:
        query.after = next_token(0, [""] * shape.values)
    statement, params = items_statement(layer, audience, query)
    own = {"limit": params.pop("limit")}
    offset = {"offset": params.pop("offset")}
    return Plan.of(statement, own if shape.skips else own | offset, ["offset"] if shape.skips else list(params))


def item(layer: LayerEntry, audience: Audience, identifier: str, crs: Crs) -> bytes:
    """One feature as GeoJSON. Raises FeatureNotFound, also for an identifier of the wrong type."""
    if "\x00" in identifier:
        raise FeatureNotFound(layer.slug, identifier)
    try:
        row = read_plan(_item_plan(layer, audience, crs), (identifier,))
    except BadQuery as error:
        raise FeatureNotFound(layer.slug, identifier) from error
    if not row:
        raise FeatureNotFound(layer.slug, identifier)
    return bytes(row[0])


@lru_cache(maxsize=2048)
def _item_plan(layer: LayerEntry, audience: Audience, crs: Crs) -> Plan:
    fields = tuple(Whitelist.of(layer, audience).fields)
    statement = sql.SQL(queries("layers", "items")["item"]).format(
        feature=feature_text(layer, fields, crs, skip_geometry=False),
        table=table_of(layer),
        id=column(layer.id_field),
    )
    return Plan.of(statement, {}, ["identifier"])


def conditions(allowed: Whitelist, query: ItemsQuery, clause: Clause | None = None) -> Clause:
    """Everything the query filters by, added to `clause` if there is one. Raises BadQuery."""
    clause = Clause() if clause is None else clause
    layer = allowed.layer
    if query.bbox and layer.geometry_field:
        intersects_bbox(clause, layer, query.bbox, query.bbox_crs)
    if query.datetime:
        during(clause, layer, column_types(layer), query.datetime)
    for name, text in query.values.items():
        equals(clause, allowed.queryable(name, name), text)
    if query.q:
        search(clause, allowed.fields.values(), query.q)
    if query.filter:
        translator = Translator(clause, allowed, query.filter_crs)
        clause.parts.append(translator.predicate(read_filter(query.filter, query.filter_lang)))
    return clause


def selected(allowed: Whitelist, names: tuple[str, ...] | None) -> list[str]:
    """The attributes to hand out: all, or those asked for. Raises BadQuery."""
    if names is None:
        return list(allowed.fields)
    return list(dict.fromkeys(allowed.get(name, "properties").name for name in names))


@lru_cache(maxsize=2048)
def feature_text(layer: LayerEntry, names: tuple[str, ...], crs: Crs, skip_geometry: bool) -> sql.Composable:
    """SQL text of one row `f` as a GeoJSON feature, composed once for each layer as it is published."""
    properties: sql.Composable = sql.SQL("'{}'")
    if names:
        columns = sql.SQL(", ").join([column(name) for name in names])
        properties = sql.SQL("row_to_json((SELECT p FROM (SELECT {}) AS p))::text").format(columns)
    geometry: sql.Composable = sql.SQL("'null'")
    if layer.geometry_field and not skip_geometry:
        geometry = sql.SQL("coalesce(ST_AsGeoJSON({}, {}, 0), 'null')").format(
            geometry_out(layer, crs), sql.Literal(crs.digits)
        )
    text = sql.SQL(
        """{begin} || to_json({id})::text || ',"geometry":' || {geometry} || ',"properties":' || {properties} || '}}'"""
    ).format(begin=sql.Literal(_BEGIN), id=column(layer.id_field), geometry=geometry, properties=properties)
    return sql.SQL(rendered(text))


def geometry_out(layer: LayerEntry, crs: Crs) -> sql.Composable:
    """The geometry of a row `f` in the axis order of a CRS."""
    shape: sql.Composable = column(layer.geometry_field)
    if (layer.srid or 4326) != crs.srid:
        # The integer form: by name PROJ would be set up anew for every row (performance.md 3.4).
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(crs.srid))
    if "POLYGON" in layer.geometry_type.upper():
        shape = sql.SQL("ST_ForcePolygonCCW({})").format(shape)
    return sql.SQL("ST_FlipCoordinates({})").format(shape) if crs.north_first else shape
