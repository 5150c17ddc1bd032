"""The two kinds of job of an upload: looking at its files, and importing what was chosen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from geoportal.models import User
from layers.catalogue import catalogue
from layers.importing.crs import known_srids
from layers.importing.engine import FileToImport, import_file, opened
from layers.importing.errors import ImportRefused
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions
from layers.importing.reader.client import Reader
from layers.importing.reader.isolation import ProcessLimits
from layers.importing.report import as_json, summary
from layers.jobs.registry import JobContext, JobFailed, Turn, kind
from layers.publishing.models import Upload
from layers.publishing.services import EVERY_FILE, LayerChoice
from layers.rights import audience_of
from layers.versions.raster_files import discard

Result = ImportOutcome.Result
_LOOK_CPU_S = 900
"""Of one file: somebody waits for it, and what takes longer than this to look at is made so."""


@kind("inspect-upload", repeatable=True, turn=Turn.AWAITED)
def inspect_upload(job: JobContext) -> dict[str, Any]:
    """Look at every layer of every file and write nothing. Parameters: upload, choices, language."""
    with translation.override(str(job.parameters.get("language", "it"))):
        upload, choices = _asked(job)
        files = []
        for number, file in enumerate(upload.files):
            job.progress(number * 100 // len(upload.files), str(file["name"])[:200])
            looked = _look(job, upload, number, choices)
            _compare(job, upload, number, choices, looked["layers"])
            files.append({"name": file["name"], **looked})
        return {"message": "", "files": files}


def _look(job: JobContext, upload: Upload, number: int, choices: list[LayerChoice]) -> dict[str, Any]:
    wanted = {choice.layer: choice for choice in choices if choice.file == number}
    every = next((choice for choice in choices if choice.file == EVERY_FILE), None)
    try:
        with opened(_file(upload, number), ProcessLimits(cpu_s=_LOOK_CPU_S)) as (reader, found):
            if found["is_raster"]:
                choice = wanted.get("") or every or LayerChoice(number, "")
                layers = [{"name": "", "title": Path(str(upload.files[number]["name"])).stem} | _raster(reader, choice)]
            else:
                layers = []
                for place, layer in enumerate(found["layers"]):
                    job.progress(min(99, place * 100 // len(found["layers"])), str(layer["name"])[:200])
                    choice = wanted.get(str(layer["name"])) or every or LayerChoice(number, str(layer["name"]))
                    layers.append(layer | _vector(reader, place, choice))
            return {key: found[key] for key in ("format", "is_raster", "notes")} | {"layers": layers}
    except ImportRefused as error:
        return {"refused": str(error), "layers": []}


def _compare(
    job: JobContext, upload: Upload, number: int, choices: list[LayerChoice], layers: list[dict[str, Any]]
) -> None:
    """What the chosen updates of layers would change: done, looked at, and taken back."""
    for layer in layers:
        name = str(layer["name"])
        mine = (one for one in choices if (one.file == number and one.layer == name) or one.file == EVERY_FILE)
        choice = next((one for one in mine if one.slug), None)
        if choice is None or "refused" in layer:
            continue
        job.progress(99, name[:200])
        with transaction.atomic():
            run = ImportRun.objects.create(source=str(upload)[:500], user_id=job.user_id)
            options = choice.options(dry_run=True)
            if name:
                options = ImportOptions(per_layer={name: options}, only_layers=(name,))
            (outcome,) = import_file(run, _file(upload, number), options)
            transaction.set_rollback(True)
        if outcome.result == Result.REFUSED:
            layer["update_refused"] = outcome.reason
        else:
            layer["changes"] = _seen_by(job, choice.slug, outcome.changes)


def _seen_by(job: JobContext, slug: str, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes without what the asker may not see of the layer."""
    user = User.objects.filter(pk=job.user_id or 0).first()
    entry = catalogue().layers.get(slug)
    if user is None or entry is None:
        return changes | {"samples": {}}
    names = {field.name for field in entry.visible_fields(audience_of(user))}

    def seen(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in names or name == "#id"}

    samples = changes.get("samples", {})
    found = {kind: [seen(row) for row in samples.get(kind, [])] for kind in ("added", "removed")}
    found["changed"] = [
        row | {"before": seen(row["before"]), "after": seen(row["after"])} for row in samples.get("changed", [])
    ]
    return changes | {"samples": found}


def _vector(reader: Reader, place: int, choice: LayerChoice) -> dict[str, Any]:
    try:
        facts = reader.ask(
            "review",
            layer=place,
            srid=choice.srid,
            encoding=choice.encoding,
            swap=choice.swap,
            where=choice.where,
            is_table=choice.is_table,
            known_srids=sorted(known_srids()),
        )
    except ImportRefused as error:
        facts = {"refused": str(error)}
    chosen = {"srid": choice.srid, "encoding": choice.encoding, "swap": choice.swap, "is_table": choice.is_table}
    return facts | {"chosen": chosen}


def _raster(reader: Reader, choice: LayerChoice) -> dict[str, Any]:
    try:
        facts = reader.ask("raster_review", srid=choice.srid)
    except ImportRefused as error:
        facts = {"refused": str(error)}
    return facts | {"chosen": {"srid": choice.srid, "encoding": "", "swap": False}}


@kind("publish-upload", repeatable=True, turn=Turn.AWAITED)
def publish_upload(job: JobContext) -> dict[str, Any]:
    """Import the chosen layers, all or none. Parameters: upload, choices, language.

    Safe to repeat: what was cut off wrote nothing, and a layer that went in is known again by its upload.
    """
    with translation.override(str(job.parameters.get("language", "it"))):
        upload, choices = _asked(job)
        run = ImportRun.objects.create(source=str(upload)[:500], user_id=job.user_id)
        every = any(choice.file == EVERY_FILE for choice in choices)
        numbers = list(range(len(upload.files))) if every else sorted({choice.file for choice in choices})
        outcomes: list[ImportOutcome] = []
        try:
            with transaction.atomic():
                for done, number in enumerate(numbers):
                    outcomes += _import(job, run, upload, number, choices, (done, len(numbers)))
                if any(outcome.result == Result.REFUSED for outcome in outcomes):
                    raise _NothingKept
        except _NothingKept:
            _undone(outcomes)
            text = "; ".join(f"{one.source_layer or one.file}: {one.reason}" for one in outcomes if one.reason)
            raise JobFailed(text[:500]) from None
        finally:
            run.finish()
        for outcome in outcomes:
            job.log(f"{outcome} {outcome.reason}".strip())
        shutil.rmtree(upload.folder, ignore_errors=True)
        return {"message": summary(outcomes), "run": run.pk, "outcomes": as_json(outcomes)}


class _NothingKept(Exception):
    """One layer was refused, so the others are taken back."""


def _import(
    job: JobContext, run: ImportRun, upload: Upload, number: int, choices: list[LayerChoice], of: tuple[int, int]
) -> list[ImportOutcome]:
    mine = {choice.layer: choice for choice in choices if choice.file in (number, EVERY_FILE)}
    name = str(upload.files[number]["name"])

    def tell(done: int, total: int | None) -> None:
        part = done / total if total else 0.5
        job.progress(int((of[0] + min(1.0, part)) * 99 / of[1]), f"{name[:150]}: {done}")

    job.progress(of[0] * 99 // of[1], name[:200])
    made = {layer: choice.options(progress=tell) for layer, choice in mine.items()}
    if "" in made:
        return import_file(run, _file(upload, number), made[""])
    options = ImportOptions(per_layer=made, only_layers=tuple(made), progress=tell)
    return import_file(run, _file(upload, number), options)


def _undone(outcomes: list[ImportOutcome]) -> None:
    """Write the outcomes again, since they went with the transaction, and say of the good ones that they wait."""
    for outcome in outcomes:
        if outcome.layer is not None:
            discard([outcome.layer.raster_path])
        if outcome.result != Result.REFUSED:
            outcome.result, outcome.layer = Result.REFUSED, None
            outcome.notes = [*outcome.notes, _("non importato perché un altro livello dello stesso invio è rifiutato")]
        outcome.pk = None
        outcome.save(force_insert=True)


def _file(upload: Upload, number: int) -> FileToImport:
    file = upload.files[number]
    return FileToImport(upload.folder / file["path"], str(file["name"]), key=f"upload:{upload.pk}/{number}")


def _asked(job: JobContext) -> tuple[Upload, list[LayerChoice]]:
    upload = Upload.objects.filter(pk=str(job.parameters.get("upload"))).first()
    if upload is None or not upload.folder.is_dir():
        raise JobFailed(_("I file non ci sono più: caricarli di nuovo."))
    return upload, [LayerChoice(**choice) for choice in job.parameters.get("choices", [])]
