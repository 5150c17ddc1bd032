"""Filling the search index of a layer, in a few INSERT … SELECT statements and one transaction.

A change of the data, of a searchable field or of publication asks for it by a trigger, which queues a job.
"""

from __future__ import annotations

import time

from django.db import connection, transaction
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry, catalogue
from layers.database import table_of
from layers.filters import column
from layers.models import Field, SearchIndex
from layers.search.scopes import Scope, role_of, scopes_of

SQL = queries("layers.search", "index")
Role = Field.SearchRole
_STRUCTURED = {Role.STREET, Role.NUMBER, Role.EXPONENT, Role.SHEET, Role.PARCEL, Role.REFERENCE}
EMPTY = sql.SQL("''")


def index_layer(layer_id: int) -> int:
    """Index one layer anew, or forget it when it is not published or not searchable. How many entries it has now."""
    layer = next((entry for entry in catalogue().layers.values() if entry.id == layer_id), None)
    started = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        # Two at once would leave every entry twice.
        cursor.execute("SELECT pg_advisory_xact_lock(26110, %s)", [layer_id])
        cursor.execute(SQL["forget"], {"layer": layer_id})
        SearchIndex.objects.filter(layer_id=layer_id).delete()
        scopes = scopes_of(layer) if layer is not None and layer.kind == "vector" else []
        if layer is None or not scopes:
            return 0
        for scope in scopes:
            names = {"layer": layer.id, "scope": scope.id}
            for statement in _statements(scope):
                cursor.execute(statement, names)
            cursor.execute(sql.SQL(SQL["words"]).format(), names)
        cursor.execute(SQL["count"], {"layer": layer.id})
        (entries,) = cursor.fetchone()
        seconds = round(time.monotonic() - started, 3)
        SearchIndex.objects.create(layer_id=layer.id, data_version=layer.data_version, entries=entries, seconds=seconds)
    settle()
    return int(entries)


def settle() -> None:
    """Merge what the bulk insert left waiting in the word indexes."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["settle"])


def analyse() -> None:
    """Let the planner know the new rows: without it a fresh index is read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE layers_searchentry, layers_searchword")


def _statements(scope: Scope) -> list[sql.Composed]:
    layer = scope.layer
    parts = {"table": table_of(layer), "id": sql.Identifier(layer.id_field), **_places(layer)}
    street, number = scope.named(Role.STREET), scope.named(Role.NUMBER)
    exponent = _text(scope.named(Role.EXPONENT))
    found = []
    if street and number:
        found.append(
            sql.SQL(SQL["addresses"]).format(
                street=sql.Identifier(street),
                number=sql.Identifier(number),
                exponent=sql.SQL("coalesce({}, '')").format(exponent),
                subtitle=EMPTY,
                **parts,
            )
        )
    elif street:
        found.append(sql.SQL(SQL["streets"]).format(street=sql.Identifier(street), **parts))
    sheet, parcel = _sheet_and_parcel(scope)
    if sheet is not None:
        found.append(sql.SQL(SQL["parcels"]).format(sheet=sheet, parcel=parcel, **parts))
    texts = [entry.name for entry in scope.fields if role_of(entry) not in _STRUCTURED]
    if texts:
        title = scope.named(Role.NAME) or texts[0]
        rest = [_text(name) for name in texts if name != title]
        joined = sql.SQL("concat_ws(' · ', {})").format(sql.SQL(", ").join(rest)) if rest else EMPTY
        found.append(sql.SQL(SQL["features"]).format(title=_text(title), rest=joined, **parts))
    return found


def _places(layer: LayerEntry) -> dict[str, sql.Composable]:
    """Where a feature is: a point on it and its box, both in EPSG:4326."""
    if not layer.geometry_field or not layer.geometry_type:
        nothing = sql.SQL("NULL::geometry")
        return {"point": nothing, "box": nothing}
    shape: sql.Composable = sql.SQL("ST_Force2D({})").format(column(layer.geometry_field))
    degrees = "{}" if layer.srid == 4326 else "ST_Transform({}, 4326)"
    if layer.geometry_type.upper().removesuffix("Z").removesuffix("M") == "POINT":
        return {"point": sql.SQL(degrees).format(shape), "box": sql.SQL("NULL::geometry")}
    point = sql.SQL(degrees).format(sql.SQL("ST_PointOnSurface({})").format(shape))
    return {"point": point, "box": sql.SQL(degrees).format(sql.SQL("ST_Envelope({})").format(shape))}


def _sheet_and_parcel(scope: Scope) -> tuple[sql.Composable | None, sql.Composable]:
    """SQL texts of sheet and parcel: from their own columns, or out of a national reference D150_001200.345."""
    sheet, parcel, reference = scope.named(Role.SHEET), scope.named(Role.PARCEL), scope.named(Role.REFERENCE)
    if sheet:
        return _unpadded(_text(sheet)), _unpadded(_text(parcel)) if parcel else EMPTY
    if not reference:
        return None, EMPTY
    text = _text(reference)
    return (
        _unpadded(sql.SQL("substring({} FROM '^[A-Z][0-9]{{3}}[A-Z_]?([0-9]{{4}})')").format(text)),
        _unpadded(sql.SQL("substring({} FROM '[.](.+)$')").format(text)),
    )


def _unpadded(text: sql.Composable) -> sql.Composable:
    return sql.SQL("coalesce(regexp_replace(btrim({}), '^0+(?=[0-9])', ''), '')").format(text)


def _text(name: str) -> sql.Composable:
    return sql.SQL("{}::text").format(column(name)) if name else EMPTY
