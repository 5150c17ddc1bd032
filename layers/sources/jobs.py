"""The work of sources in the worker: harvests, and looks at whether what is attached is still well."""

from __future__ import annotations

from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from layers.jobs.registry import JobContext, JobFailed, Turn, kind, planned
from layers.sources import foreign, health, remote_maps
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.harvest import harvest
from layers.sources.models import Source

planned(health.queue_due)


@kind("source", repeatable=True, turn=Turn.HOUSEKEEPING)
def source_job(job: JobContext) -> dict[str, Any]:
    """Harvest a source, or look at an attached one. Parameters: source, its number. Queued when its time has come."""
    source = Source.objects.select_related("layer", "theme").filter(pk=int(job.parameters["source"])).first()
    if source is None:
        raise JobFailed("La fonte non c'è più.")
    with translation.override("it"):
        try:
            return _done(job, source)
        except SourceRefused as error:
            # Neither time nor the other side will mend it: somebody has to.
            health.failed(source.pk, str(error), longest_s=86_400)
            raise JobFailed(str(error)) from error
        except SourceFailed as error:
            raise JobFailed(str(error)) from error


def _done(job: JobContext, source: Source) -> dict[str, Any]:
    job.progress(1, str(source))
    if source.is_harvest:

        def tell(done: int, total: int | None) -> None:
            job.progress(min(99, done * 100 // total) if total else 50, _("%(done)d elementi") % {"done": done})

        done = harvest(source, tell)
        return {"message": done.message, "is_new": done.is_new, "features": done.features}
    look = foreign.look_at if source.is_foreign_table else remote_maps.look_at
    return {"message": look(source)}
