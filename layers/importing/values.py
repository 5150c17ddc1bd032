"""Types for columns of text: one that every value of a column allows, else text. Codes like "0001" stay text."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_INTEGER = r"^[+-]?(0|[1-9][0-9]{0,17})$"
_DECIMAL_POINT = r"^[+-]?(0|[1-9][0-9]{0,14})?(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$"
_DECIMAL_COMMA = r"^[+-]?(0|[1-9][0-9]{0,14})(,[0-9]+)?$"
_ITALIAN = r"^[+-]?([1-9][0-9]{0,2}(\.[0-9]{3}){1,4}|0|[1-9][0-9]{0,14})(,[0-9]+)?$"
_THOUSANDS_COMMA = r"^[+-]?([1-9][0-9]{0,2}(,[0-9]{3}){0,4}|0)(\.[0-9]+)?$"
_DATE = r"^(1[0-9]|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_WORDS = r"^(?i:true|false)$"


class ColumnGuess:
    """What type a column may have, narrowed batch by batch.

    Numbers with a point in files separated by `;` may be thousands ("69.589"): where every value is made of groups of
    three they stay text, since nothing in the file says which it is. A comma in any of them does ("1.234,50"). Whole
    numbers of more digits than a float holds are codes, and stay text.
    """

    def __init__(self, delimiter: str) -> None:
        self._open = {"integer": _INTEGER, "date": _DATE, "boolean": _WORDS, "decimal": _DECIMAL_POINT}
        if delimiter == ",":
            self._open["thousands"] = _THOUSANDS_COMMA
        else:
            self._open |= {"comma": _DECIMAL_COMMA, "italian": _ITALIAN}
        self._seen = self._commas = False
        self._only_groups = delimiter != ","

    def see(self, cells: pa.Array) -> None:
        """Take more values of the column into account; blank ones say nothing."""
        values = _trimmed(cells).drop_null()
        if len(values) == 0:
            return
        self._seen = True
        for kind, pattern in list(self._open.items()):
            if not pc.all(pc.match_substring_regex(values, pattern)).as_py():
                del self._open[kind]
        self._commas |= "italian" in self._open and bool(pc.any(pc.match_substring(values, ",")).as_py())
        if self._only_groups and "decimal" in self._open:
            groups = pc.match_substring_regex(values, r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+$|^[0-9]{1,3}$")
            self._only_groups = bool(pc.all(groups).as_py())

    @property
    def kind(self) -> str:
        """The narrowest type left."""
        if not self._seen:
            return "text"
        shut = {"decimal" if self._only_groups else "", "" if self._commas else "italian"}
        for kind in ("integer", "date", "boolean", "decimal", "comma", "italian", "thousands"):
            if kind in self._open and kind not in shut:
                return kind
        return "text"

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the converted column."""
        names = {"integer": pa.int64(), "date": pa.date32(), "boolean": pa.bool_(), "text": pa.string()}
        return names.get(self.kind, pa.float64())


def converted(cells: pa.Array, guess: ColumnGuess) -> pa.Array:
    """Text cells in the guessed type; blank ones are null."""
    values = _trimmed(cells)
    kind = guess.kind
    if kind == "boolean":
        return pc.equal(pc.utf8_lower(values), "true")
    if kind == "italian":
        values = pc.replace_substring(values, ".", "")
    if kind in ("comma", "italian"):
        values = pc.replace_substring(values, ",", ".")
    if kind == "thousands":
        values = pc.replace_substring(values, ",", "")
    if kind in ("decimal", "comma", "italian", "thousands", "integer"):
        values = pc.replace_substring_regex(values, r"^\+", "")
    return values.cast(guess.type)


def _trimmed(cells: pa.Array) -> pa.Array:
    values = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
