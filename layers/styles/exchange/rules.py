"""Rules of other programs, each a filter and a symbol, put together as a style: by value, by range, or plain. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from layers.styles.exchange.taken import Taken
from layers.styles.model import Class, Symbol
from layers.styles.sld import scale_at


@dataclass(frozen=True, slots=True)
class Asked:
    """What a rule's filter asks of a field: one of some values (None: empty), or to be within limits."""

    field: str
    values: tuple[str | None, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A symbol, and which features have it: those of the test, all, or those of no other rule."""

    symbol: Symbol
    title: str
    test: Asked | None
    is_else: bool = False


def both(tests: Sequence[Asked | None]) -> Asked | None:
    """All of the tests at once; None where the model has no word for it."""
    known = [test for test in tests if test is not None]
    if not known or len(known) < len(tests) or any(test.field != known[0].field for test in known):
        return None
    if len(known) == 1:
        return known[0]
    if any(test.values for test in known):
        return None
    lows = [test.minimum for test in known if test.minimum is not None]
    highs = [test.maximum for test in known if test.maximum is not None]
    return Asked(known[0].field, minimum=max(lows, default=None), maximum=min(highs, default=None))


def either(tests: Sequence[Asked | None]) -> Asked | None:
    """One of the tests: a list of values of one field. None where the model has no word for it."""
    known = [test for test in tests if test is not None]
    if not known or len(known) < len(tests) or any(test.field != known[0].field for test in known):
        return None
    if len(known) == 1:
        return known[0]
    if not all(test.values for test in known):
        return None
    # Null and an empty text are one class of ours.
    values = (value or None for test in known for value in test.values)
    return Asked(known[0].field, values=tuple(dict.fromkeys(values)))


def assembled(rules: Sequence[Rule], taken: Taken) -> dict[str, Any]:
    """Kind, field, classes and symbol of the style that the rules make. `rules` is not empty."""
    tested = [rule for rule in rules if rule.test is not None]
    plain = [rule for rule in rules if rule.test is None]
    if len(plain) > 1 or (tested and plain and not plain[0].is_else):
        taken.leave(_("più simboli uno sull'altro: resta il primo"))
    if not tested:
        return {"kind": "single", "symbol": rules[0].symbol}
    field = tested[0].test.field if tested[0].test else ""
    by_value = [rule for rule in tested if rule.test and rule.test.field == field and rule.test.values]
    ranges = [rule for rule in tested if rule.test and rule.test.field == field and not rule.test.values]
    chosen = by_value if len(by_value) >= len(ranges) else ranges
    if len(chosen) < len(tested):
        taken.leave(_("regole con altri filtri: %(count)s") % {"count": len(tested) - len(chosen)})
    classes = [made for rule in chosen for made in _classes(rule)]
    if chosen is ranges:
        classes.sort(key=lambda one: -math.inf if one.minimum is None else one.minimum)
    other = next((rule for rule in plain if rule.is_else), plain[0] if plain else None)
    return {
        "kind": "categorised" if chosen is by_value else "graduated",
        "field": field,
        "classes": tuple(classes),
        "symbol": other.symbol if other else hidden(chosen[0].symbol),
        "other_it": other.title if other else "",
        "other_en": other.title if other else "",
    }


def hidden(symbol: Symbol) -> Symbol:
    """The symbol of features that other programs do not draw at all."""
    return msgspec.structs.replace(symbol, fill_opacity=0.0, stroke_width=0.0, hatch="", size=0.0)


def zooms_of(scales: Sequence[tuple[float, float]], taken: Taken) -> dict[str, int]:
    """The zooms of (smallest, greatest) scale denominators, 0 where there is no limit; all of them when they differ."""
    lows = [zoom_at(greatest) if greatest > 0 else 0 for _smallest, greatest in scales]
    highs = [zoom_at(smallest) - 1 if smallest > 0 else 22 for smallest, _greatest in scales]
    if len(set(zip(lows, highs, strict=True))) > 1:
        taken.leave(_("scale diverse da regola a regola: lo stile le copre tutte"))
    low, high = min(lows, default=0), max(highs, default=22)
    return {"min_zoom": min(max(low, 0), 22), "max_zoom": min(max(high, low, 0), 22)}


def zoom_at(scale: float) -> int:
    """The zoom nearest to a scale denominator."""
    return min(max(round(math.log2(scale_at(0) / scale)), 0), 22)


def _classes(rule: Rule) -> list[Class]:
    test = rule.test or Asked("")
    if not test.values:
        return [Class(rule.symbol, label_it=rule.title, label_en=rule.title, minimum=test.minimum,
                      maximum=test.maximum)]  # fmt: skip
    alone = len(test.values) == 1
    texts = [rule.title if alone or not rule.title else f"{rule.title}: {value or '–'}"[:200] for value in test.values]
    return [
        Class(rule.symbol, label_it=text, label_en=text, value=value)
        for value, text in zip(test.values, texts, strict=True)
    ]
