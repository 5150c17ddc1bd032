"""What the person importing may decide, and what every import must stay within."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

Progress = Callable[[int, int | None], None]
"""Called with features done and their expected number (None: not said by the format). May raise ImportCancelled."""


def no_progress(done: int, total: int | None) -> None:
    """For callers that do not show any."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps that hold however a file describes itself."""

    archive_entries: int = 5000
    archive_bytes: int = 4 * 1024**3
    """Counted while extracting: the sizes an archive states are not believed."""
    archive_ratio: int = 200
    """A single member may not grow more than this many times (once past 10 MB)."""
    file_bytes: int = 20 * 1024**3
    columns: int = 1000
    tile_bytes: int = 64 * 1024**2
    raster_pixels: int = 10**10
    csv_cell_chars: int = 1_000_000


LIMITS = Limits()


class Mode(enum.Enum):
    """What becomes of the data that a layer has already."""

    REPLACE = "replace"
    APPEND = "append"
    SYNCHRONISE = "synchronise"


def moment_of(text: str) -> datetime:
    """The date of some data: a time with its zone, or a day, from its beginning in the city. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else timezone.make_aware(moment)


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
    is_table: bool = False
    """Rows of a CSV or a sheet without places: no coordinates are looked for."""
    theme: str = ""
    access: str = ""
    is_sample: bool = False
    attribution: str = ""
    only_layers: tuple[str, ...] = ()
    """Names of source layers to take; empty: all."""
    progress: Progress = field(default=no_progress, compare=False)
    mode: Mode = Mode.REPLACE
    key: tuple[str, ...] = ()
    """Columns that together say which feature is which, to synchronise; replaced data keeps identifiers by it."""
    tolerance: float | None = None
    """Synchronise without a key: metres within which features are taken for the same."""
    match: tuple[str, ...] = ()
    """Synchronise by position: columns that must be equal too."""
    ignore: tuple[str, ...] = ()
    """Synchronise: columns whose differences alone do not make a feature a changed one."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Only rows whose columns, as the file names them, have these values."""
    valid_from: datetime | None = None
    """The date the data speaks of, where that is not today."""
    note: str = ""
    """What the version says of itself."""
    dry_run: bool = False
    """Say what would change and write nothing."""
    per_layer: Mapping[str, ImportOptions] = field(default_factory=dict)
    """Other choices for some source layers, by name."""

    def for_layer(self, name: str) -> ImportOptions:
        """The choices that hold for one source layer."""
        return self.per_layer.get(name, self)

    def wants(self, name: str) -> bool:
        """Whether a source layer is to be taken."""
        return not self.only_layers or name in self.only_layers
