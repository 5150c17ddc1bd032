"""What a process is, what one run of it is given, and how much a run may cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from layers.catalogue import Catalogue, LayerEntry
from layers.errors import LayersError
from layers.rights import Audience


class ProcessNotFound(LayersError):
    """No process of this name."""

    def __init__(self, id: str, known: str) -> None:
        super().__init__(f"There is no process {id[:80]!r}; there are {known}.")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may cost. `features` bounds each layer it reads, before any geometry is computed."""

    features: int
    seconds: int
    result_bytes: int


WAITED_FOR = {True: Limits(1_000, 5, 8 * 2**20), False: Limits(5_000, 10, 16 * 2**20)}
"""Runs whose asker waits, by whether he is anonymous: they hold a web process meanwhile."""
IN_BACKGROUND = {True: Limits(2_000, 30, 16 * 2**20), False: Limits(100_000, 300, 64 * 2**20)}
"""Runs of the worker, by the same."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: titles and its JSON Schema."""

    title_it: str
    title_en: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One output: titles, media type and JSON Schema."""

    title_it: str
    title_en: str
    media_type: str
    schema: dict[str, Any]
    by_default: bool = True
    """Whether it is made when the asker names no outputs."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: checked inputs, the outputs asked for, whose rights hold, what it may cost."""

    inputs: dict[str, Any]
    outputs: frozenset[str]
    held: Catalogue
    audience: Audience
    limits: Limits
    meet: Callable[[LayerEntry], None]
    """Told of each layer before it is read."""


Outcome = dict[str, bytes]
"""JSON text of each output by name."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process. `run` raises BadQuery, LayerNotFound and QueryTooSlow."""

    id: str
    title_it: str
    title_en: str
    description_it: str
    description_en: str
    inputs: dict[str, Input]
    outputs: dict[str, Output]
    run: Callable[[Run], Outcome]
    keywords: tuple[str, ...] = field(default=())
