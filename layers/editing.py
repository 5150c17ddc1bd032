"""Features written one at a time: created, replaced, changed in part, deleted. The database holds the last word.

Only attributes that the writer sees can be written; the identifier comes from the address or from the database, never
from a body; `data_version` is raised by the table's trigger; count, extent and history of the layer follow with it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION
from django.db import DataError, IntegrityError, InternalError, connection, transaction
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import FieldEntry, LayerEntry
from layers.crs import Crs
from layers.database import table_of
from layers.edited import box_of, count_and_extend, remember
from layers.errors import BadQuery, FeatureNotFound, OutOfDate
from layers.filters import Whitelist, column, instant
from layers.models import Field
from layers.rights import Audience

if TYPE_CHECKING:
    from geoportal.models import User

UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a request wants written. `geometry` is a GeoJSON object, None to empty it, UNSET to leave it."""

    properties: dict[str, Any]
    geometry: Any
    crs: Crs
    identifier: str | None = None
    """What the body says its `id` is; the address decides."""


def read_draft(content: bytes, crs: Crs, *, partial: bool) -> Draft:
    """The feature of a body; `partial` for a merge patch (RFC 7396). Raises BadQuery."""
    try:
        found = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadQuery("body", f"this is not JSON: {str(error)[:120]}") from error
    if not isinstance(found, dict):
        raise BadQuery("body", "send one GeoJSON feature, an object.")
    if found.get("type", "Feature" if partial else None) != "Feature":
        raise BadQuery("body", f'"type" is {str(found.get("type"))[:40]!r}; send a GeoJSON feature: "type": "Feature".')
    properties = found.get("properties", {})
    properties = {} if properties is None and not partial else properties
    if not isinstance(properties, dict):
        raise BadQuery("body", '"properties" must be an object.')
    geometry = found.get("geometry", UNSET if partial else None)
    if geometry is not UNSET and geometry is not None and not isinstance(geometry, dict):
        raise BadQuery("body", '"geometry" must be a GeoJSON geometry or null.')
    return Draft(properties, geometry, crs, str(found["id"]) if "id" in found else None)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def create(layer: LayerEntry, audience: Audience, draft: Draft, user: User) -> str:
    """A new feature; returns its identifier. Raises BadQuery."""
    values = _values(layer, audience, draft)
    names = queries("layers", "editing")
    form = sql.SQL(names["insert"] if values else names["insert_nothing"])
    statement = form.format(
        table=table_of(layer),
        columns=sql.SQL(", ").join([sql.Identifier(name) for name in values]),
        values=sql.SQL(", ").join([value for value, _params in values.values()]),
        id=sql.Identifier(layer.id_field),
    )
    with transaction.atomic():
        identifier = str(_written(statement, _params(values))[0])
        count_and_extend(layer, 1, None, box_of(layer, identifier))
        remember(user, layer, identifier, ADDITION, [])
    return identifier


def replace(layer: LayerEntry, audience: Audience, identifier: str, draft: Draft, check: Check, user: User) -> None:
    """Every attribute the writer sees, and the geometry: what the draft leaves out becomes empty.

    Raises FeatureNotFound, OutOfDate and BadQuery.
    """
    missing = {name: None for name in Whitelist.of(layer, audience).fields if name != layer.id_field}
    whole = Draft({**missing, **draft.properties}, None if draft.geometry is UNSET else draft.geometry, draft.crs)
    update(layer, audience, identifier, whole, check, user)


def update(layer: LayerEntry, audience: Audience, identifier: str, draft: Draft, check: Check, user: User) -> None:
    """What the draft names and nothing else. Raises FeatureNotFound, OutOfDate and BadQuery."""
    values = _values(layer, audience, draft)
    with transaction.atomic():
        _hold(layer, identifier, check)
        if not values:
            return
        changes = [sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, (value, _p) in values.items()]
        statement = sql.SQL(queries("layers", "editing")["update"]).format(
            table=table_of(layer), changes=sql.SQL(", ").join(changes), id=column(layer.id_field)
        )
        moves = layer.geometry_field in values
        before = box_of(layer, identifier) if moves else None
        _written(statement, _params(values) | {"identifier": identifier})
        if moves:
            count_and_extend(layer, 0, before, box_of(layer, identifier))
        remember(user, layer, identifier, CHANGE, list(values))


def delete(layer: LayerEntry, identifier: str, check: Check, user: User) -> None:
    """Raises FeatureNotFound, OutOfDate, and BadQuery when other data needs the feature."""
    with transaction.atomic():
        _hold(layer, identifier, check)
        statement = sql.SQL(queries("layers", "editing")["delete"]).format(
            table=table_of(layer), id=column(layer.id_field)
        )
        before = box_of(layer, identifier)
        _written(statement, {"identifier": identifier})
        count_and_extend(layer, -1, before, None)
        remember(user, layer, identifier, DELETION, [])


Check = Callable[[], bool]
"""Asked while the feature is held: whether it is still what the writer saw."""


def _hold(layer: LayerEntry, identifier: str, check: Check) -> None:
    statement = sql.SQL(queries("layers", "editing")["hold"]).format(table=table_of(layer), id=column(layer.id_field))
    try:
        found = "\x00" not in identifier and _written(statement, {"identifier": identifier})
    except BadQuery as error:
        raise FeatureNotFound(layer.slug, identifier) from error
    if not found:
        raise FeatureNotFound(layer.slug, identifier)
    if not check():
        raise OutOfDate(layer.slug, identifier)


Value = tuple[sql.Composable, dict[str, Any]]


def _values(layer: LayerEntry, audience: Audience, draft: Draft) -> dict[str, Value]:
    """Column → SQL of its value and what that names."""
    allowed = Whitelist.of(layer, audience)
    found: dict[str, Value] = {}
    for at, (name, value) in enumerate(draft.properties.items()):
        entry = allowed.get(str(name), "properties")
        if name == layer.id_field:
            raise BadQuery("properties", f"{name!r} identifies the feature: it comes from the address, leave it out.")
        found[name] = (sql.Placeholder(f"p{at}"), {f"p{at}": column_value(entry, value)})
    if draft.geometry is not UNSET and layer.geometry_field:
        found[layer.geometry_field] = _geometry(layer, draft)
    elif draft.geometry not in (None, UNSET):
        raise BadQuery("geometry", "this collection has no geometry; leave it out.")
    return found


def _params(values: dict[str, Value]) -> dict[str, Any]:
    return {name: value for _sql, params in values.values() for name, value in params.items()}


def column_value(entry: FieldEntry, value: Any) -> Any:
    """A JSON value as the column takes it. Raises BadQuery naming attribute, type and value."""
    if value is None:
        return None
    found = _typed(entry, value)
    if entry.codes and found not in [one.code for one in entry.codes]:
        known = ", ".join(str(one.code) for one in entry.codes[:20])
        raise BadQuery(entry.name, f"{json.dumps(value)[:80]} is not in the list of codes; use one of {known}.")
    return found


def _typed(entry: FieldEntry, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match entry.type:
        case Field.Type.INTEGER if is_number and abs(value) < 2**63 and value == int(value):
            return int(value)
        case Field.Type.NUMBER if is_number and abs(value) <= sys.float_info.max:
            return value
        case Field.Type.BOOLEAN if isinstance(value, bool):
            return value
        case Field.Type.DATE if isinstance(value, str):
            moment = instant(value, entry.name)
            if type(moment) is date:
                return moment
        case Field.Type.DATETIME if isinstance(value, str):
            moment = instant(value, entry.name)
            if isinstance(moment, datetime):
                return moment
        case Field.Type.JSON:
            return json.dumps(value)
        case Field.Type.STRING if isinstance(value, str) and "\x00" not in value:
            return value
    raise BadQuery(entry.name, f"{json.dumps(value)[:80]} is not a value of type {entry.type}.")


def _geometry(layer: LayerEntry, draft: Draft) -> Value:
    if draft.geometry is None:
        return sql.SQL("NULL"), {}
    storage = layer.srid or 4326
    shape: sql.Composable = sql.SQL("ST_SetSRID(ST_GeomFromGeoJSON(%(geometry)s), {})").format(
        sql.Literal(draft.crs.srid)
    )
    if draft.crs.north_first:
        shape = sql.SQL("ST_FlipCoordinates({})").format(shape)
    if draft.crs.srid != storage:
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(storage))
    shape = sql.SQL("ST_Force3D({})" if layer.has_z else "ST_Force2D({})").format(shape)
    kind = layer.geometry_type.upper().removesuffix("M").removesuffix("Z").strip()
    if kind.startswith("MULTI"):
        shape = sql.SQL("ST_Multi({})").format(shape)
    params = {"geometry": json.dumps(draft.geometry)}
    statement = sql.SQL(queries("layers", "editing")["geometry"]).format(shape=shape)
    is_valid, reason, found, is_empty = _written(statement, params)
    if is_empty:
        raise BadQuery("geometry", "the geometry is empty; send null for none.")
    if kind not in ("", "GEOMETRY", found):
        raise BadQuery("geometry", f"this collection holds {kind}, and {found} came.")
    if not is_valid:
        raise BadQuery("geometry", f"the geometry is not valid: {reason} (coordinates in EPSG:{storage}).")
    return shape, params


def _written(statement: sql.Composable, params: dict[str, Any]) -> tuple[Any, ...]:
    """The one row of a statement, in a savepoint of its own. Raises BadQuery in the database's words."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, params)
            row = cursor.fetchone()
    except (DataError, IntegrityError, InternalError) as error:
        raise BadQuery("body", str(error).strip().split("\n", 1)[0][:300]) from error
    return tuple(row) if row else ()
