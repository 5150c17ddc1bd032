"""The import itself: one file in, its layers in the catalogue, and an outcome row for each, whatever happened."""

from __future__ import annotations

import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils.translation import gettext as _

from layers.importing.crs import known_srids
from layers.importing.described import Described, described, geometry_type
from layers.importing.errors import ImportRefused
from layers.importing.geometry import LISTED_MOST
from layers.importing.load import Loaded, TableShape, load_table
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import LIMITS, ImportOptions, Mode
from layers.importing.placing import Incoming, place_layer, update_layer
from layers.importing.raster_placing import check_place, place_raster
from layers.importing.reader.client import NeedsMulti, Reader
from layers.importing.reader.isolation import ProcessLimits
from layers.importing.reader.wire import RASTER_MADE
from layers.importing.register import SourceId, existing_layer, slug_from
from layers.importing.stems import stem_of
from layers.models import Layer
from layers.versions.raster_files import placed
from layers.versions.recording import VersionRefused, check_date

log = logging.getLogger(__name__)

Result = ImportOutcome.Result
_LEFT_OVER_S = 86_400


@dataclass(frozen=True, slots=True)
class FileToImport:
    """A file and the name under which people know it."""

    path: Path
    name: str
    key: str = ""
    """What makes the same source replace its own layers; empty: the resolved path."""

    @property
    def identity(self) -> str:
        return self.key or str(self.path.resolve())


class DryRun(Exception):
    """Everything was seen that was asked for: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A file under way."""

    reader: Reader
    format: str
    folder: Path
    """Where the reader may write."""
    options: ImportOptions


def import_file(run: ImportRun, file: FileToImport, options: ImportOptions) -> list[ImportOutcome]:
    """Import every layer of a file; each succeeds or fails by itself, whole. One saved outcome for each.

    Raises ImportCancelled (nothing of the layer under way is kept); every other trouble becomes a refusal.
    """
    started = time.monotonic()
    checksum = ""
    try:
        checksum = checksum_of(file.path)
        with opened(file) as (reader, found):
            job = _Job(reader, str(found["format"])[:40], Path(found["folder"]), options)
            if found["is_raster"]:
                return [_import_raster(run, file, checksum, job)]
            chosen = chosen_layers(found, options)
            _check_choice(chosen, options)
            outcomes = [_import_vector(run, file, checksum, job, number, one) for number, one in chosen]
            _note_left(outcomes[0], found, options)
            return outcomes
    except ImportRefused as error:
        return [_refused(run, file, checksum, str(error), started)]
    except OSError as error:
        return [
            _refused(run, file, checksum, _("Il file non si legge: %(error)s") % {"error": error.strerror}, started)
        ]


@contextmanager
def opened(file: FileToImport, limits: ProcessLimits | None = None) -> Iterator[tuple[Reader, dict[str, Any]]]:
    """A reading process that has opened the file, and what it found there. Raises ImportRefused."""
    with tempfile.TemporaryDirectory(prefix="import-", dir=_workspace()) as folder, Reader(limits) as reader:
        stem = stem_of(Path(file.name))
        found = reader.ask("open", path=str(file.path.absolute()), stem=stem, folder=folder)
        yield reader, found | {"folder": folder}


def chosen_layers(found: dict[str, Any], options: ImportOptions) -> list[tuple[int, dict[str, Any]]]:
    """The source layers to take, with their numbers: tables beside layers that have places only when they are named."""
    return [
        (number, one)
        for number, one in enumerate(found["layers"])
        if options.wants(str(one["name"])) and (options.only_layers or not one["is_extra"])
    ]


def _note_left(outcome: ImportOutcome, found: dict[str, Any], options: ImportOptions) -> None:
    """Say with the file's first layer what of the file was not taken and nobody decided so."""
    notes = [str(note)[:1000] for note in found["notes"]]
    extra = [str(one["name"]) for one in found["layers"] if one["is_extra"]]
    if extra and not options.only_layers:
        notes.append(_("tabelle senza posizione non importate, da chiedere per nome: %(names)s"))
        notes[-1] %= {"names": ", ".join(extra)[:300]}
    if notes:
        outcome.notes = [*outcome.notes, *notes]
        outcome.save(update_fields=["notes"])


def _check_choice(chosen: list[tuple[int, dict[str, Any]]], options: ImportOptions) -> None:
    if not chosen:
        raise ImportRefused(_("Nessun livello del file ha il nome chiesto."))
    if options.slug and len(chosen) > 1:
        # The second would take the place of the first.
        names = ", ".join(str(one["name"]) for _number, one in chosen)[:300]
        raise ImportRefused(
            _("Il nome vale per un livello solo e il file ne ha diversi (%(names)s).") % {"names": names}
        )


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
    rows = ImportOutcome.objects.filter(
        source_key=file.identity, result__in=(Result.IMPORTED, Result.PARTLY, Result.REFUSED)
    )
    last = rows.order_by("-run_id").values_list("run_id", flat=True).first()
    if last is None:
        return []
    found = list(rows.filter(run_id=last).select_related("layer"))
    good = all(row.layer_id is not None for row in found) and found[0].checksum == checksum_of(file.path)
    return found if good else []


def _import_vector(
    run: ImportRun, file: FileToImport, checksum: str, job: _Job, number: int, layer: dict[str, Any]
) -> ImportOutcome:
    started = time.monotonic()
    name = str(layer["name"])
    outcome = _outcome(run, file, checksum, job.format, source_layer=name[:255])
    try:
        options = job.options.for_layer(name)
        facts = described(
            job.reader.ask(
                "inspect",
                layer=number,
                srid=options.srid,
                encoding=options.encoding,
                swap=options.swap,
                where=dict(options.where),
                is_table=options.is_table,
                known_srids=sorted(known_srids()),
            ),
            known_srids(),
        )
        _note_source(outcome, facts)
        # Everything of this layer in one transaction: a failure leaves no table and no catalogue row.
        with transaction.atomic():
            identity = SourceId(file.name, file.identity, name, str(layer["title"]))
            outcome.layer = _load_and_register(job.reader, number, facts, identity, outcome, options)
            if options.dry_run:
                raise DryRun
        outcome.result = Result.PARTLY if outcome.rejected_rows else Result.IMPORTED
    except DryRun:
        outcome.result, outcome.layer = Result.CHECKED, None
    except (ImportRefused, VersionRefused) as error:
        outcome.result, outcome.reason, outcome.layer = Result.REFUSED, str(error), None
    except DatabaseError as error:
        log.exception("Import of %s failed in the database", file.name)
        outcome.result, outcome.layer = Result.REFUSED, None
        outcome.reason = _("Il database non accetta i dati: %(error)s") % {"error": str(error).strip().splitlines()[0]}
    outcome.seconds = round(time.monotonic() - started, 3)
    outcome.save()
    return outcome


def _outcome(
    run: ImportRun, file: FileToImport, checksum: str, format: str = "", source_layer: str = ""
) -> ImportOutcome:
    return ImportOutcome(
        run=run,
        file=file.name[:1000],
        source_key=file.identity[:1000],
        checksum=checksum,
        format=format,
        source_layer=source_layer,
    )


def _note_source(outcome: ImportOutcome, facts: Described) -> None:
    outcome.crs_found, outcome.crs_how = facts.crs, facts.crs_how
    outcome.encoding, outcome.encoding_how = facts.encoding, facts.encoding_how
    outcome.notes = facts.notes
    outcome.rejected_rows, outcome.rejected_lines = facts.rejected_rows, facts.rejected_lines


def _load_and_register(
    reader: Reader, number: int, facts: Described, identity: SourceId, outcome: ImportOutcome, options: ImportOptions
) -> Layer:
    layer = existing_layer(identity, options, Layer.Kind.VECTOR)
    if layer is None and options.mode is not Mode.REPLACE:
        raise ImportRefused(_("Per aggiungere o sincronizzare indicare un livello che c'è già."))
    check_date(layer.pk if layer else None, options.valid_from)
    loaded, geometry_type, done = _load(reader, number, facts, options)
    outcome.repaired = int(done["repaired"])
    outcome.repairs = [[int(place), str(what)[:10]] for place, what in done["repairs"][:LISTED_MOST]]
    outcome.notes = outcome.notes + [str(note)[:1000] for note in done["notes"]]
    if layer is not None and options.mode is not Mode.REPLACE:
        return update_layer(layer, loaded, outcome, options)
    return place_layer(layer, loaded, Incoming(identity, facts, geometry_type), outcome, options)


def _load(reader: Reader, number: int, facts: Described, options: ImportOptions) -> tuple[Loaded, str, dict[str, Any]]:
    """Fill the table; again with multi geometries when repairing made one where only single ones were announced."""
    target = facts.geometry_type
    while True:
        shape = TableShape(
            f"{target}Z" if facts.has_z and target else target,
            facts.storage_srid,
            facts.columns,
            facts.fits_web_mercator,
        )
        feed = reader.rows(number)
        feed.progress = lambda done: options.progress(done, facts.expected)
        try:
            return load_table(feed, shape), target, feed.done
        except NeedsMulti as error:
            target = geometry_type(str(error))


def _import_raster(run: ImportRun, file: FileToImport, checksum: str, job: _Job) -> ImportOutcome:
    started = time.monotonic()
    outcome = _outcome(run, file, checksum, job.format)
    options = job.options
    identity = SourceId(file.name, file.identity, "", stem_of(Path(file.name)))
    try:
        check_place(identity, options)
        made = job.reader.ask("raster", srid=options.srid)
        outcome.crs_found, outcome.crs_how = str(made["crs"])[:200], str(made["crs_how"])[:300]
        outcome.storage_srid = int(made["srid"])
        outcome.notes = [str(note)[:1000] for note in made["notes"]]
        # The file is in place before a row names it, and goes again when the transaction does not hold.
        with placed(job.folder / RASTER_MADE, slug_from(options.slug or identity.title)) as kept, transaction.atomic():
            outcome.layer = place_raster(made, kept, identity, outcome, options)
            if options.dry_run:
                raise DryRun
        outcome.result = Result.IMPORTED
    except DryRun:
        outcome.result, outcome.layer = Result.CHECKED, None
    except (ImportRefused, VersionRefused, DatabaseError) as error:
        outcome.result, outcome.reason, outcome.layer = Result.REFUSED, str(error), None
    outcome.seconds = round(time.monotonic() - started, 3)
    outcome.save()
    return outcome


def _refused(run: ImportRun, file: FileToImport, checksum: str, reason: str, started: float) -> ImportOutcome:
    outcome = _outcome(run, file, checksum)
    outcome.result, outcome.reason = Result.REFUSED, reason
    outcome.seconds = round(time.monotonic() - started, 3)
    outcome.save()
    return outcome
