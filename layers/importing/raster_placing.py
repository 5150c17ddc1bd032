"""A raster takes its place in the catalogue: as a new layer, or as the next version of one, its file before kept."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rasterio.errors import RasterioError

from layers.importing.errors import ImportRefused
from layers.importing.models import ImportOutcome
from layers.importing.options import ImportOptions, Mode
from layers.importing.register import Facts, SourceId, existing_layer, new_slug, register
from layers.models import Layer, LayerVersion
from layers.versions import rasters
from layers.versions.raster_changes import PixelCounts, pixels_of
from layers.versions.raster_files import RasterFile, discard_after_commit, heal
from layers.versions.recording import check_date, recorded

What = LayerVersion.What


def check_place(source: SourceId, options: ImportOptions) -> None:
    """Before the raster is converted: whether there is a place for it. Raises ImportRefused and VersionRefused."""
    if options.mode is not Mode.REPLACE:
        raise ImportRefused(_("Un raster si può solo sostituire, non aggiungere né sincronizzare."))
    with transaction.atomic():
        layer = existing_layer(source, options, Layer.Kind.RASTER)
        check_date(layer.pk if layer else None, options.valid_from)
        if layer is None:
            new_slug(source, options, None)


def place_raster(
    made: dict[str, Any], file: RasterFile, source: SourceId, outcome: ImportOutcome, options: ImportOptions
) -> Layer:
    """Register a converted file, within the caller's transaction. The same content again is no version.

    Raises ImportRefused and VersionRefused.
    """
    layer = existing_layer(source, options, Layer.Kind.RASTER)
    check_date(layer.pk if layer else None, options.valid_from)
    slug = layer.slug if layer else new_slug(source, options, None)
    shown, counts = (file.path, None) if layer is None else _against(layer, file, made["info"])
    entry = register(layer, slug, source, options, Facts(_values(made, shown)))
    if shown != file.path:
        # The layer has or had this very file.
        discard_after_commit([file.path])
    if counts is None or shown != _shown_last(entry):
        note = "; ".join([text for text in (options.note, outcome.file.rsplit("/", 1)[-1]) if text])
        what = What.IMPORT if counts is None else What.REPLACE
        with recorded(what, outcome.run.user_id, note, options.valid_from):
            rasters.keep(entry, file, counts)
    if counts is not None:
        last = rasters.current(entry)
        outcome.changes = {
            "mode": "replace",
            "unit": "pixel",
            **dict(zip(("added", "changed", "removed"), counts, strict=True)),
            "unchanged": pixels_of(made["info"]) - counts[0] - counts[1],
            "version": last.number if last else None,
        }
    return entry


def _against(layer: Layer, file: RasterFile, info: dict[str, Any]) -> tuple[str, PixelCounts]:
    """The file to show, an earlier one where it is the same, and what that changes."""
    try:
        rasters.begin_history(layer)
        known = rasters.held_content(layer, file.checksum)
        if known is not None:
            heal(known.path, file)
        if known is not None and known.path == layer.raster_path:
            return known.path, (0, 0, 0)
        return known.path if known else file.path, rasters.counts_of_change(layer, file.path, info)
    except (RasterioError, OSError) as error:
        raise ImportRefused(
            _("Il file di oggi del livello %(slug)s non si legge: non se ne può tenere la storia (%(error)s).")
            % {"slug": layer.slug, "error": str(error)[:200]}
        ) from error


def _shown_last(layer: Layer) -> str:
    last = rasters.current(layer)
    return last.raster.path if last is not None and last.raster is not None else ""


def _values(made: dict[str, Any], path: str) -> dict[str, Any]:
    return {
        "kind": Layer.Kind.RASTER,
        "raster_path": path,
        "raster_info": made["info"],
        "srid": int(made["srid"]),
        "geometry_field": "",
        "storage_bbox": [float(value) for value in made["bounds"]],
        "bbox": [float(value) for value in made["degrees"]],
    }
