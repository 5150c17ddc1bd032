"""What the person importing may decide, and what every import must stay within."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Progress = Callable[[int, int | None], None]
"""Called with features done and their expected number (None: not said by the format). May raise ImportCancelled."""


def no_progress(done: int, total: int | None) -> None:
    """For callers that do not show any."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that hold however a file describes itself."""

    archive_entries: int = 1000
    archive_bytes: int = 4 * 1024**3
    """Counted while extracting: the sizes an archive states are not believed."""
    archive_ratio: int = 200
    """A single member may not grow more than this many times (once past 10 MB)."""
    file_bytes: int = 20 * 1024**3
    columns: int = 1000
    raster_pixels: int = 10**10
    csv_cell_chars: int = 1_000_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Choices that override what the file says. Empty or None: what is found in the file, or kept as it was."""

    slug: str = ""
    title: str = ""
    title_en: str = ""
    srid: int | None = None
    encoding: str = ""
    swap: bool = False
    """The file has northing (or latitude) before easting."""
    theme: str = ""
    access: str = ""
    is_sample: bool = False
    attribution: str = ""
    only_layers: tuple[str, ...] = ()
    """Names of source layers to take; empty: all."""
    progress: Progress = field(default=no_progress, compare=False)
    per_layer: Mapping[str, ImportOptions] = field(default_factory=dict)
    """Other choices for some source layers, by name."""

    def for_layer(self, name: str) -> ImportOptions:
        """The choices that hold for one source layer."""
        return self.per_layer.get(name, self)

    def wants(self, name: str) -> bool:
        """Whether a source layer is to be taken."""
        return not self.only_layers or name in self.only_layers
