"""The versions of a raster layer: written when its file changes, its earlier files kept, and the layer as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from layers.catalogue import LayerEntry, Past
from layers.models import Layer
from layers.versions import raster_files
from layers.versions.models import LayerVersion, RasterState
from layers.versions.raster_changes import PixelCounts, changes_between, pixels_of
from layers.versions.raster_files import RasterFile
from layers.versions.recording import SQL, recorded

What = LayerVersion.What
_FACTS = ("srid", "bbox", "storage_bbox", "source_file")


def begin_history(layer: Layer) -> None:
    """See that what the layer shows now is its last version.

    It is not where its history has not begun, nor where somebody has written another file into its row by hand. A file
    that is lost begins nothing: what comes next must be able to take its place. Raises OSError.
    """
    if is_lost(layer):
        return
    last = current(layer)
    if last is not None and last.raster is not None and last.raster.path == layer.raster_path:
        return
    state = _state_of(layer, raster_files.measured(layer.raster_path))
    if state.path != layer.raster_path:
        # A copy of a file that is kept already.
        layer.raster_path = state.path
        layer.save(update_fields=["raster_path"])
    since: datetime | None = layer.data_updated_at or layer.created_at
    if last is not None and since is not None and since <= last.valid_from:
        since = None
    with recorded(What.BASELINE if last is None else What.DATABASE, valid_from=since):
        write(layer, state, _counts(last, layer))


def is_lost(layer: Layer) -> bool:
    """Whether the file that a layer shows is not there."""
    return not (raster_files.folder() / layer.raster_path).is_file()


def current(layer: Layer) -> LayerVersion | None:
    """The last version."""
    return layer.versions.select_related("raster").order_by("-number").first()


def counts_of_change(layer: Layer, path: str, info: dict[str, Any]) -> PixelCounts:
    """What another file would add, change and remove of a layer's pixels. Raises OSError and RasterioError."""
    if is_lost(layer):
        return pixels_of(info), 0, 0
    root = raster_files.folder()
    return changes_between(root / layer.raster_path, root / path, pixels_of(layer.raster_info), pixels_of(info))


def held_content(layer: Layer, checksum: str) -> RasterState | None:
    """The state of this very content, where the layer has or had it."""
    return RasterState.objects.filter(layer=layer, checksum=checksum).first()


def keep(layer: Layer, file: RasterFile, counts: PixelCounts | None) -> LayerVersion:
    """The version that the layer's present file begins; `counts` None: it is the first. Within `recorded`."""
    return write(layer, _state_of(layer, file), counts or (pixels_of(layer.raster_info), 0, 0))


def write(layer: Layer, state: RasterState, counts: PixelCounts) -> LayerVersion:
    """A version in a state, as `recorded` says; the caller holds the layer's row."""
    values = dict(zip(("added", "changed", "removed"), counts, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(SQL["raster_version"], {"layer": layer.pk, "state": state.pk, **values})
        (number,) = cursor.fetchone()
    return layer.versions.get(number=number)


def bring_back(layer: Layer, state: RasterState) -> PixelCounts:
    """Make the layer's row show another of its states. Returns what that changes. Raises OSError and RasterioError."""
    (raster_files.folder() / state.path).stat()
    counts = counts_of_change(layer, state.path, state.info)
    layer.raster_path, layer.raster_info = state.path, state.info
    for name in _FACTS:
        setattr(layer, name, getattr(state, name))
    layer.data_version += 1
    layer.data_updated_at = timezone.now()
    layer.save()
    return counts


def entry_at(layer: LayerEntry, number: int) -> LayerEntry:
    """The layer as it was at a version, 0: before all, when it had no pixels. Raises LookupError."""
    # No version of the data as it is has a negative number: caches keep the two apart.
    past = replace(layer, data_version=-number - 1, past=Past("", "", "", number))
    if not number:
        return replace(past, raster_path="", raster_info={})
    state = RasterState.objects.filter(versions__layer_id=layer.id, versions__number=number).first()
    if state is None:
        raise LookupError(f"{layer.slug} has no version {number}")
    return replace(
        past,
        raster_path=state.path,
        raster_info=state.info,
        srid=state.srid,
        bbox=_box(state.bbox),
        storage_bbox=_box(state.storage_bbox),
    )


def forget_states(layer_id: int) -> None:
    """Let go of states that no version is in any more; their files go once that is committed."""
    RasterState.objects.filter(layer_id=layer_id, versions=None).delete()


def _state_of(layer: Layer, file: RasterFile) -> RasterState:
    known = held_content(layer, file.checksum)
    if known is not None:
        return known
    facts = {name: getattr(layer, name) for name in _FACTS}
    return RasterState.objects.create(
        layer=layer, path=file.path, checksum=file.checksum, bytes=file.bytes, info=layer.raster_info, **facts
    )


def _counts(last: LayerVersion | None, layer: Layer) -> PixelCounts:
    if last is None or last.raster is None:
        return pixels_of(layer.raster_info), 0, 0
    root = raster_files.folder()
    was, now = last.raster, layer.raster_info
    return changes_between(root / was.path, root / layer.raster_path, pixels_of(was.info), pixels_of(now))


def _box(numbers: list[float] | None) -> tuple[float, float, float, float] | None:
    return (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None
