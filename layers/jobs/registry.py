"""What kinds of job there are. A kind is a function of a `JobContext`, registered under a name.

Kinds live in modules that `KIND_MODULES` names, so that another package can add its own without this one knowing it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from importlib import import_module
from typing import Any, Protocol

from django.conf import settings
from django.db import DatabaseError, connection

from layers.errors import LayersError

log = logging.getLogger(__name__)


class JobFailed(LayersError):
    """The job cannot be done; the text is for whoever asked for it."""


class JobCancelled(LayersError):
    """Whoever asked for the job called it off, or the job was given to another worker."""


class JobContext(Protocol):
    """What a kind works with."""

    @property
    def parameters(self) -> dict[str, Any]: ...
    @property
    def user_id(self) -> int | None: ...

    def progress(self, percent: int, message: str = "") -> None:
        """Say how far the job is. Raises JobCancelled when it is to stop."""
        ...

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        ...


Handler = Callable[[JobContext], dict[str, Any]]


class Turn(IntEnum):
    """Which kinds go before others."""

    AWAITED = 0
    """Somebody sits before a page until it is done: a place is kept for it beside whatever runs."""
    NORMAL = 1
    HOUSEKEEPING = 2
    """Nobody notices if it is done a little later."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job and how it is to be treated."""

    name: str
    handler: Handler
    repeatable: bool
    """Whether a job cut off by the death of its worker may start again; otherwise it fails."""
    max_attempts: int
    seconds: int
    """CPU seconds after which its process is stopped."""
    memory_bytes: int
    """Address space of its process."""
    turn: Turn


_KINDS: dict[str, Kind] = {}
_PLANS: list[Callable[[], object]] = []
_OURS = (
    "layers.jobs.kinds",
    "layers.overviews.jobs",
    "layers.processes.jobs",
    "layers.publishing.jobs",
    "layers.sources.jobs",
    "layers.versions.jobs",
)


def kind(
    name: str,
    *,
    repeatable: bool,
    max_attempts: int = 3,
    seconds: int = 3600,
    memory_bytes: int = 16 * 1024**3,
    turn: Turn = Turn.NORMAL,
) -> Callable[[Handler], Handler]:
    """Register a function as a kind of job. Its return value becomes the job's result."""

    def register(handler: Handler) -> Handler:
        if name in _KINDS:
            raise ValueError(f"two kinds of job are called {name!r}")
        _KINDS[name] = Kind(name, handler, repeatable, max_attempts, seconds, memory_bytes, turn)
        return handler

    return register


def kinds() -> dict[str, Kind]:
    """Every kind, by name."""
    for module in (*_OURS, *getattr(settings, "JOB_KIND_MODULES", ())):
        import_module(module)
    return _KINDS


def planned(queue: Callable[[], object]) -> Callable[[], object]:
    """Register a function that queues what is due; workers call it again and again, so nothing may be queued twice."""
    _PLANS.append(queue)
    return queue


def queue_planned() -> None:
    """Queue the jobs whose time has come. A plan that the database refuses keeps neither the others nor a worker.

    Raises the database's error when the connection is lost.
    """
    kinds()
    for queue in _PLANS:
        try:
            queue()
        except DatabaseError:
            if not connection.is_usable():
                raise
            log.exception("What %s.%s plans could not be queued", queue.__module__, queue.__qualname__)
