"""One source layer as Arrow batches, whatever the format: the shape every reader takes and `load` consumes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from layers.importing.crs import Bounds, FoundCrs
from layers.importing.encodings import FoundEncoding


@dataclass(frozen=True, slots=True)
class Batch:
    """Some features: attribute columns as in the source's schema, and one WKB (or null) for each row."""

    attributes: pa.Table
    wkb: pa.Array


@dataclass(slots=True)
class Rejected:
    """Rows that could not be read: every line number (1-based), and the first few reasons."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, line: int, text: str) -> None:
        self.count += 1
        self.lines.append(line)
        if len(self.examples) < 20:
            self.examples.append(text)


class VectorSource(Protocol):
    """A layer of a file, inspected and ready to be read (more than once)."""

    name: str
    """The layer's own name in the file."""
    schema: pa.Schema
    """Attributes only."""
    json_fields: frozenset[str]
    is_table: bool
    """Rows without places: what stands in `crs` means nothing."""
    crs: FoundCrs
    bounds: Bounds | None

    @property
    def encoding(self) -> FoundEncoding | None: ...

    expected: int | None
    """Number of features, None when the format does not say."""
    notes: list[str]
    rejected: Rejected

    def linearise(self) -> None:
        """From now on give arcs and curved surfaces as broken lines and plain ones."""
        ...

    def batches(self) -> AbstractContextManager[Iterator[Batch]]:
        """Read from the beginning."""
        ...
