"""What the catalogue row of a vector layer says of its table, measured again."""

from __future__ import annotations

from django.db import connection

from layers.errors import LayersError
from layers.importing.register import table_statistics
from layers.models import Layer, geodata_identifier


class StoreMissing(LayersError):
    """The table or a column that a layer names is not in the database."""


def table_columns(table: str) -> set[str]:
    """Columns of a table or view of the geodata schema; empty when there is none."""
    schema, name = geodata_identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) "
            "AND attnum > 0 AND NOT attisdropped",
            [schema, name],
        )
        return {str(column) for (column,) in cursor.fetchall()}


def missing_columns(layer: Layer) -> list[str]:
    """Columns the layer names that its table lacks. Raises StoreMissing when there is no table."""
    found = table_columns(layer.table_name)
    if not found:
        raise StoreMissing(f"Nello schema geodata non c'è la tabella {layer.table_name!r}.")
    wanted = [layer.id_field, layer.geometry_field, layer.tile_geometry_field, layer.time_field]
    wanted += [field.name for field in layer.fields.all()] if layer.pk else []
    return [name for name in wanted if name and name not in found]


def refresh_statistics(layer: Layer) -> int:
    """Measure count and extents of a layer's table and write them in its row. Returns the count."""
    missing = missing_columns(layer)
    if missing:
        raise StoreMissing(f"Nella tabella {layer.table_name!r} mancano le colonne {', '.join(missing)}.")
    found = table_statistics(layer.table_name, layer.srid, layer.geometry_field)
    layer.feature_count = found.features
    layer.bbox = list(found.degrees) if found.degrees else None
    layer.storage_bbox = list(found.bounds) if found.bounds else None
    layer.save(update_fields=["feature_count", "bbox", "storage_bbox", "updated_at"])
    return found.features
