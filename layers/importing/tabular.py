"""CSV with coordinates, as offices write it: any delimiter, decimal commas, title lines, broken rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
from django.utils.translation import gettext as _

from layers.importing import encodings
from layers.importing.archives import unpacked
from layers.importing.coordinate_columns import find_coordinates
from layers.importing.coordinates import NoPlaces
from layers.importing.crs import NOWHERE, Bounds, FoundCrs, checked, chosen, guessed
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.options import LIMITS
from layers.importing.sources import Batch, Rejected
from layers.importing.values import ColumnGuess, converted

_BATCH_ROWS = 20_000
_SAMPLE_ROWS = 200
_HEADER_WITHIN = 10
_DELIMITERS = ";\t|,"
_CHUNK, _ENCODING_CHUNKS = 1 << 20, 256


@dataclass(frozen=True, slots=True)
class Layout:
    """How a delimited text is laid out."""

    delimiter: str
    header: list[str]
    rows_before: int
    """Rows before the header: titles people put there."""
    narrowest: int = 0
    """Cells of the shortest row that is taken: some programs leave the empty ones at the end out."""
    likely: tuple[bool, float] = (True, 0.0)
    """How well it fits, to compare."""

    def fitted(self, row: list[str]) -> list[str] | None:
        """The row's cells, one for each column of the header; None for a row that does not fit."""
        width = len(self.header)
        if len(row) > width:
            return row[:width] if not any(cell.strip() for cell in row[width:]) else None
        return [*row, *[""] * (width - len(row))] if len(row) >= (self.narrowest or width) else None


class CsvSource:
    """A delimited text file with coordinates in columns."""

    json_fields: frozenset[str] = frozenset()

    def __init__(
        self, path: Path, *, name: str, srid: int | None = None, encoding: str = "", is_table: bool = False
    ) -> None:
        """`is_table`: take the rows without looking for coordinates."""
        self._path = path
        self.name = name
        self.is_table = is_table
        self.notes: list[str] = []
        self.rejected = Rejected()
        self.encoding: FoundEncoding = encodings.chosen(encoding) if encoding else self._encoding()
        self._quoting: Literal[0, 3] = csv.QUOTE_MINIMAL
        self._layout = self._find_layout()
        self._settle_quoting()
        self._coordinates = NoPlaces() if is_table else find_coordinates(self._layout.header, self._sample())
        guesses = [ColumnGuess(self._layout.delimiter) for _name in self._layout.header]
        self._inspect(guesses)
        self._guesses = guesses
        self.schema = pa.schema([(name, guess.type) for name, guess in zip(self._layout.header, guesses, strict=True)])
        self.crs: FoundCrs = self._crs(srid)
        self._notes()

    def _encoding(self) -> FoundEncoding:
        chunks: list[bytes] = []
        with unpacked(self._path) as stream:
            while (chunk := stream.read(_CHUNK)) and len(chunks) <= _ENCODING_CHUNKS:
                chunks.append(chunk)
        return encodings.of_text_file(chunks)

    @contextmanager
    def _rows(self, delimiter: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Rows with the number of the line each ends on; empty lines left out."""
        csv.field_size_limit(LIMITS.csv_cell_chars)
        with (
            unpacked(self._path) as raw,
            io.TextIOWrapper(raw, self.encoding.name, errors="replace", newline="") as text,
        ):
            reader = csv.reader(text, delimiter=delimiter, quoting=self._quoting, skipinitialspace=delimiter == " ")

            def walk() -> Iterator[tuple[int, list[str]]]:
                try:
                    for row in reader:
                        if any(cell.strip() for cell in row):
                            yield reader.line_num, row
                except csv.Error as error:
                    raise ImportRefused(
                        _("Riga %(line)s: %(error)s") % {"line": reader.line_num, "error": error}
                    ) from error

            yield walk()

    def _find_layout(self) -> Layout:
        rows = {delimiter: self._first_rows(delimiter) for delimiter in _DELIMITERS}
        # A text of nothing but one of them has no rows for that one.
        if not all(rows.values()):
            raise ImportRefused(_("Il file non contiene righe."))
        found = [layout_of(delimiter, some) for delimiter, some in rows.items()]
        best = max(filter(None, found), key=lambda one: one.likely, default=None)
        if best is None:
            # Lists of points for surveyors' programs: columns parted by spaces, and nothing else could be.
            best = layout_of(" ", self._first_rows(" "))
            best = best if best and best.likely[0] else None
        if best is None:
            raise ImportRefused(_("Non si riconosce un separatore di colonne (; , | o tabulazione)."))
        if len(best.header) > LIMITS.columns:
            raise ImportRefused(_("Ha troppe colonne (%(count)s).") % {"count": len(best.header)})
        return best

    def _settle_quoting(self) -> None:
        """Quotes that are inch marks or typing errors swallow line ends: then read the file without quoting."""
        quoted, spans = self._good_rows()
        if not spans:
            return
        self._quoting = csv.QUOTE_NONE
        plain, _spans = self._good_rows()
        if plain <= quoted:
            self._quoting = csv.QUOTE_MINIMAL
        else:
            self.notes.append(_("virgolette spaiate: lette come testo"))

    def _good_rows(self) -> tuple[int, bool]:
        """Rows as wide as the header, and whether any row spans several lines."""
        good, spans, before = 0, False, 0
        with self._rows(self._layout.delimiter) as walk:
            for number, (line, row) in enumerate(walk):
                if number > self._layout.rows_before:
                    good += self._layout.fitted(row) is not None
                    spans |= line - before > 1 and any("\n" in cell for cell in row)
                before = line
        return good, spans

    def _first_rows(self, delimiter: str) -> list[list[str]]:
        rows = []
        with self._rows(delimiter) as walk:
            for _line, row in walk:
                rows.append(row)
                if len(rows) >= _SAMPLE_ROWS:
                    break
        return rows

    def _sample(self) -> list[list[str]]:
        rows = self._first_rows(self._layout.delimiter)[self._layout.rows_before + 1 :]
        return list(filter(None, map(self._layout.fitted, rows)))

    def _chunks(self, rejected: Rejected) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Line numbers and cells of the rows that have as many cells as the header; the others are `rejected`."""
        width = len(self._layout.header)
        lines: list[int] = []
        rows: list[list[str]] = []
        with self._rows(self._layout.delimiter) as walk:
            for number, (line, row) in enumerate(walk):
                if number <= self._layout.rows_before:
                    continue
                cells = self._layout.fitted(row)
                if cells is None:
                    rejected.add(
                        line,
                        _("riga %(line)s: %(found)s colonne invece di %(wanted)s")
                        % {"line": line, "found": len(row), "wanted": width},
                    )
                    continue
                lines.append(line)
                rows.append(cells)
                if len(rows) >= _BATCH_ROWS:
                    yield lines, rows
                    lines, rows = [], []
        yield lines, rows

    def _inspect(self, guesses: list[ColumnGuess]) -> None:
        """First pass over the whole file: rows that fit, types that hold for all of them, the extent."""
        self.expected: int | None = None
        count = 0
        for _lines, rows in self._chunks(self.rejected):
            count += len(rows)
            for guess, cells in zip(guesses, zip(*rows, strict=True), strict=False):
                guess.see(pa.array(cells, pa.string()))
            self._coordinates.see(rows)
        self.expected = count
        if not count and not self.rejected.count:
            raise ImportRefused(_("Dopo l'intestazione non ci sono righe."))
        if not count:
            raise ImportRefused(_("Nessuna riga ha le %(count)s colonne dell'intestazione.") % {"count": len(guesses)})
        self._coordinates.settle()
        self.bounds: Bounds | None = self._coordinates.bounds

    def _crs(self, srid: int | None) -> FoundCrs:
        if self.is_table:
            return NOWHERE
        if srid:
            return chosen(srid)
        found = self._coordinates.crs
        return checked(found, self.bounds) if found else guessed(self.bounds)

    def _notes(self) -> None:
        if self._layout.rows_before:
            self.notes.append(
                _("%(count)s righe di titolo prima dell'intestazione") % {"count": self._layout.rows_before}
            )
        self._note_delimiter()
        self.notes += self._coordinates.notes

    def _note_delimiter(self) -> None:
        name = {"\t": _("tabulazione"), " ": _("spazio")}.get(self._layout.delimiter, self._layout.delimiter)
        self.notes.append(_("separatore %(name)s") % {"name": name})

    def linearise(self) -> None:
        """Nothing to do: well-known text is read with its curves as lines, or not at all."""

    @contextmanager
    def batches(self) -> Iterator[Iterator[Batch]]:
        """Second pass: typed columns and points."""
        yield self._typed()

    def _typed(self) -> Iterator[Batch]:
        for _lines, rows in self._chunks(Rejected()):
            if rows:
                cells = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                arrays = [converted(column, guess) for column, guess in zip(cells, self._guesses, strict=True)]
                yield Batch(pa.Table.from_arrays(arrays, schema=self.schema), self._coordinates.wkb(rows))


def layout_of(delimiter: str, rows: list[list[str]]) -> Layout | None:
    """The layout of a text whose first rows these are if this is its delimiter; None when it cannot be."""
    counts = [len(row) for row in rows]
    usual = max(set(counts), key=counts.count)
    if usual - 1 in counts[: _HEADER_WITHIN + 1] and not any(row[-1].strip() for row in rows if len(row) == usual):
        # A delimiter at the end of every row but the header.
        counts, usual = [min(count, usual - 1) for count in counts], usual - 1
    fitting = [at for at, count in enumerate(counts) if count >= usual]
    if usual < 2 or fitting[0] > _HEADER_WITHIN:
        return None
    filled = {at: sum(bool(cell.strip()) for cell in rows[at]) for at in fitting[: _HEADER_WITHIN + 1]}
    # A title in the first cell of a row of empty ones is no header.
    start = next(at for at, count in filled.items() if count >= max(filled.values()) * 0.6)
    header = [" ".join(cell.split()) for cell in rows[start]]
    while len(header) > usual and not header[-1]:
        header.pop()
    share = counts.count(usual) / len(counts)
    return Layout(delimiter, unique(header), start, usual, (share == 1.0, share * min(usual, 20)))


def unique(header: list[str]) -> list[str]:
    """The names of a header, made different by numbers; empty ones get one."""
    seen: dict[str, int] = {}
    result = []
    for number, name in enumerate(header, start=1):
        name = name or _("colonna %(number)s") % {"number": number}
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result
