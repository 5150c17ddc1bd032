"""Thematic classes as MapLibre expressions: which class a feature is of, and what that class looks like."""

from collections.abc import Callable, Sequence
from typing import Any

from layers.styles.model import Class, StyleSpec, Symbol

CLASSED = frozenset({"categorised", "graduated"})
"""Kinds of style that have classes."""

Expression = Any
"""A constant or a nested JSON list, as the MapLibre Style Specification writes expressions."""


def by_class(style: StyleSpec, look: Callable[[Symbol], Any]) -> Expression:
    """`look` of every class as one expression; a constant when all classes agree."""
    other = look(style.symbol)
    if style.kind not in CLASSED or all(look(entry.symbol) == other for entry in style.classes):
        return other
    cases: list[Any] = ["case"]
    for index, entry in enumerate(style.classes):
        cases += [condition(style, index), look(entry.symbol)]
    return [*cases, other]


def condition(style: StyleSpec, index: int) -> Expression:
    """True for the features of the class at `index`."""
    entry = style.classes[index]
    if style.kind == "categorised":
        return ["==", ["to-string", ["get", style.field]], as_text(entry.value)]
    return _within(style.field, entry, closed=index == len(style.classes) - 1)


def any_of(style: StyleSpec, indexes: Sequence[int]) -> Expression:
    """True for the features of these classes; -1 stands for what fits no class."""
    listed: list[Any] = [condition(style, index) for index in indexes if index >= 0]
    if -1 in indexes and style.classes:
        listed.append(["!", ["any", *(condition(style, index) for index in range(len(style.classes)))]])
    return ["any", *listed]


def number_of(field: str) -> Expression:
    """The value of an attribute as a number; 0 when it is none."""
    return ["to-number", ["get", field], 0]


def has_value(field: str) -> Expression:
    """True for features whose attribute is not empty."""
    return ["!=", ["to-string", ["get", field]], ""]


def as_text(value: str | int | float | bool | None) -> str:
    """A class value as MapLibre's `to-string` writes the same value found in a tile."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _within(field: str, entry: Class, *, closed: bool) -> Expression:
    number = number_of(field)
    # `to-number` reads null as 0, which would put features without a value in the class around zero.
    parts: list[Any] = ["all", has_value(field)]
    if entry.minimum is not None:
        parts.append([">=", number, entry.minimum])
    if entry.maximum is not None:
        parts.append(["<=" if closed else "<", number, entry.maximum])
    return parts
