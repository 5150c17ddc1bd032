"""The catalogue's own kinds of job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError

from layers.importing.engine import FileToImport, import_file
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions
from layers.importing.report import as_json, summary
from layers.jobs.registry import JobContext, JobFailed, Turn, kind
from layers.models import Layer, SearchWish
from layers.search.index import analyse, index_layer
from layers.statistics import refresh_statistics

_OPTIONS = ("slug", "title", "title_en", "srid", "encoding", "theme", "access", "attribution")


@kind("import", repeatable=True)
def import_job(job: JobContext) -> dict[str, Any]:
    """Import one file. Parameters: path (on this machine), name, and any of the import's options.

    Safe to repeat: a layer goes in whole or not at all, and the same source replaces itself.
    """
    path = Path(str(job.parameters.get("path", "")))
    if not path.is_file():
        raise JobFailed(f"Il file {path.name!r} non c'è più.")

    def tell(done: int, total: int | None) -> None:
        job.progress(min(99, done * 100 // total) if total else 50, f"{done} elementi")

    chosen = {name: job.parameters[name] for name in _OPTIONS if job.parameters.get(name)}
    options = ImportOptions(**chosen, progress=tell)
    name = str(job.parameters.get("name") or path.resolve())
    run = ImportRun.objects.create(source=name[:500], user_id=job.user_id)
    job.progress(0, path.name)
    outcomes = import_file(run, FileToImport(path, name), options)
    run.finish()
    for outcome in outcomes:
        job.log(f"{outcome} {outcome.reason}".strip())
    if all(outcome.result == ImportOutcome.Result.REFUSED for outcome in outcomes):
        raise JobFailed("; ".join(outcome.reason for outcome in outcomes)[:500])
    return {"message": summary(outcomes), "run": run.pk, "outcomes": as_json(outcomes)}


@kind("statistics", repeatable=True, turn=Turn.HOUSEKEEPING)
def statistics_job(job: JobContext) -> dict[str, Any]:
    """Count again and measure again the extent of layers. Parameters: slugs."""
    slugs = [str(slug) for slug in job.parameters.get("slugs", [])]
    counts: dict[str, int] = {}
    for number, slug in enumerate(slugs):
        job.progress(number * 100 // len(slugs), slug)
        layer = Layer.objects.filter(slug=slug, kind=Layer.Kind.VECTOR).first()
        if layer is None:
            job.log(f"{slug}: non è un livello vettoriale")
            continue
        counts[slug] = refresh_statistics(layer)
    return {"message": f"{len(counts)} livelli", "features": counts}


@kind("search", repeatable=True, turn=Turn.HOUSEKEEPING)
def search_job(job: JobContext) -> dict[str, Any]:
    """Bring the index of every layer up to date that asked for it. Queued by the database itself, once for all."""
    done: dict[str, int] = {}
    left = list(SearchWish.objects.order_by("asked_at").values_list("layer_id", "layer__slug", "asked_at"))
    for number, (layer, slug, asked_at) in enumerate(left):
        job.progress(1 + number * 98 // len(left), slug)
        try:
            done[slug] = index_layer(layer)
        except DatabaseError as error:
            # The others go on; the next change of this one, or a look at its source, asks again.
            job.log(f"{slug}: {str(error).strip().splitlines()[0]}")
        # A wish of meanwhile is a wish still.
        SearchWish.objects.filter(layer=layer, asked_at=asked_at).delete()
    analyse()
    return {"message": f"{len(done)} livelli, {sum(done.values())} voci", "entries": done}
