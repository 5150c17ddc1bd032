"""The simple filters of QGIS expressions: a column compared with values, ANDed, ORed, IN a list, IS NULL. Pure."""

from __future__ import annotations

import re

from layers.styles.exchange.rules import Asked, both, either

_TOKEN = re.compile(
    r"""\s*(?:(?P<field>"(?:[^"]|"")*")|(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"""
    r"""|(?P<sign><=|>=|<>|!=|=|<|>|\(|\)|,)|(?P<word>[^\W\d]\w*))"""
)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}
DEEPEST = 40


class _Unsaid(ValueError):
    """A filter that the model has no word for."""


def read_filter(text: str) -> Asked | None:
    """What a filter asks; None where it is more than the model can say."""
    try:
        tokens = _tokens(text)
        found = _Reader(tokens).any_of(0)
    except _Unsaid:
        return None
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _Unsaid
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        place = match.end()
    return found


class _Reader:
    """Walks the tokens once: OR of ANDs of comparisons."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def any_of(self, depth: int) -> Asked:
        parts = [self.all_of(depth)]
        while self.takes("or"):
            parts.append(self.all_of(depth))
        if depth == 0 and self.place < len(self.tokens):
            raise _Unsaid
        return _said(either(parts))

    def all_of(self, depth: int) -> Asked:
        parts = [self.one(depth)]
        while self.takes("and"):
            parts.append(self.one(depth))
        return _said(both(parts))

    def one(self, depth: int) -> Asked:
        if self.takes("("):
            if depth > DEEPEST:
                raise _Unsaid
            found = self.any_of(depth + 1)
            self.must(")")
            return found
        kind, text = self.next()
        if kind in {"text", "number"}:
            sign = self.next()[1]
            return _compared(self.column(*self.next()), _TURNED.get(sign, ""), _plain(kind, text))
        field = self.column(kind, text)
        sign = self.next()[1].lower()
        if sign == "is":
            self.must("null")
            return Asked(field, values=(None,))
        if sign == "in":
            return Asked(field, values=self.listed())
        kind, text = self.next()
        if sign == "between":
            low = _number(_plain(kind, text))
            self.must("and")
            return Asked(field, minimum=low, maximum=_number(_plain(*self.next())))
        return _compared(field, sign, _plain(kind, text))

    def listed(self) -> tuple[str | None, ...]:
        self.must("(")
        values = [_plain(*self.next())]
        while self.takes(","):
            values.append(_plain(*self.next()))
        self.must(")")
        return tuple(dict.fromkeys(value or None for value in values))

    @staticmethod
    def column(kind: str, text: str) -> str:
        if kind == "field":
            return text[1:-1].replace('""', '"')
        if kind != "word":
            raise _Unsaid
        return text

    def next(self) -> tuple[str, str]:
        if self.place >= len(self.tokens):
            raise _Unsaid
        self.place += 1
        return self.tokens[self.place - 1]

    def takes(self, text: str) -> bool:
        kind, found = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        is_it = kind in {"word", "sign"} and found.lower() == text
        self.place += is_it
        return is_it

    def must(self, text: str) -> None:
        if not self.takes(text):
            raise _Unsaid


def _plain(kind: str, text: str) -> str:
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind != "number":
        raise _Unsaid
    return text


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _Unsaid from error


def _compared(field: str, sign: str, value: str) -> Asked:
    if sign == "=":
        return Asked(field, values=(value or None,))
    if sign in {"<", "<="}:
        return Asked(field, maximum=_number(value))
    if sign in {">", ">="}:
        return Asked(field, minimum=_number(value))
    raise _Unsaid


def _said(test: Asked | None) -> Asked:
    if test is None:
        raise _Unsaid
    return test
