"""Far tiles are prepared in the background: an import is visible before, and an edit at once."""

from __future__ import annotations

import time
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from layers.jobs.models import Job
from layers.jobs.registry import JobContext, Turn, kind, planned
from layers.jobs.services import enqueue
from layers.models import Layer
from layers.overviews.build import SQL, give_up, prepare
from layers.overviews.models import FORM, TileOverview
from layers.tiles import PREPARED_FROM

KIND = "far-tiles"
QUIET_S = 15
"""Without a change of the layer: who draws feature after feature is not followed step by step."""
REST = 20
"""Times what the last one took, until the next one of the same layer."""
_LOOK_S = 5.0

_next_look = 0.0


def due() -> list[int]:
    """The layers whose far tiles are to be prepared."""
    values = {"least": PREPARED_FROM, "form": FORM, "quiet_s": QUIET_S, "rest": REST}
    with connection.cursor() as cursor:
        cursor.execute(SQL["due"], values)
        return [int(layer) for (layer,) in cursor.fetchall()]


def forget_outgrown() -> None:
    """Let go of what was prepared for layers that are small now."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["outgrown"], {"least": PREPARED_FROM})
        TileOverview.objects.filter(layer_id__in=[layer for (layer,) in cursor.fetchall()]).delete()


@planned
def queue_due() -> None:
    """One job for all that are due, if none waits or runs."""
    global _next_look
    if time.monotonic() < _next_look:
        return
    _next_look = time.monotonic() + _LOOK_S
    waits = Job.objects.filter(kind=KIND, state__in=[Job.State.QUEUED, Job.State.RUNNING])
    if due() and not waits.exists():
        enqueue(KIND, {})


@kind(KIND, repeatable=True, turn=Turn.HOUSEKEEPING)
def prepare_far_tiles(job: JobContext) -> dict[str, Any]:
    """Prepare the far tiles of every layer that is due. No parameters."""
    forget_outgrown()
    done: dict[str, int | None] = {}
    slugs = dict(Layer.objects.filter(pk__in=due()).values_list("pk", "slug"))
    for number, (layer, slug) in enumerate(slugs.items()):
        job.progress(1 + number * 98 // len(slugs), slug)
        try:
            done[slug] = prepare(layer)
        except DatabaseError as error:
            # The others go on; its tiles are made of its table, and it is tried again when its data have changed.
            give_up(layer)
            job.log(f"{slug}: {str(error).strip().splitlines()[0]}")
    return {"message": f"{len(done)} livelli", "rows": done}
