"""Bringing a version back, and letting go of what is kept no longer, as jobs of the workers."""

from __future__ import annotations

from typing import Any

from django.db import Error as DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from layers.jobs.registry import JobContext, JobFailed, Turn, kind, planned
from layers.models import Layer
from layers.versions import raster_files, retention
from layers.versions.recording import VersionRefused
from layers.versions.restoring import restore

planned(retention.queue_due)


@kind(retention.KIND, repeatable=True, turn=Turn.HOUSEKEEPING)
def forget_history(job: JobContext) -> dict[str, Any]:
    """Let go of past states that are older than what is kept, and of files that nothing names. No parameters."""
    with translation.override("it"):
        found = retention.prunable()
        gone: dict[str, int] = {}
        for number, (layer, stays) in enumerate(found):
            slug = str(Layer.objects.values_list("slug", flat=True).get(pk=layer))
            job.progress(1 + number * 98 // len(found), slug)
            gone[slug] = retention.forget_before(layer, stays)
            job.log(
                _("%(slug)s: %(count)s versioni, tenute quelle dalla %(stays)s")
                % {"slug": slug, "count": gone[slug], "stays": stays}
            )
        if swept := raster_files.sweep():
            job.log(_("%(count)s file di raster rimasti senza livello") % {"count": swept})
        words = {"count": sum(gone.values()), "layers": len(gone)}
        return {"message": _("%(count)s versioni di %(layers)s livelli") % words, "versions": gone}


@kind("restore-version", repeatable=False, turn=Turn.AWAITED)
def restore_version(job: JobContext) -> dict[str, Any]:
    """Parameters: layer, number, language."""
    with translation.override(str(job.parameters.get("language", "it"))):
        number = int(job.parameters["number"])
        job.progress(1, _("versione %(number)s") % {"number": number})
        try:
            made = restore(int(job.parameters["layer"]), number, job.user_id)
        except (VersionRefused, LookupError) as error:
            raise JobFailed(str(error)) from error
        except DatabaseError as error:
            text = str(error).strip().splitlines()[0]
            raise JobFailed(_("Il database non accetta i dati: %(detail)s") % {"detail": text[:300]}) from error
        return {"message": _("ripristinata la versione %(number)s") % {"number": number}, "version": made.number}
