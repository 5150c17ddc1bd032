"""Cells of an OpenDocument spreadsheet. Source: OASIS OpenDocument 1.3, part 3, chapter 9 (tables)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _

from layers.importing.errors import ImportRefused
from layers.importing.options import LIMITS

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VALUES = ("value", "date-value", "time-value", "boolean-value", "string-value")
_ROWS = 2_000_000


def opendocument_sheets(path: Path) -> dict[str, list[list[str]]]:
    """The cells of every sheet by its name, as texts. Raises ImportRefused."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("content.xml") as stream:
            return dict(_sheets(stream))
    except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, ElementTree.ParseError, DefusedXmlException) as error:
        raise ImportRefused(_("Il foglio di calcolo è rovinato: %(error)s") % {"error": str(error)[:200]}) from error


def _sheets(stream: Any) -> Iterator[tuple[str, list[list[str]]]]:
    rows: list[list[str]] = []
    for _event, element in ElementTree.iterparse(stream, ("end",)):
        if element.tag == f"{_TABLE}table-row":
            cells = _row(element)
            repeated = int(element.get(f"{_TABLE}number-rows-repeated", "1")) if any(cells) else 1
            if len(rows) + repeated > _ROWS:
                raise ImportRefused(_("Il foglio di calcolo ha più di %(most)s righe.") % {"most": _ROWS})
            rows += [cells] * repeated
            element.clear()
        elif element.tag == f"{_TABLE}table":
            yield element.get(f"{_TABLE}name", ""), rows
            rows = []
            element.clear()


def _row(element: Any) -> list[str]:
    cells: list[str] = []
    for cell in element:
        if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
            # Empty cells to the sheet's edge are one cell repeated: as many as a table may have are enough.
            repeated = min(int(cell.get(f"{_TABLE}number-columns-repeated", "1")), LIMITS.columns + 1 - len(cells))
            cells += [_value(cell)] * repeated
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _value(cell: Any) -> str:
    kind = cell.get(f"{_OFFICE}value-type", "")
    if kind not in ("", "string"):
        found = next((cell.get(f"{_OFFICE}{name}") for name in _VALUES if cell.get(f"{_OFFICE}{name}")), "")
        text = str(found).removesuffix("T00:00:00")
        return text.removesuffix(".0") if kind in ("float", "currency", "percentage") else text
    return "\n".join("".join(part.itertext()) for part in cell.iter(f"{_TEXT}p")).strip()
