"""The files of rasters: put in place whole, thrown away once nothing in the database names them.

A row never names a file that is not there: the file comes before the row, and goes after it. What a killed process
left without a row is found by its name and swept.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from layers.models import Layer
from layers.versions.models import RasterState

_OURS = re.compile(r"^\.?[a-z0-9-]+-[0-9a-f]{12}\.tif(\.part|\.aux\.xml)?$")
LEFT_OVER_S = 86_400
"""How long a file may wait for its row: no import runs for a day."""


@dataclass(frozen=True, slots=True)
class RasterFile:
    """A file in RASTER_DIR."""

    path: str
    """Relative to it."""
    checksum: str
    bytes: int


def folder() -> Path:
    """Where the files are."""
    found = Path(settings.RASTER_DIR)
    found.mkdir(parents=True, exist_ok=True)
    return found


@contextmanager
def placed(made: Path, slug: str) -> Iterator[RasterFile]:
    """Move a finished file in under a name that is new each time; it goes again when what follows fails.

    It is on the disk before any row can name it. Who still reads the file before keeps a whole one.
    """
    name = f"{slug}-{uuid.uuid4().hex[:12]}.tif"
    target, part = folder() / name, folder() / f".{name}.part"
    try:
        shutil.move(made, part)
        part.chmod(0o644)
        with part.open("rb") as stream:
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        part.rename(target)
        _sync_folder()
        yield RasterFile(name, checksum, target.stat().st_size)
    except BaseException:
        part.unlink(missing_ok=True)
        _unlink(name)
        raise


def measured(path: str) -> RasterFile:
    """A file that is in place already. Raises OSError."""
    target = folder() / path
    with target.open("rb") as stream:
        return RasterFile(path, hashlib.file_digest(stream, "sha256").hexdigest(), target.stat().st_size)


def heal(path: str, file: RasterFile) -> None:
    """Where a file is lost, put another of the same content in its place. Raises OSError."""
    with suppress(FileExistsError):
        os.link(folder() / file.path, folder() / path)
        _sync_folder()


def discard(names: Iterable[str]) -> None:
    """Throw files away that nothing in the database names."""
    wanted = {name for name in names if name}
    for name in wanted - _named(wanted):
        _unlink(name)


def discard_after_commit(names: Iterable[str]) -> None:
    """The same once this transaction is done; after a failure they stay, as the rows do."""
    wanted = [name for name in names if name]
    transaction.on_commit(lambda: discard(wanted), robust=True)


def left_over() -> list[str]:
    """Files that an import has left a day ago or longer and nothing names."""
    before = time.time() - LEFT_OVER_S
    old = {
        one.name
        for one in folder().iterdir()
        if _OURS.match(one.name) and one.is_file() and one.stat().st_mtime < before
    }
    stems = {name: name.removesuffix(".aux.xml") for name in old}
    named = _named(stems.values())
    return sorted(name for name, stem in stems.items() if stem not in named)


def sweep() -> int:
    """Throw away what is left over. Returns how many files went."""
    found = left_over()
    for name in found:
        (folder() / name).unlink(missing_ok=True)
    return len(found)


def _named(names: Iterable[str]) -> set[str]:
    wanted = list(names)
    rows = Layer.objects.filter(raster_path__in=wanted).values_list("raster_path", flat=True)
    return set(rows) | set(RasterState.objects.filter(path__in=wanted).values_list("path", flat=True))


def _unlink(name: str) -> None:
    """Within the folder only: a path of the catalogue may have been written by hand."""
    target = (folder() / name).resolve()
    if target.is_relative_to(folder().resolve()):
        target.unlink(missing_ok=True)
        target.with_name(f"{target.name}.aux.xml").unlink(missing_ok=True)


def _sync_folder() -> None:
    handle = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
