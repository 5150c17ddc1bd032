"""A layer's data as it was at a version, brought back. That is a change like any other, and makes a version itself."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2 import sql
from rasterio.errors import RasterioError

from geoportal.sql import queries
from layers.importing.columns import Column
from layers.importing.load import Loaded, TableShape, create_table, finish_table, take_name
from layers.importing.register import write_fields
from layers.models import Field, Layer, LayerGeneration, LayerVersion, geodata_identifier
from layers.statistics import refresh_statistics
from layers.versions import rasters
from layers.versions.generations import begin_generation, content_changes, retire
from layers.versions.past import SCHEMA, columns_at, state_text, table_at
from layers.versions.recording import VersionRefused, recorded

SQL = queries("layers.versions", "comparing")


def restore(layer_id: int, number: int, user_id: int | None = None) -> LayerVersion:
    """Make the layer what it was at a version.

    Raises LookupError where there is no such version, VersionRefused where nothing would change.
    """
    with transaction.atomic():
        layer = Layer.objects.select_for_update(of=("self",)).get(pk=layer_id)
        if layer.kind == Layer.Kind.RASTER:
            return _file_back(layer, number, user_id)
        held = LayerGeneration.objects.filter(layer=layer, versions__number=number).first()
        if held is None:
            raise LookupError(f"{layer.slug} has no version {number}")
        last = layer.versions.order_by("-number")[0]
        with recorded(LayerVersion.What.RESTORE, user_id, _back(number)):
            if held.is_current:
                _rows_back(layer, held, number)
            else:
                _table_back(layer, held, number)
        made = layer.versions.order_by("-number")[0]
        if made.number == last.number:
            raise VersionRefused(_same(number))
        layer.refresh_from_db()
        refresh_statistics(layer)
        Layer.objects.filter(pk=layer.pk).update(data_updated_at=timezone.now())
    made.refresh_from_db()
    return made


def _file_back(layer: Layer, number: int, user_id: int | None) -> LayerVersion:
    """Of a raster: the file of then, which is still there."""
    wanted = layer.versions.filter(number=number).select_related("raster").first()
    if wanted is None or wanted.raster is None:
        raise LookupError(f"{layer.slug} has no version {number}")
    try:
        rasters.begin_history(layer)
        if wanted.raster.path == layer.raster_path:
            raise VersionRefused(_same(number))
        counts = rasters.bring_back(layer, wanted.raster)
    except (RasterioError, OSError) as error:
        raise VersionRefused(
            _("Il file di una delle due versioni non si legge: %(error)s") % {"error": str(error)[:200]}
        ) from error
    with recorded(LayerVersion.What.RESTORE, user_id, _back(number)):
        return rasters.write(layer, wanted.raster, counts)


def _back(number: int) -> str:
    return _("com'era alla versione %(number)s") % {"number": number}


def _same(number: int) -> str:
    return _("Il livello è già com'era alla versione %(number)s.") % {"number": number}


def _rows_back(layer: Layer, held: LayerGeneration, number: int) -> None:
    """Within one table: only the rows that differ are written."""
    history = {name for name, _kind in columns_at(SCHEMA, held.history_table)}
    columns = [name for name, _kind in columns_at(*table_at(held)) if name in history]
    others = [name for name in columns if name != held.id_field]
    parts = {
        "table": sql.Identifier(*table_at(held)),
        "history": sql.Identifier(SCHEMA, held.history_table),
        "state": sql.SQL(state_text(held, number, columns)),
        "id": sql.Identifier(held.id_field),
        "version": sql.Literal(number),
        "changes": sql.SQL(", ").join(
            [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("s", name)) for name in others]
        ),
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "values": sql.SQL(", ").join([sql.Identifier("s", name) for name in columns]),
    }
    steps = ("restore_delete", "restore_update", "restore_insert") if others else ("restore_delete", "restore_insert")
    with connection.cursor() as cursor:
        for step in steps:
            cursor.execute(sql.SQL(SQL[step]).format(**parts))


def _table_back(layer: Layer, held: LayerGeneration, number: int) -> None:
    """From a replaced table: a new one with its columns, in the place of today's."""
    store: dict[str, Any] = held.store
    types = dict(columns_at(*table_at(held)))
    known = {was["name"]: was for was in held.fields}
    columns = [
        Column(
            known[name]["source_name"] or name,
            name,
            types[name],
            Field.Type(known[name]["type"]),
            known[name]["title_it"],
        )
        for name in types
        if name in known and name != held.id_field
    ]
    has_geometry = bool(store["geometry_field"])
    geometry = f"{store['geometry_type']}Z" if store["has_z"] else str(store["geometry_type"])
    shape = TableShape(geometry, int(store["srid"] or 0), columns, has_3857=has_geometry and _fits(held, number))
    name = f"import_{uuid.uuid4().hex[:16]}"
    table = sql.Identifier(*geodata_identifier(name))
    names = [column.name for column in columns]
    source = [held.id_field, *([store["geometry_field"]] if has_geometry else []), *names]
    target = ["fid", *(["geom"] if has_geometry else []), *names]
    with connection.cursor() as cursor:
        cursor.execute(create_table(table, shape))
        cursor.execute(
            sql.SQL(SQL["restore_all"]).format(
                table=table,
                columns=sql.SQL(", ").join(map(sql.Identifier, target)),
                values=sql.SQL(", ").join([sql.Identifier("s", one) for one in source]),
                state=sql.SQL(state_text(held, number, source)),
                id=sql.Identifier(held.id_field),
            )
        )
        finish_table(cursor, name, table, shape)
        whole = '"{}"."{}"'.format(*geodata_identifier(name))
        cursor.execute(
            sql.SQL(SQL["next_identifier"]).format(table=table, id=sql.Identifier("fid")),
            {"table": whole, "column": "fid"},
        )
    counts = content_changes(layer, name)
    retire(layer)
    take_name(Loaded(name, shape.geometries, 0), layer.table_name)
    layer.id_field, layer.geometry_field, layer.srid = "fid", "geom" if has_geometry else "", store["srid"]
    layer.geometry_type, layer.has_z = str(store["geometry_type"]), bool(store["has_z"])
    layer.tile_geometry_field = "geom_3857" if shape.has_3857 else ""
    layer.data_version += 1
    layer.save()
    write_fields(layer, columns, is_new=False)
    _rights_back(layer, known)
    begin_generation(layer, counts)


def _rights_back(layer: Layer, known: dict[str, Any]) -> None:
    """Attributes that come back have the rights and words they went with; those that stayed have today's."""
    names = ("title_it", "title_en", "unit", "is_visible", "is_filterable", "is_searchable", "search_role", "access")
    stayed = [was["name"] for was in layer.generations.order_by("-first")[0].fields]
    for row in layer.fields.exclude(name__in=stayed):
        for name in names:
            setattr(row, name, known[row.name][name])
        row.codes = known[row.name].get("codes", [])  # put away before there were any
        row.save(update_fields=[*names, "codes"])


def _fits(held: LayerGeneration, number: int) -> bool:
    """Whether EPSG:3857 can hold the state: not near the poles."""
    store = held.store
    statement = sql.SQL(SQL["latitudes"]).format(
        geometry=sql.Identifier(store["geometry_field"]),
        srid=sql.Literal(int(store["srid"])),
        state=sql.SQL(state_text(held, number, [store["geometry_field"], held.id_field])),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        low, high = cursor.fetchone()
    return low is None or (low > -89.0 and high < 89.0)
