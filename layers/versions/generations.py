"""Tables that another takes the place of: put away whole, with what the catalogue said of them."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _
from psycopg2 import sql

from layers.models import Layer, geodata_identifier
from layers.versions.models import LayerGeneration, LayerVersion
from layers.versions.past import SCHEMA, columns_at, table_at
from layers.versions.recording import SQL, VersionRefused, keep_versions, recorded

_FIELD_VALUES = (
    "name", "source_name", "type", "unit", "codes", "position", "title_it", "title_en",
    "is_visible", "is_filterable", "is_searchable", "search_role", "access",
)  # fmt: skip


def retire(layer: Layer) -> LayerGeneration | None:
    """Put a layer's table away, so that another can take its name; None for one that has no table of its own.

    Within the caller's transaction. Raises VersionRefused when views of the database read the table.
    """
    begin_history(layer)
    held = LayerGeneration.objects.filter(layer=layer, is_current=True).first()
    if held is None:
        return None
    _refuse_dependents(layer)
    old, name = sql.Identifier(*geodata_identifier(layer.table_name)), f"{held.history_table}_t"
    with connection.cursor() as cursor:
        for trigger in _names(cursor, "triggers", layer.table_name):
            cursor.execute(sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(trigger), old))
        if layer.tile_geometry_field:
            # A copy for tiles of today; its index goes with it.
            column = sql.Identifier(layer.tile_geometry_field)
            cursor.execute(sql.SQL("ALTER TABLE {} DROP COLUMN IF EXISTS {}").format(old, column))
        for number, index in enumerate(_names(cursor, "indexes", layer.table_name)):
            free = sql.Identifier(f"{held.history_table}_i{number}")
            cursor.execute(
                sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(*geodata_identifier(index)), free)
            )
        cursor.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(old, sql.Identifier(SCHEMA)))
        moved = sql.Identifier(SCHEMA, layer.table_name)
        cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(moved, sql.Identifier(name)))
    held.table_name, held.is_current = name, False
    held.store = {
        "geometry_field": layer.geometry_field,
        "geometry_type": layer.geometry_type,
        "has_z": layer.has_z,
        "srid": layer.srid,
    }
    held.fields = list(layer.fields.values(*_FIELD_VALUES))
    held.save()
    return held


def begin_history(layer: Layer) -> None:
    """The version with which the history of a layer begins that has been without one."""
    last = layer.versions.order_by("-number").first()
    if last is None:
        with recorded(LayerVersion.What.BASELINE, valid_from=layer.data_updated_at or layer.created_at):
            keep_versions(layer.pk)


def begin_generation(layer: Layer, counts: tuple[int, int, int] | None) -> LayerVersion | None:
    """Keep the history of the table that has taken a retired one's place: a version with what sets them apart."""
    return layer.versions.order_by("-number").first() if keep_versions(layer.pk, counts) else None


def content_changes(layer: Layer, table: str) -> tuple[int, int, int]:
    """What another table of `geodata` would add, change and remove, by whole content of what both have.

    Nothing is changed: without a key nothing says which feature is the same with other content.
    """
    here, there = geodata_identifier(layer.table_name), geodata_identifier(table)
    was, now = [name for name, _kind in columns_at(*here)], [name for name, _kind in columns_at(*there)]
    own = {layer.id_field, layer.tile_geometry_field}
    shared = [name for name in now if name in was and name not in own]
    content = sql.SQL("md5(ROW({})::text)").format(sql.SQL(", ").join([sql.Identifier("f", n) for n in shared]))
    statement = sql.SQL(SQL["replaced"]).format(
        content=content, table=sql.Identifier(*there), past=sql.Identifier(*here)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        added, removed = cursor.fetchone()
    return int(added), 0, int(removed)


def has_same_columns(layer: Layer, table: str) -> bool:
    """Whether another table of `geodata` has the columns of the layer's, of the same types."""
    return columns_at(*geodata_identifier(layer.table_name)) == columns_at(*geodata_identifier(table))


def schema_changes(layer: Layer, retired: LayerGeneration) -> list[str]:
    """What differs between the attributes of a retired table and of the present one, in sentences."""
    was = {name: kind for name, kind in columns_at(*table_at(retired)) if not kind.startswith("geometry")}
    now = {
        name: kind
        for name, kind in columns_at(*geodata_identifier(layer.table_name))
        if not kind.startswith("geometry")
    }
    found = []
    if come := [name for name in now if name not in was]:
        found.append(_("colonne nuove: %(names)s") % {"names": ", ".join(come)})
    if gone := [name for name in was if name not in now]:
        found.append(_("colonne tolte: %(names)s") % {"names": ", ".join(gone)})
    for name in now:
        if name in was and was[name] != now[name]:
            found.append(_("%(name)s: da %(old)s a %(new)s") % {"name": name, "old": was[name], "new": now[name]})
    if retired.store.get("srid") != layer.srid:
        found.append(
            _("sistema di riferimento: da EPSG:%(old)s a EPSG:%(new)s")
            % {"old": retired.store.get("srid"), "new": layer.srid}
        )
    return found


def dependents_of(table: str) -> list[str]:
    """Views of the database that read a table of `geodata`."""
    with connection.cursor() as cursor:
        return _names(cursor, "dependents", table)


def _refuse_dependents(layer: Layer) -> None:
    if views := dependents_of(layer.table_name):
        raise VersionRefused(
            _("La tabella di %(slug)s è letta da %(views)s: la sostituzione le lascerebbe sui dati vecchi.")
            % {"slug": layer.slug, "views": ", ".join(views)}
        )


def _names(cursor: object, query: str, table: str) -> list[str]:
    schema, name = geodata_identifier(table)
    cursor.execute(SQL[query], {"schema": schema, "table": name})  # type: ignore[attr-defined]
    return [str(row[0]) for row in cursor.fetchall()]  # type: ignore[attr-defined]
