"""Features of a layer as GeoJSON bytes, made by PostgreSQL in one statement: a page of them, or one.

Pages follow a stable order (the identifier, after whatever the caller sorts by) and continue from the sort keys of the
last feature, so that page 10,000 costs what page 1 costs.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types, count_all
from layers.cql2 import Translator, read_filter
from layers.crs import Crs, crs84
from layers.database import Plan, read_plan, read_row, rendered, table_of
from layers.errors import BadQuery, FeatureNotFound
from layers.filters import TRUE, Clause, Whitelist, column, during, equals, intersects_bbox, search
from layers.rights import Audience

LIMIT_DEFAULT, LIMIT_MAX = 10, 10_000
OFFSET_MAX = 10_000_000
COUNT_CAP = 10_000
"""Filtered matches are counted up to here: past it the answer says nothing of how many match."""


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


@dataclass(frozen=True, slots=True)
class Page:
    """Features as comma-separated GeoJSON, and what paging needs. `matched` is None when it is not known."""

    features: bytes
    returned: int
    matched: int | None
    next_after: str | None
    first: int | None
    """How many features come before this page, when known."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column to sort by; PostgreSQL's own order of NULL: last ascending, first descending."""

    name: str
    descending: bool
    is_identifier: bool = False


def items(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> Page:
    """One page. Raises BadQuery, UnknownCrs and QueryTooSlow."""
    start = _read_start(query)
    is_filtered = False
    if query.has_conditions or None in start.values:
        statement, params = items_statement(layer, audience, query)
        is_filtered = params["count_cap"] > 0
        row = read_row(statement, params, text_as_bytes=True)
    else:
        row = read_plan(_page_plan(layer, audience, _Shape.of(query, start)), start.values)
    return _read_page(layer, query, is_filtered, row)


def page_ends(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> Page:
    """What paging needs to know of a page whose features go out in another form. Raises what `items` raises."""
    statement, params = items_statement(layer, audience, query, feature=sql.SQL("''"))
    return _read_page(layer, query, params["count_cap"] > 0, read_row(statement, params, text_as_bytes=True))


def _read_page(layer: LayerEntry, query: ItemsQuery, is_filtered: bool, row: tuple[Any, ...]) -> Page:
    features, returned, has_more, last, counted = row
    start = _read_start(query)
    matched = _matched(layer, is_filtered, start.first, int(returned), bool(has_more), counted)
    after = _token(start.first + int(returned), json.loads(last)) if has_more else None
    return Page(bytes(features or b""), int(returned), matched, after, start.first)


def items_statement(
    layer: LayerEntry, audience: Audience, query: ItemsQuery, feature: sql.Composable | None = None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of one page and its values; `feature` replaces the GeoJSON of each."""
    allowed = Whitelist.of(layer, audience)
    clause = conditions(allowed, query)
    where, count_cap = clause.sql, COUNT_CAP if clause.parts else 0
    keys = sort_keys(allowed, query.sortby)
    fields = tuple(selected(allowed, query.properties))
    statement = sql.SQL(queries("layers", "items")["items"]).format(
        page=_page(layer, query, clause, keys),
        table=table_of(layer),
        where=where,
        keys=key_text(keys),
        feature=feature or feature_text(layer, fields, query.crs, query.skip_geometry),
    )
    return statement, clause.params | {"limit": query.limit, "offset": query.offset, "count_cap": count_cap}


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
        page_where = _continue(clause, where, keys, _read_start(query).values)
    elif query.offset:
        page_where = TRUE
        form = sql.SQL(names["after_offset"])
        source = form.format(id=column(layer.id_field), table=source, where=where, order=order)
    return sql.SQL(names["page"]).format(source=source, where=page_where, order=order)


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a page starts: how many features come before it, and the sort keys or the offset to start from."""

    first: int
    values: tuple[Any, ...]


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
    def of(cls, query: ItemsQuery, start: _Start) -> _Shape:
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
        query.after = _token(0, [""] * shape.values)
    statement, params = items_statement(layer, audience, query)
    own = {"limit": params.pop("limit"), "count_cap": params.pop("count_cap")}
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


def sort_keys(allowed: Whitelist, text: str) -> tuple[SortKey, ...]:
    """What `sortby` says, and last the identifier, which makes the order total. Raises BadQuery."""
    keys = []
    for part in text.split(",") if text else []:
        name = part.strip().lstrip("+-")
        keys.append(SortKey(allowed.queryable(name, "sortby").name, part.strip().startswith("-")))
    if len(keys) > 5:
        raise BadQuery("sortby", "sort by five attributes at most.")
    return (*keys, SortKey(allowed.layer.id_field, descending=False, is_identifier=True))


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
        """'{{"type":"Feature","id":' || to_json({id})::text || ',"geometry":' || {geometry} """
        """|| ',"properties":' || {properties} || '}}'"""
    ).format(id=column(layer.id_field), geometry=geometry, properties=properties)
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


def order_of(keys: tuple[SortKey, ...]) -> sql.Composable:
    """What stands behind ORDER BY."""
    return sql.SQL(", ").join([sql.SQL("{} DESC" if key.descending else "{}").format(column(key.name)) for key in keys])


def key_text(keys: tuple[SortKey, ...]) -> sql.Composable:
    """SQL text of a row's sort keys, for `next_token`."""
    texts = sql.SQL(", ").join([sql.SQL("{}::text").format(column(key.name)) for key in keys])
    return sql.SQL("json_build_array({})::text").format(texts)


def _matched(
    layer: LayerEntry, filtered: bool, first: int, returned: int, more: bool, counted: int | None
) -> int | None:
    if not filtered:
        return count_all(layer)
    if not more:
        return first + returned if returned or not first else None
    return counted if counted is not None and counted <= COUNT_CAP else None


def _token(first: int, keys: list[str | None]) -> str:
    """Opaque to clients: where the next page starts, and how many features come before it."""
    return base64.urlsafe_b64encode(json.dumps([first, *keys], separators=(",", ":")).encode()).decode().rstrip("=")


def _continue(
    clause: Clause, where: sql.Composable, keys: tuple[SortKey, ...], values: tuple[str | None, ...]
) -> sql.Composable:
    """The condition "after the feature of these sort keys", expanded so that an index serves it."""
    if len(values) != len(keys) or values[-1] is None:
        raise BadQuery("after", "this value belongs to another question; start from the first page.")
    tests: list[sql.Composable] = []
    equal: list[sql.Composable] = []
    for key, value in zip(keys, values, strict=True):
        name = column(key.name)
        held = clause.value(value)
        beyond = _beyond(name, held, key, value)
        if beyond is not None:
            tests.append(sql.SQL(" AND ").join([*equal, beyond]))
        equal.append(sql.SQL("{} IS NULL").format(name) if value is None else sql.SQL("{} = {}").format(name, held))
    after = sql.SQL(" OR ").join(tests)
    return sql.SQL("{} AND ({})").format(where, after)


def _beyond(name: sql.Composable, held: sql.Composable, key: SortKey, value: str | None) -> sql.Composable | None:
    if key.descending:
        form = "{name} IS NOT NULL" if value is None else "{name} < {held}"
        return sql.SQL(form).format(name=name, held=held)
    if value is None:
        return None  # NULL comes last: nothing is beyond it
    # The identifier is never NULL, and saying so lets its index find the start.
    form = "{name} > {held}" if key.is_identifier else "({name} > {held} OR {name} IS NULL)"
    return sql.SQL(form).format(name=name, held=held)


def _read_start(query: ItemsQuery) -> _Start:
    """Raises BadQuery for a token that no page of ours gave out."""
    if not query.after:
        return _Start(query.offset, (query.offset,) if query.offset else ())
    token = query.after
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
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
    return _Start(found[0], tuple(found[1:]))
