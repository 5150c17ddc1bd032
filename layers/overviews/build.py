"""Preparing the far tiles of a layer: per zoom one pass of window functions over the shapes kept for the zoom below."""

from __future__ import annotations

import time
from typing import Any

from django.db import connection, transaction
from psycopg2 import sql

from geoportal.sql import queries
from layers.models import Layer, geodata_identifier
from layers.overviews.models import FORM, SCHEMA, TileOverview, table_name
from layers.tile_grids import WEB_MERCATOR
from layers.tiles import BUFFER, BYTES_CAP, EXTENT, FEATURE_CAP, SHAPE_BYTES, THIN_BELOW
from layers.versions.past import columns_at

SQL = queries("layers.overviews", "overviews")
CELLS = 64
"""Cells along the side of a tile among which its features are spread."""
PARTS_CAP = 4
"""Parts in tiles that a shape may have on average at the nearest zoom."""


def prepare(layer_id: int) -> int | None:
    """Make or renew the prepared tiles of a layer. Returns how many shapes they hold, None where they are not useful.

    Readers see the old until the new is whole. Raises Layer.DoesNotExist.
    """
    begun = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        layer = Layer.objects.get(pk=layer_id)
        # The version is read before the data: what is prepared is never older than it says.
        held, _made = TileOverview.objects.get_or_create(
            layer=layer, defaults={"data_version": layer.data_version, "is_useful": False}
        )
        TileOverview.objects.select_for_update().get(pk=held.pk)
        columns = [
            n for n, kind in columns_at(*geodata_identifier(layer.table_name)) if not kind.startswith("geometry")
        ]
        parts = _parts(layer, columns, sql.Identifier(SCHEMA, f"{table_name(layer_id)}_new"))
        held.data_version, held.form, held.columns = layer.data_version, FORM, columns
        held.is_useful = _is_worth_it(cursor, parts)
        rows = _fill(cursor, layer, parts) if held.is_useful else None
        # Only now are readers kept waiting, for the moment until the end of the transaction.
        name = table_name(layer_id)
        cursor.execute(sql.SQL(SQL["drop"]).format(prepared=sql.Identifier(SCHEMA, name)))
        if held.is_useful:
            cursor.execute(sql.SQL(SQL["rename"]).format(prepared=parts["prepared"], name=sql.Identifier(name)))
        held.seconds = time.monotonic() - begun
        held.save()
    return rows


def give_up(layer_id: int) -> None:
    """Note that the data of now cannot be prepared. Raises Layer.DoesNotExist."""
    version = Layer.objects.values_list("data_version", flat=True).get(pk=layer_id)
    values = {"data_version": version, "form": FORM, "is_useful": False}
    TileOverview.objects.update_or_create(layer_id=layer_id, defaults=values)


def _parts(layer: Layer, columns: list[str], prepared: sql.Identifier) -> dict[str, sql.Composable]:
    geometry = sql.Identifier("f", layer.tile_geometry_field)
    size = "greatest(ST_XMax({g}) - ST_XMin({g}), ST_YMax({g}) - ST_YMin({g}))"
    is_point = "POINT" in layer.geometry_type.upper()
    cell = "floor((ST_XMin({g}) - %(left)s) / %(dot)s), floor((%(top)s - ST_YMin({g})) / %(dot)s)"
    return {
        "prepared": prepared,
        "table": sql.Identifier(*geodata_identifier(layer.table_name)),
        "id": sql.Identifier("f", layer.id_field),
        "name": sql.Identifier(layer.id_field),
        "columns": sql.SQL(", ").join([sql.Identifier("f", name) for name in columns]),
        "geometry": geometry,
        "size": sql.SQL("0" if is_point else size).format(g=geometry),
        # Of points closer than half a pixel one is enough; shapes smaller than a quarter of one are not seen.
        "distinct": sql.SQL(f"DISTINCT ON ({cell})").format(g=geometry) if is_point else sql.SQL(""),
        "condition": sql.SQL("{} IS NOT NULL AND NOT ST_IsEmpty({})").format(geometry, geometry)
        if is_point
        else sql.SQL(size + " > %(min_size)s").format(g=geometry),
        "shape": sql.SQL("{}" if is_point else "ST_Simplify({}, %(tolerance)s, true)").format(geometry),
    }


def _values(z: int) -> dict[str, Any]:
    side = WEB_MERCATOR.side(z)
    return {
        "z": z,
        "last": 2**z - 1,
        "side": side,
        "left": WEB_MERCATOR.left,
        "top": WEB_MERCATOR.top,
        "margin": side * BUFFER / EXTENT,
        "buffer": BUFFER,
        "min_size": side / 2048,
        "dot": side / 1024,
        "tolerance": side / 4096,
        "cells": CELLS,
    }


def _is_worth_it(cursor: Any, parts: dict[str, sql.Composable]) -> bool:
    cursor.execute(sql.SQL(SQL["spread"]).format(**parts), _values(THIN_BELOW - 1))
    shapes, pieces = cursor.fetchone()
    return bool(pieces <= shapes * PARTS_CAP)


def _fill(cursor: Any, layer: Layer, parts: dict[str, sql.Composable]) -> int:
    cap = FEATURE_CAP if "POINT" in layer.geometry_type.upper() else BYTES_CAP // SHAPE_BYTES
    cursor.execute(sql.SQL(SQL["drop"]).format(**parts))
    cursor.execute(sql.SQL(SQL["create"]).format(**parts))
    rows = 0
    for z in range(THIN_BELOW - 1, -1, -1):
        # What is seen from afar is among what is seen from nearer.
        among = sql.SQL("") if z == THIN_BELOW - 1 else sql.SQL(SQL["among"]).format(**parts)
        cursor.execute(sql.SQL(SQL["fill"]).format(among=among, **parts), _values(z) | {"cap": cap})
        rows += cursor.rowcount
    cursor.execute(sql.SQL(SQL["index"]).format(**parts))
    cursor.execute(sql.SQL(SQL["analyze"]).format(**parts))
    return rows
