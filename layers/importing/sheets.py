"""Spreadsheets with coordinates (xlsx, xls, ods): each sheet read as a table of texts, like a CSV."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import python_calamine
from django.utils.translation import gettext as _

from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.opendocument import opendocument_sheets
from layers.importing.options import LIMITS
from layers.importing.tabular import CsvSource, Layout, unique

_HEADER_WITHIN = 10
_LARGEST = 1 << 30
"""Bytes of a workbook taken out of its archive: it is held in memory."""
Cells = list[list[str]]


def sheets_of(path: Path, *, is_open_document: bool) -> dict[str, Cells]:
    """The cells of every sheet that holds rows, by its name. Raises ImportRefused."""
    _check_size(path)
    found = opendocument_sheets(path) if is_open_document else _workbook(path)
    return {name: cells for name, cells in found.items() if sum(map(any, cells)) > 1}


def _check_size(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            grows = info.file_size > LIMITS.archive_ratio * max(1, info.compress_size) and info.file_size > 10 * 1024**2
            if grows or info.file_size > _LARGEST:
                raise ImportRefused(_("Lo zip si espande oltre misura (bomba di compressione): non viene letto."))


def _workbook(path: Path) -> dict[str, Cells]:
    try:
        # By its bytes: an .xlsx that is called .xls is common.
        with path.open("rb") as stream, python_calamine.CalamineWorkbook.from_filelike(stream) as book:
            sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
    except python_calamine.PasswordError as error:
        raise ImportRefused(_("Il foglio di calcolo è protetto da password.")) from error
    except (python_calamine.CalamineError, OSError) as error:
        raise ImportRefused(_("Il foglio di calcolo è rovinato: %(error)s") % {"error": str(error)[:200]}) from error
    return {name: [[_text(cell) for cell in row] for row in cells] for name, cells in sheets.items()}


class SheetSource(CsvSource):
    """One sheet. Title rows before the header are left out, as in a CSV; cells are what they show without a format."""

    def __init__(
        self, path: Path, sheet: str, cells: Cells, *, srid: int | None = None, is_table: bool = False
    ) -> None:
        self._sheet, self._cells, self._width = sheet, cells, 0
        super().__init__(path, name=sheet, srid=srid, is_table=is_table)

    def _encoding(self) -> FoundEncoding:
        return FoundEncoding("utf-8", _("dal formato"))

    @contextmanager
    def _rows(self, delimiter: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
        width = self._width
        yield (
            (number, [*row[:width], *[""] * (width - len(row))])
            for number, row in enumerate(self._cells, start=1)
            if any(row)
        )

    def _find_layout(self) -> Layout:
        rows = [row for row in self._cells if any(row)]
        filled = [sum(map(bool, row)) for row in rows[:200]]
        enough = max(2, max(filled) * 0.6)
        start = next((at for at, count in enumerate(filled[: _HEADER_WITHIN + 1]) if count >= enough), None)
        if start is None:
            raise ImportRefused(_("Nel foglio %(name)s non si riconosce un'intestazione.") % {"name": self._sheet[:80]})
        header = [" ".join(cell.split()) for cell in rows[start]]
        while not header[-1]:
            header.pop()
        self._width = len(header)
        if self._width > LIMITS.columns:
            raise ImportRefused(_("Ha troppe colonne (%(count)s).") % {"count": self._width})
        # The delimiter only tells how numbers are written: those of a workbook are numbers.
        return Layout(",", unique(header), start)

    def _settle_quoting(self) -> None:
        """There are no quotes."""

    def _note_delimiter(self) -> None:
        self.notes.append(_("foglio %(name)s") % {"name": self._sheet[:80]})


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime):
        is_day = cell.time() == datetime.time()
        return cell.date().isoformat() if is_day else cell.isoformat()
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell).strip()
