"""The way to what is read from another office's server: only while it answers, never longer than it may take."""

from __future__ import annotations

from collections.abc import Callable

import psycopg2
from django.db import Error as DatabaseError
from django.utils import timezone

from layers.catalogue import LayerEntry
from layers.errors import BadQuery, DrawingFailed, QueryTooSlow, SourceAway
from layers.sources import bounded, health
from layers.sources.errors import SourceFailed, SourceRefused


def may_be_asked(layer: LayerEntry) -> bool:
    """Whether a layer can be read now: every layer of our own can."""
    return layer.source is None or health.peek(layer.source.id).is_open


def is_passed(layer: LayerEntry) -> bool:
    """Whether this code may read the layer: it is ours, or this runs in the thread of its source."""
    return layer.source is None or bounded.is_within(layer.source.id)


class ElsewhereFirst(Exception):
    """A read has come upon a layer of another office's server: it is to be run again in the thread of its source."""

    def __init__(self, layer: LayerEntry) -> None:
        super().__init__(layer.slug)
        self.layer = layer


def meet(layer: LayerEntry) -> None:
    """To be called before a layer is read by what `run` or a door of the services runs. Raises ElsewhereFirst."""
    if not is_passed(layer):
        raise ElsewhereFirst(layer)


def run[T](ask: Callable[[], T], *, patience: int = 1) -> T:
    """Something that finds out on its way which layers it reads, and meets each first. Raises what `read` raises."""
    try:
        return ask()
    except ElsewhereFirst as error:
        layer = error.layer
    return read(layer, lambda: run(ask, patience=patience), patience=patience)


def read[T](
    layer: LayerEntry, ask: Callable[[], T], *, patience: int = 1, is_bad: Callable[[T], bool] | None = None
) -> T:
    """Run a read of a layer in the thread of its source and note how that went.

    It may take `patience` times what the source may. `is_bad` tells an answer that only says that it did not work.
    Raises SourceAway when the source does not answer or is left alone just now, and what the read itself raises.
    """
    source = layer.source
    if source is None:
        return ask()
    admitted = health.admission(source.id)
    if not admitted.is_open:
        raise SourceAway(layer.slug, _moment(admitted), round(admitted.retry_s))
    try:
        answer = bounded.call(source.id, source.timeout_ms * patience, ask)
    except QueryTooSlow as error:
        health.failed(source.id, str(error), is_slow=True)
        raise SourceAway(layer.slug, _moment(health.peek(source.id)), health.PAUSE_S) from error
    except BadQuery:
        raise
    except (SourceFailed, SourceRefused, DatabaseError, psycopg2.Error, DrawingFailed) as error:
        health.failed(source.id, _reason(error), is_slow=getattr(error, "is_slow", False))
        raise SourceAway(layer.slug, _moment(health.peek(source.id)), health.PAUSE_S) from error
    if is_bad is not None and is_bad(answer):
        health.failed(source.id, "", is_slow=True)
    elif admitted.is_doubted:
        health.worked(source.id)
    return answer


def _moment(admitted: health.Admission) -> str:
    since = admitted.since or timezone.now()
    return f"{timezone.localtime(since):%Y-%m-%d %H:%M}"


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
