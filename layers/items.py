"""Features of a layer as GeoJSON bytes, made by PostgreSQL in one statement: a page of them, or one.

Pages follow a stable order (the identifier, after whatever the caller sorts by) and continue from the sort keys of the
last feature, so that page 10,000 costs what page 1 costs.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types, count_all
from layers.cql2 import Translator, read_filter
from layers.crs import Crs, crs84
from layers.database import read_row, table_of
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
    statement, params = items_statement(layer, audience, query)
    features, returned, has_more, last, counted = read_row(statement, params, text_as_bytes=True)
    first = params["first"]
    matched = _matched(layer, params["count_cap"] > 0, first, int(returned), bool(has_more), counted)
    after = _token(first + int(returned), json.loads(last)) if has_more else None
    return Page(bytes(features or b""), int(returned), matched, after, first)


def items_statement(layer: LayerEntry, audience: Audience, query: ItemsQuery) -> tuple[sql.Composed, dict[str, Any]]:
    """The statement of one page and its values; `first` among them says how many features come before."""
    allowed = Whitelist.of(layer, audience)
    clause = conditions(allowed, query)
    is_filtered = bool(clause.parts)
    keys = sort_keys(allowed, query.sortby)
    where, order = clause.sql, _order(keys)
    names = queries("layers", "items")
    table, id_column = table_of(layer), column(layer.id_field)
    source: sql.Composable = table
    page_where, first = where, query.offset
    if query.after:
        first, page_where = _continue(clause, where, keys, query.after)
    elif query.offset:
        page_where = TRUE
        source = sql.SQL(names["after_offset"]).format(id=id_column, table=table, where=where, order=order)
    statement = sql.SQL(names["items"]).format(
        source=source,
        table=table,
        where=where,
        page_where=page_where,
        order=order,
        keys=_key_text(keys),
        feature=feature_text(layer, selected(allowed, query.properties), query.crs, query.skip_geometry),
    )
    count_cap = COUNT_CAP if is_filtered else 0
    own = {"limit": query.limit, "offset": query.offset, "count_cap": count_cap, "first": first}
    return statement, clause.params | own


def item(layer: LayerEntry, audience: Audience, identifier: str, crs: Crs) -> bytes:
    """One feature as GeoJSON. Raises FeatureNotFound, also for an identifier of the wrong type."""
    allowed = Whitelist.of(layer, audience)
    statement = sql.SQL(queries("layers", "items")["item"]).format(
        feature=feature_text(layer, list(allowed.fields), crs, skip_geometry=False),
        table=table_of(layer),
        id=column(layer.id_field),
    )
    if "\x00" in identifier:
        raise FeatureNotFound(layer.slug, identifier)
    try:
        row = read_row(statement, {"identifier": identifier}, text_as_bytes=True)
    except BadQuery as error:
        raise FeatureNotFound(layer.slug, identifier) from error
    if not row:
        raise FeatureNotFound(layer.slug, identifier)
    return bytes(row[0])


def conditions(allowed: Whitelist, query: ItemsQuery) -> Clause:
    """Everything the query filters by. Raises BadQuery."""
    clause = Clause()
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


def feature_text(layer: LayerEntry, names: list[str], crs: Crs, skip_geometry: bool) -> sql.Composable:
    """SQL text of one row `f` as a GeoJSON feature."""
    properties: sql.Composable = sql.SQL("'{}'")
    if names:
        columns = sql.SQL(", ").join([column(name) for name in names])
        properties = sql.SQL("row_to_json((SELECT p FROM (SELECT {}) AS p))::text").format(columns)
    geometry: sql.Composable = sql.SQL("'null'")
    if layer.geometry_field and not skip_geometry:
        geometry = sql.SQL("coalesce(ST_AsGeoJSON({}, {}, 0), 'null')").format(
            geometry_out(layer, crs), sql.Literal(crs.digits)
        )
    return sql.SQL(
        """'{{"type":"Feature","id":' || to_json({id})::text || ',"geometry":' || {geometry} """
        """|| ',"properties":' || {properties} || '}}'"""
    ).format(id=column(layer.id_field), geometry=geometry, properties=properties)


def geometry_out(layer: LayerEntry, crs: Crs) -> sql.Composable:
    """The geometry of a row `f` in the axis order of a CRS."""
    shape: sql.Composable = column(layer.geometry_field)
    if (layer.srid or 4326) != crs.srid:
        # The integer form: by name PROJ would be set up anew for every row (performance.md 3.4).
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(crs.srid))
    if "POLYGON" in layer.geometry_type.upper():
        shape = sql.SQL("ST_ForcePolygonCCW({})").format(shape)
    return sql.SQL("ST_FlipCoordinates({})").format(shape) if crs.north_first else shape


def _order(keys: tuple[SortKey, ...]) -> sql.Composable:
    return sql.SQL(", ").join([sql.SQL("{} DESC" if key.descending else "{}").format(column(key.name)) for key in keys])


def _key_text(keys: tuple[SortKey, ...]) -> sql.Composable:
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
    clause: Clause, where: sql.Composable, keys: tuple[SortKey, ...], token: str
) -> tuple[int, sql.Composable]:
    """How many features came before, and the condition "after the last one", expanded so that an index serves it."""
    first, *values = _read_token(token, len(keys))
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
    return int(first), sql.SQL("{} AND ({})").format(where, after)


def _beyond(name: sql.Composable, held: sql.Composable, key: SortKey, value: str | None) -> sql.Composable | None:
    if key.descending:
        form = "{name} IS NOT NULL" if value is None else "{name} < {held}"
        return sql.SQL(form).format(name=name, held=held)
    if value is None:
        return None  # NULL comes last: nothing is beyond it
    # The identifier is never NULL, and saying so lets its index find the start.
    form = "{name} > {held}" if key.is_identifier else "({name} > {held} OR {name} IS NULL)"
    return sql.SQL(form).format(name=name, held=held)


def _read_token(token: str, keys: int) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error) as error:
        raise BadQuery("after", "follow the link `next` of a page; this value does not come from one.") from error
    is_ours = (
        isinstance(found, list)
        and len(found) == keys + 1
        and isinstance(found[0], int)
        and 0 <= found[0] < 2**53
        and all(value is None or (isinstance(value, str) and "\x00" not in value) for value in found[1:])
        and found[-1] is not None
    )
    if not is_ours:
        raise BadQuery("after", "this value belongs to another question; start from the first page.")
    return list(found)
