"""Bringing a version back, as a job of the workers."""

from __future__ import annotations

from typing import Any

from django.db import Error as DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from layers.jobs.registry import JobContext, JobFailed, Turn, kind
from layers.versions.recording import VersionRefused
from layers.versions.restoring import restore


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
