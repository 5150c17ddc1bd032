"""The facts in an HTML answer: rows of its tables as names and values, else its text; scripts are dropped."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from django.utils.translation import gettext as _

_SILENT = {"script", "style", "head", "title", "template", "noscript", "svg", "iframe", "object"}
MOST_ROWS = 2000


class _Reader(HTMLParser):
    """Collects the cells of each table, and all text outside of silent elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[tuple[str, str]]]] = []
        self.text: list[str] = []
        self._silent = 0
        self._cell: list[str] | None = None
        self._tag = ""
        self._rows = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables and self._rows < MOST_ROWS:
            self._rows += 1
            self.tables[-1].append([])
        elif tag in {"th", "td"}:
            self._end_cell()
            self._tag, self._cell = tag, []

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in {"th", "td", "tr", "table"}:
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.text.append(data)
        if self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self.tables and self.tables[-1]:
            self.tables[-1][-1].append((self._tag, " ".join("".join(self._cell).split())))
        self._cell = None


def html_facts(text: str) -> list[dict[str, Any]]:
    """One dictionary for each feature; an answer without tables is one text; an empty page has none."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    found = [facts for table in reader.tables for facts in _of_table([row for row in table if row])]
    if found:
        return found
    said = " ".join(" ".join(reader.text).split())
    return [{_("Risposta"): said}] if said else []


def _of_table(rows: list[list[tuple[str, str]]]) -> list[dict[str, str]]:
    """A heading with a row for each feature, or a row for each name and value."""
    heads = [text for _tag, text in rows[0]] if rows and all(tag == "th" for tag, _text in rows[0]) else []
    if len(heads) > 1 or (heads and len(rows) > 1 and len(rows[1]) == 1):
        return [dict(zip(heads, (text for _tag, text in row), strict=False)) for row in rows[1:]]
    facts = {row[0][1]: row[1][1] for row in rows if len(row) == 2}
    return [facts] if facts else []
