"""Loaded rows take their place: as a new layer, instead of a layer's data, or feature by feature among them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from layers.importing.described import Described
from layers.importing.identity import keep_identity
from layers.importing.load import Loaded, drop_table, take_name
from layers.importing.models import ImportOutcome
from layers.importing.options import ImportOptions
from layers.importing.register import Facts, SourceId, new_slug, register, table_for, table_statistics
from layers.importing.updating import Update
from layers.models import Layer, LayerGeneration, LayerVersion
from layers.statistics import refresh_statistics
from layers.versions.generations import (
    begin_generation,
    begin_history,
    content_changes,
    has_same_columns,
    retire,
    schema_changes,
)
from layers.versions.recording import recorded

What = LayerVersion.What


@dataclass(frozen=True, slots=True)
class Incoming:
    """What is known of the rows that were loaded."""

    source: SourceId
    facts: Described
    geometry_type: str


def place_layer(
    layer: Layer | None, loaded: Loaded, incoming: Incoming, outcome: ImportOutcome, options: ImportOptions
) -> Layer:
    """A new layer, or all data of an old one replaced; the old data becomes its past, unless it is the same."""
    facts = incoming.facts
    slug = layer.slug if layer else new_slug(incoming.source, options, facts.srid)
    table = layer.table_name if layer else table_for(slug)
    counts = content_changes(layer, loaded.table) if layer else None
    retired = None
    if layer is not None and counts == (0, 0, 0) and has_same_columns(layer, loaded.table):
        drop_table(loaded)
    else:
        if layer is not None and options.key:
            keep_identity(layer, loaded.table, options.key)
        retired = retire(layer) if layer else None
        take_name(loaded, table)
    geometry, srid = ("geom", facts.storage_srid) if incoming.geometry_type else ("", None)
    found = table_statistics(table, srid, geometry)
    outcome.features, outcome.geometry_type = found.features, incoming.geometry_type
    outcome.storage_srid, outcome.null_geometries = srid, found.nulls if geometry else 0
    values = {
        "kind": Layer.Kind.VECTOR,
        "table_name": table,
        "id_field": "fid",
        "geometry_field": geometry,
        "tile_geometry_field": "geom_3857" if loaded.has_3857 else "",
        "geometry_type": incoming.geometry_type,
        "has_z": facts.has_z,
        "srid": srid,
        "feature_count": found.features,
        "bbox": list(found.degrees) if found.degrees else None,
        "storage_bbox": list(found.bounds) if found.bounds else None,
    }
    made = register(layer, slug, incoming.source, options, Facts(values, facts.columns))
    _note_version(made, retired, counts, outcome, options)
    return made


def _note_version(
    made: Layer,
    retired: LayerGeneration | None,
    counts: tuple[int, int, int] | None,
    outcome: ImportOutcome,
    options: ImportOptions,
) -> None:
    """The version that new data begins, and what the outcome says of it."""
    changes = schema_changes(made, retired) if retired else []
    note = "; ".join([text for text in (options.note, outcome.file.rsplit("/", 1)[-1], *changes) if text])
    with recorded(What.REPLACE if retired else What.IMPORT, outcome.run.user_id, note, options.valid_from):
        begin_generation(made, counts if retired else None)
    if counts is None:
        return
    last = made.versions.order_by("-number").first()
    outcome.changes = {
        "mode": "replace",
        "added": counts[0],
        "changed": counts[1],
        "removed": counts[2],
        "unchanged": (outcome.features or 0) - counts[0],
        "version": last.number if last else None,
        "notes": changes,
    }


def update_layer(layer: Layer, loaded: Loaded, outcome: ImportOutcome, options: ImportOptions) -> Layer:
    """Rows appended to a layer, or synchronised with it. Raises ImportRefused."""
    begin_history(layer)
    what = What.SYNCHRONISE if options.mode.value == "synchronise" else What.APPEND
    note = "; ".join([text for text in (options.note, outcome.file.rsplit("/", 1)[-1]) if text])
    with recorded(what, outcome.run.user_id, note, options.valid_from):
        changes = Update(layer, loaded.table, options).apply()
    # The triggers of the table have raised its data version meanwhile.
    layer.refresh_from_db()
    features = refresh_statistics(layer)
    Layer.objects.filter(pk=layer.pk).update(data_updated_at=timezone.now())
    last = layer.versions.order_by("-number").first()
    outcome.changes = changes.as_json() | {"version": last.number if last else None}
    outcome.features, outcome.geometry_type, outcome.storage_srid = features, layer.geometry_type, layer.srid
    outcome.notes = outcome.notes + changes.notes
    return layer
