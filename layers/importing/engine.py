"""The import itself: one file in, its layers in the catalogue, and an outcome row for each, whatever happened."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils.translation import gettext as _

from layers.importing import archives, raster
from layers.importing.columns import Column, columns_for
from layers.importing.crs import StoragePlan, degrees_bounds, storage_plan
from layers.importing.detect import FileKind, detect
from layers.importing.errors import ImportRefused
from layers.importing.geometry import MULTI_OF, GeometryCounts, GeometryPlan, NeedsMulti, Shapes
from layers.importing.geoparquet import GeoParquetSource
from layers.importing.load import Loaded, TableShape, load_table, take_name
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.ogr import OgrSource, layer_names
from layers.importing.options import LIMITS, ImportOptions
from layers.importing.register import Facts, SourceId, existing_layer, new_slug, register, table_statistics
from layers.importing.sources import VectorSource
from layers.importing.tabular import CsvSource
from layers.models import Layer

log = logging.getLogger(__name__)

Result = ImportOutcome.Result
_LEFT_OVER_S = 86_400


@dataclass(frozen=True, slots=True)
class FileToImport:
    """A file and the name under which its layers remember it."""

    path: Path
    name: str


def import_file(run: ImportRun, file: FileToImport, options: ImportOptions) -> list[ImportOutcome]:
    """Import every layer of a file; each succeeds or fails by itself, whole. One saved outcome for each.

    Raises ImportCancelled (nothing of the layer under way is kept); every other trouble becomes a refusal.
    """
    started = time.monotonic()
    checksum = ""
    try:
        checksum = checksum_of(file.path)
        kind = detect(file.path)
        if kind is FileKind.GEOTIFF:
            return [_import_raster(run, file, checksum, options)]
        with tempfile.TemporaryDirectory(prefix="import-", dir=_workspace()) as folder:
            return [
                _import_layer(run, file, kind, checksum, opener, options)
                for opener in openers(file.path, kind, Path(folder), options)
            ]
    except ImportRefused as error:
        return [_refused(run, file, checksum, str(error), started)]
    except OSError as error:
        return [
            _refused(run, file, checksum, _("Il file non si legge: %(error)s") % {"error": error.strerror}, started)
        ]


def _workspace() -> Path:
    folder = Path(settings.VAR_DIR) / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("import-*"):
        # A killed process could not take its folder away; no import runs for a day.
        if time.time() - left.stat().st_mtime > _LEFT_OVER_S:
            shutil.rmtree(left, ignore_errors=True)
    return folder


def checksum_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal. Raises ImportRefused when it is larger than the import takes."""
    if path.stat().st_size > LIMITS.file_bytes:
        raise ImportRefused(_("Il file supera la dimensione massima ammessa."))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unchanged(file: FileToImport) -> list[ImportOutcome]:
    """The outcomes of an earlier import of exactly this content whose layers are still there; empty: import it."""
    rows = ImportOutcome.objects.filter(file=file.name, result__in=(Result.IMPORTED, Result.PARTLY, Result.REFUSED))
    last = rows.order_by("-run_id").values_list("run_id", flat=True).first()
    if last is None:
        return []
    found = list(rows.filter(run_id=last).select_related("layer"))
    good = all(row.layer_id is not None for row in found) and found[0].checksum == checksum_of(file.path)
    return found if good else []


class Opener:
    """One source layer not opened yet: its name is known, its reading may still fail."""

    def __init__(self, layer: str, title: str, make: Callable[[], VectorSource]) -> None:
        self.layer, self.title, self._make = layer, title, make

    def open(self) -> VectorSource:
        """Inspect the layer. Raises ImportRefused."""
        return self._make()


def stem_of(path: Path) -> str:
    """The file's name without its extensions (`.csv.gz`, `.topo.json`)."""
    stem = path.name
    for suffix in reversed(path.suffixes[-2:]):
        if suffix.lower() in {".gz", ".json", ".topo", ".csv", ".geojson"} or suffix == path.suffix:
            stem = stem.removesuffix(suffix)
    return stem or path.name


def openers(path: Path, kind: FileKind, folder: Path, options: ImportOptions) -> Iterator[Opener]:
    """The source layers of a file; an archive is taken apart into `folder` first. Raises ImportRefused."""
    stem, srid, encoding = stem_of(path), options.srid, options.encoding
    if kind is FileKind.CSV:
        yield Opener(stem, stem, lambda: CsvSource(path, name=stem, srid=srid, encoding=encoding))
    elif kind is FileKind.GEOPARQUET:
        yield Opener(stem, stem, lambda: GeoParquetSource(path, name=stem, srid=srid))
    elif kind is FileKind.GTFS:
        stops = archives.extract_one(path, ["stops.txt"], folder)[0]
        yield Opener("stops", f"{stem} stops", lambda: CsvSource(stops, name="stops", srid=srid, encoding=encoding))
    elif kind is FileKind.SHAPEFILE_ZIP:
        shapes = archives.extract_shapefiles(path, folder)
        for name, shape in shapes:
            if not options.only_layers or name in options.only_layers:
                title = stem if len(shapes) == 1 else f"{stem} {name}"
                yield Opener(name, title, partial(_shape, shape, name, options))
    else:
        yield from _ogr_openers(path, kind, stem, options)


def _shape(shape: Path, name: str, options: ImportOptions) -> VectorSource:
    kind = FileKind.SHAPEFILE
    return OgrSource(shape, kind, shape.stem, name=name, srid=options.srid, encoding=options.encoding)


def _ogr_openers(path: Path, kind: FileKind, stem: str, options: ImportOptions) -> Iterator[Opener]:
    names = layer_names(path, kind)
    for name in names:
        if not options.only_layers or name in options.only_layers:
            title = stem if len(names) == 1 else f"{stem} {name}"
            yield Opener(
                name,
                title,
                partial(OgrSource, path, kind, name, srid=options.srid, encoding=options.encoding),
            )


def _import_layer(
    run: ImportRun, file: FileToImport, kind: FileKind, checksum: str, opener: Opener, options: ImportOptions
) -> ImportOutcome:
    started = time.monotonic()
    outcome = ImportOutcome(
        run=run, file=file.name, source_layer=opener.layer[:255], checksum=checksum, format=kind.value
    )
    try:
        source = opener.open()
        _note_source(outcome, source)
        # Everything of this layer in one transaction: a failure leaves no table and no catalogue row.
        with transaction.atomic():
            outcome.layer = _load_and_register(
                source, SourceId(file.name, opener.layer, opener.title), outcome, options
            )
        outcome.result = Result.PARTLY if outcome.rejected_rows else Result.IMPORTED
    except ImportRefused as error:
        outcome.result, outcome.reason, outcome.layer = Result.REFUSED, str(error), None
    except DatabaseError as error:
        log.exception("Import of %s failed in the database", file.name)
        outcome.result, outcome.layer = Result.REFUSED, None
        outcome.reason = _("Il database non accetta i dati: %(error)s") % {"error": str(error).strip().splitlines()[0]}
    outcome.seconds = round(time.monotonic() - started, 3)
    outcome.save()
    return outcome


def _note_source(outcome: ImportOutcome, source: VectorSource) -> None:
    outcome.crs_found, outcome.crs_how = source.crs.name[:200], source.crs.how[:300]
    if source.encoding:
        outcome.encoding, outcome.encoding_how = source.encoding.name, source.encoding.how[:300]
    outcome.notes = list(source.notes)
    outcome.rejected_rows = source.rejected.count
    outcome.notes += source.rejected.examples


def _load_and_register(
    source: VectorSource, identity: SourceId, outcome: ImportOutcome, options: ImportOptions
) -> Layer:
    shapes = _shapes(source)
    layer = existing_layer(identity, options, Layer.Kind.VECTOR)
    plan = storage_plan(source.crs, source.bounds)
    columns, lost = columns_for(source.schema, source.json_fields)
    if len(columns) > LIMITS.columns:
        raise ImportRefused(_("Ha troppe colonne (%(count)s).") % {"count": len(columns)})
    loaded, geometry = _load(source, plan, shapes, columns, options)
    slug = layer.slug if layer else new_slug(identity, options, source.crs.srid)
    table = layer.table_name if layer else slug.replace("-", "_")
    take_name(loaded, table)
    found = table_statistics(table, plan.srid)
    facts = Facts(
        {
            "kind": Layer.Kind.VECTOR,
            "table_name": table,
            "id_field": "fid",
            "geometry_field": "geom",
            "tile_geometry_field": "geom_3857" if loaded.has_3857 else "",
            "geometry_type": geometry.target,
            "has_z": geometry.has_z,
            "srid": plan.srid,
            "feature_count": found.features,
            "bbox": list(found.degrees) if found.degrees else None,
            "storage_bbox": list(found.bounds) if found.bounds else None,
        },
        columns,
    )
    outcome.features, outcome.geometry_type, outcome.storage_srid = found.features, geometry.target, plan.srid
    outcome.null_geometries, outcome.repaired = found.nulls, geometry.counts.repaired + geometry.counts.closed
    outcome.notes = outcome.notes + _notes(geometry, shapes, plan.note, lost)
    return register(layer, slug, identity, options, facts)


def _shapes(source: VectorSource) -> Shapes:
    shapes = Shapes()
    with source.batches() as batches:
        for batch in batches:
            wkb = batch.wkb
            shapes.add(wkb.combine_chunks() if hasattr(wkb, "combine_chunks") else wkb)
    return shapes


def _load(
    source: VectorSource, plan: StoragePlan, shapes: Shapes, columns: list[Column], options: ImportOptions
) -> tuple[Loaded, GeometryPlan]:
    """Fill the table; again with multi geometries when repairing made one where only single ones were announced."""
    target = shapes.target()
    while True:
        geometry = GeometryPlan(target, shapes.has_z, shapes.has_m, plan.transformer)
        declared_type = f"{target}Z" if shapes.has_z else target
        shape = TableShape(declared_type, plan.srid, columns, _fits_web_mercator(source))
        try:
            return load_table(source, shape, geometry, lambda done: options.progress(done, source.expected)), geometry
        except NeedsMulti:
            target = MULTI_OF[target]


def _fits_web_mercator(source: VectorSource) -> bool:
    degrees = degrees_bounds(source.crs.crs, source.bounds) if source.bounds else None
    return degrees is None or (degrees[1] > -89.0 and degrees[3] < 89.0)


def _import_raster(run: ImportRun, file: FileToImport, checksum: str, options: ImportOptions) -> ImportOutcome:
    started = time.monotonic()
    stem = stem_of(file.path)
    outcome = ImportOutcome(run=run, file=file.name, checksum=checksum, format=FileKind.GEOTIFF.value)
    identity = SourceId(file.name, "", stem)
    made: raster.ConvertedRaster | None = None
    try:
        with transaction.atomic():
            layer = existing_layer(identity, options, Layer.Kind.RASTER)
            slug = layer.slug if layer else new_slug(identity, options, None)
            old = layer.raster_path if layer else ""
            made = raster.convert(file.path, slug, options)
            outcome.layer = register(layer, slug, identity, options, Facts(_raster_values(made)))
            if old:
                # Only once the catalogue points at the new file for good.
                transaction.on_commit(lambda: (Path(settings.RASTER_DIR) / old).unlink(missing_ok=True))
        outcome.crs_found, outcome.crs_how = made.crs.name, made.crs.how
        outcome.storage_srid, outcome.notes, outcome.result = made.crs.srid, made.notes, Result.IMPORTED
    except (ImportRefused, DatabaseError) as error:
        if made is not None:
            made.path.unlink(missing_ok=True)
        outcome.result, outcome.reason, outcome.layer = Result.REFUSED, str(error), None
    outcome.seconds = round(time.monotonic() - started, 3)
    outcome.save()
    return outcome


def _raster_values(made: raster.ConvertedRaster) -> dict[str, object]:
    return {
        "kind": Layer.Kind.RASTER,
        "raster_path": made.path.name,
        "raster_info": made.info,
        "srid": made.crs.srid,
        "geometry_field": "",
        "storage_bbox": list(made.bounds),
        "bbox": list(made.degrees),
    }


def _refused(run: ImportRun, file: FileToImport, checksum: str, reason: str, started: float) -> ImportOutcome:
    return ImportOutcome.objects.create(
        run=run,
        file=file.name,
        checksum=checksum,
        result=Result.REFUSED,
        reason=reason,
        seconds=round(time.monotonic() - started, 3),
    )


def _notes(geometry: GeometryPlan, shapes: Shapes, plan_note: str, lost: list[str]) -> list[str]:
    counts: GeometryCounts = geometry.counts
    texts = [
        (counts.repaired, _("%(count)s geometrie non valide riparate")),
        (counts.closed, _("%(count)s anelli aperti chiusi")),
        (counts.promoted, _("%(count)s geometrie singole portate a multiple")),
        (counts.empty, _("%(count)s geometrie vuote")),
        (counts.unusable, _("%(count)s geometrie inutilizzabili, righe tenute senza geometria")),
    ]
    notes = [text % {"count": count} for count, text in texts if count]
    if shapes.has_m:
        notes.append(_("valori M non conservati"))
    if lost:
        notes.append(_("colonne binarie non importate: %(names)s") % {"names": ", ".join(lost)})
    return [plan_note, *notes] if plan_note else notes
