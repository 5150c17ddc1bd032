"""Small files of every kind the import reads, made on the spot."""

from collections.abc import Callable
from pathlib import Path

import pytest

from layers.importing.engine import FileToImport, import_file
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions

Importer = Callable[..., list[ImportOutcome]]


@pytest.fixture
def import_path(db: None) -> Importer:
    """Import one file; the outcomes of its layers."""

    def run(path: Path, **options: object) -> list[ImportOutcome]:
        made = ImportRun.objects.create(source=str(path))
        return import_file(made, FileToImport(path, str(path)), ImportOptions(**options))  # type: ignore[arg-type]

    return run
