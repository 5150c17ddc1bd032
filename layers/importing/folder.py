"""Every file of a folder, one after the other; the second time only what changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from layers.importing.detect import is_sidecar
from layers.importing.engine import FileToImport, import_file, unchanged
from layers.importing.errors import ImportRefused
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions

_NOT_DATA = {".md", ".html", ".pdf", ".docx", ".sha256"}


def files_in(folder: Path) -> list[Path]:
    """The files to try, in order. Hidden files, texts about the data and parts of other files are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and not hidden and not is_sidecar(path) and path.suffix.lower() not in _NOT_DATA:
            found.append(path)
    return found


def import_folder(run: ImportRun, folder: Path, options: ImportOptions) -> Iterator[list[ImportOutcome]]:
    """Import each file of a folder that changed since it was last imported; the outcomes of each file as it ends."""
    for path in files_in(folder):
        file = FileToImport(path, path.relative_to(folder).as_posix())
        started = time.monotonic()
        try:
            # Another CRS or encoding asked for is a reason to read the same bytes again.
            before = [] if options.srid or options.encoding else unchanged(file)
        except (ImportRefused, OSError):
            before = []
        if before:
            yield [_unchanged(run, old, time.monotonic() - started) for old in before]
        else:
            yield import_file(run, file, options)


def _unchanged(run: ImportRun, old: ImportOutcome, seconds: float) -> ImportOutcome:
    values = {
        field.attname: getattr(old, field.attname)
        for field in ImportOutcome._meta.concrete_fields
        if field.attname not in ("id", "run_id", "result", "seconds")
    }
    return ImportOutcome.objects.create(
        **values,
        run=run,
        result=ImportOutcome.Result.UNCHANGED,
        seconds=round(seconds, 3),
    )
