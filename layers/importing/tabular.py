"""CSV with coordinates, as offices write it: any delimiter, decimal commas, title lines, broken rows."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow as pa
from django.utils.translation import gettext as _

from layers.importing import encodings
from layers.importing.coordinates import NoPlaces, find_coordinates
from layers.importing.crs import NOWHERE, Bounds, FoundCrs, checked, chosen, guessed
from layers.importing.encodings import FoundEncoding
from layers.importing.errors import ImportRefused
from layers.importing.options import LIMITS
from layers.importing.sources import Batch, Rejected
from layers.importing.values import ColumnGuess, converted

_BATCH_ROWS = 20_000
_SAMPLE_ROWS = 200
_DELIMITERS = ";\t|,"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """How a delimited text is laid out."""

    delimiter: str
    header: list[str]
    rows_before: int
    """Rows before the header: titles people put there."""


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
        try:
            with self._binary() as stream:
                chunks: list[bytes] = []
                size = 0
                while chunk := stream.read(_CHUNK):
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > LIMITS.archive_bytes:
                        raise ImportRefused(_("Il file estratto supera la dimensione massima ammessa."))
                    if size > 256 * _CHUNK:
                        break
        except (OSError, EOFError) as error:
            raise ImportRefused(_("Il file gzip è rovinato: %(error)s") % {"error": error}) from error
        return encodings.of_text_file(chunks)

    def _binary(self) -> IO[bytes]:
        with self._path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(self._path)) if packed else self._path.open("rb")

    @contextmanager
    def _rows(self, delimiter: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Rows with the number of the line each ends on; empty lines left out."""
        csv.field_size_limit(LIMITS.csv_cell_chars)
        with self._binary() as raw, io.TextIOWrapper(raw, self.encoding.name, errors="replace", newline="") as text:
            reader = csv.reader(text, delimiter=delimiter, quoting=self._quoting)

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
        best: tuple[float, Layout] | None = None
        for delimiter in _DELIMITERS:
            rows = self._first_rows(delimiter)
            counts = [len(row) for row in rows]
            if not counts:
                raise ImportRefused(_("Il file non contiene righe."))
            usual = max(set(counts), key=counts.count)
            if usual < 2:
                continue
            score = counts.count(usual) / len(counts) * min(usual, 20)
            header_at = counts.index(usual)
            if header_at > 10 or (best and score <= best[0]):
                continue
            header = [" ".join(cell.split()) for cell in rows[header_at]]
            best = (score, Layout(delimiter, unique(header), header_at))
        if best is None:
            raise ImportRefused(_("Non si riconosce un separatore di colonne (; , | o tabulazione)."))
        if len(best[1].header) > LIMITS.columns:
            raise ImportRefused(_("Ha troppe colonne (%(count)s).") % {"count": len(best[1].header)})
        return best[1]

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
                    good += len(row) == len(self._layout.header)
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
        return [row for row in rows if len(row) == len(self._layout.header)]

    def _chunks(self, rejected: Rejected) -> Iterator[tuple[list[int], list[list[str]]]]:
        """Line numbers and cells of the rows that have as many cells as the header; the others are `rejected`."""
        width = len(self._layout.header)
        lines: list[int] = []
        rows: list[list[str]] = []
        with self._rows(self._layout.delimiter) as walk:
            for number, (line, row) in enumerate(walk):
                if number <= self._layout.rows_before:
                    continue
                if len(row) != width:
                    rejected.add(
                        line,
                        _("riga %(line)s: %(found)s colonne invece di %(wanted)s")
                        % {"line": line, "found": len(row), "wanted": width},
                    )
                    continue
                lines.append(line)
                rows.append(row)
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
        name = {"\t": _("tabulazione")}.get(self._layout.delimiter, self._layout.delimiter)
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


def unique(header: list[str]) -> list[str]:
    """The names of a header, made different by numbers; empty ones get one."""
    seen: dict[str, int] = {}
    result = []
    for number, name in enumerate(header, start=1):
        name = name or _("colonna %(number)s") % {"number": number}
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result
