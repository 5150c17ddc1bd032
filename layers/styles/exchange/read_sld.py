"""The basics of an SLD 1.0 or 1.1 (Symbology Encoding): one symbol, classes by value or range, a label, scales."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from defusedxml import ElementTree as SafeXml
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _

from layers.styles.exchange.taken import StyleNotRead, Taken, colour_of, number_of, pixels
from layers.styles.model import Class, Label, StyleSpec, Symbol
from layers.styles.sld import scale_at

_SHAPES = {"circle": "circle", "square": "square", "triangle": "triangle", "cross": "cross", "x": "cross"}
_HATCHES = {"slash": "diagonal", "backslash": "backdiagonal", "x": "cross", "times": "cross", "plus": "cross",
            "horline": "horizontal", "vertline": "vertical"}  # fmt: skip
_UPPER = {"PropertyIsLessThan", "PropertyIsLessThanOrEqualTo"}
_LOWER = {"PropertyIsGreaterThan", "PropertyIsGreaterThanOrEqualTo"}
_SYMBOLIZERS = {"PointSymbolizer", "LineSymbolizer", "PolygonSymbolizer"}


@dataclass(slots=True)
class _Test:
    """What a rule's filter asks: a field, and a value or limits."""

    field: str
    value: str | None = None
    is_value: bool = False
    minimum: float | None = None
    maximum: float | None = None


@dataclass(slots=True)
class _Rule:
    symbol: Symbol
    title: str
    test: _Test | None
    is_else: bool


def read_sld(content: bytes) -> Taken:
    """An SLD as a style. Raises StyleNotRead."""
    try:
        root = SafeXml.fromstring(content)
    except (DefusedXmlException, SafeXml.ParseError, ValueError) as error:
        raise StyleNotRead(_("Non è un file SLD: %(error)s") % {"error": str(error)[:200]}) from error
    if _name(root) != "StyledLayerDescriptor":
        raise StyleNotRead(_("Non è un file SLD: comincia con «%(name)s».") % {"name": _name(root)[:60]})
    taken = Taken(StyleSpec())
    found = [(one, _rule(one, taken)) for one in root.iter() if _name(one) == "Rule"]
    rules = [rule for _element, rule in found if rule is not None]
    label = next((made for one, _rule in found if (made := _label(one, taken)) is not None), None)
    if not rules:
        raise StyleNotRead(_("Nel file non c'è alcun simbolo che si sappia leggere."))
    values = _assembled(rules, taken)
    scales = [one for one, rule in found if rule is not None]
    taken.spec = msgspec.structs.replace(taken.spec, label=label, **values, **_zooms(scales))
    return taken


def _assembled(rules: list[_Rule], taken: Taken) -> dict[str, Any]:
    tested = [rule for rule in rules if rule.test is not None]
    plain = next((rule.symbol for rule in rules if rule.is_else or rule.test is None), None)
    if not tested:
        if len(rules) > 1:
            taken.left_out.append(_("più simboli uno sull'altro: resta il primo"))
        return {"kind": "single", "symbol": rules[0].symbol}
    field = tested[0].test.field if tested[0].test else ""
    same = [rule for rule in tested if rule.test and rule.test.field == field]
    by_value = [rule for rule in same if rule.test and rule.test.is_value]
    ranges = [rule for rule in same if rule.test and not rule.test.is_value]
    chosen = by_value if len(by_value) >= len(ranges) else ranges
    if len(chosen) < len(tested):
        taken.left_out.append(_("regole con altri filtri: %(count)s") % {"count": len(tested) - len(chosen)})
    classes = [
        Class(
            rule.symbol, label_it=rule.title, label_en=rule.title, value=rule.test.value,
            minimum=rule.test.minimum, maximum=rule.test.maximum,
        )
        for rule in chosen if rule.test
    ]  # fmt: skip
    if chosen is ranges:
        classes.sort(key=lambda one: -math.inf if one.minimum is None else one.minimum)
    hidden = msgspec.structs.replace(chosen[0].symbol, fill_opacity=0.0, stroke_width=0.0, size=0.0, hatch="")
    kind = "categorised" if chosen is by_value else "graduated"
    return {"kind": kind, "field": field, "classes": tuple(classes), "symbol": plain or hidden}


def _rule(rule: Element, taken: Taken) -> _Rule | None:
    symbolizers = [one for one in rule if _name(one) in _SYMBOLIZERS]
    if not symbolizers:
        return None
    symbol = _symbol(symbolizers[0], taken)
    title = _text(rule, "Title") or _text(rule, "Name")
    held = _child(rule, "Filter")
    test = None
    if held is not None and len(held):
        test = _test(held[0])
        if test is None:
            taken.left_out.append(
                _("un filtro che non è un valore o un intervallo («%(title)s»)") % {"title": title[:60]}
            )
            return None
    return _Rule(symbol, title[:200], test, _child(rule, "ElseFilter") is not None)


def _test(element: Element) -> _Test | None:
    name = _name(element)
    if name in {"And", "Or"}:
        parts = [_test(child) for child in element]
        if not parts or any(part is None for part in parts):
            return None
        return _joined([part for part in parts if part is not None], either=name == "Or")
    field = _text(element, "PropertyName")
    if not field:
        return None
    if name == "PropertyIsNull":
        return _Test(field, None, is_value=True)
    if name == "PropertyIsEqualTo":
        return _Test(field, _text(element, "Literal"), is_value=True)
    if name == "PropertyIsBetween":
        low, high = _text(element, "LowerBoundary"), _text(element, "UpperBoundary")
        return _Test(field, minimum=number_of(low, math.nan), maximum=number_of(high, math.nan))
    limit = number_of(_text(element, "Literal"), math.nan)
    if math.isnan(limit):
        return None
    if name in _UPPER:
        return _Test(field, maximum=limit)
    return _Test(field, minimum=limit) if name in _LOWER else None


def _joined(parts: list[_Test], *, either: bool) -> _Test | None:
    first = parts[0]
    if any(part.field != first.field for part in parts):
        return None
    if either:
        # Our own way of saying "empty": null or an empty text.
        empty = all(part.is_value and not part.value for part in parts)
        return _Test(first.field, None, is_value=True) if empty else None
    if any(part.is_value for part in parts):
        return None
    lows = [part.minimum for part in parts if part.minimum is not None]
    highs = [part.maximum for part in parts if part.maximum is not None]
    return _Test(first.field, minimum=max(lows, default=None), maximum=min(highs, default=None))


def _symbol(element: Element, taken: Taken) -> Symbol:
    kind = _name(element)
    holder: Element | None = element
    values: dict[str, Any] = {}
    if kind == "PointSymbolizer":
        holder = next((one for one in element.iter() if _name(one) == "Mark"), None)
        if holder is None:
            taken.left_out.append(_("segni disegnati da un'immagine"))
            return Symbol()
        shape = _text(holder, "WellKnownName")
        rotated = any(_name(one) == "Rotation" for one in element.iter())
        values["shape"] = "diamond" if shape == "square" and rotated else _SHAPES.get(shape, "circle")
        size = next((one.text for one in element.iter() if _name(one) == "Size"), None)
        values["size"] = pixels(number_of(size, 6.0))
    fill = _child(holder, "Fill") if holder is not None else None
    if kind != "LineSymbolizer":
        values |= _fill(fill)
    values |= _stroke(_child(holder, "Stroke") if holder is not None else None)
    if kind == "LineSymbolizer":
        values["fill"] = values["stroke"]
    return Symbol(**values)


def _fill(fill: Element | None) -> dict[str, Any]:
    if fill is None:
        return {"fill_opacity": 0.0}
    mark = next((one for one in fill.iter() if _name(one) == "Mark"), None)
    if mark is not None:
        hatch = _HATCHES.get(_text(mark, "WellKnownName").removeprefix("shape://"), "diagonal")
        held = _parameters(_child(mark, "Stroke"))
        found = colour_of(held.get("stroke", "#000000")) or ("#000000", 1.0)
        return {"hatch": hatch, "fill": found[0], "fill_opacity": _opacity(held.get("stroke-opacity"), 1.0)}
    held = _parameters(fill)
    found = colour_of(held.get("fill", "#808080")) or ("#808080", 1.0)
    return {"fill": found[0], "fill_opacity": _opacity(held.get("fill-opacity"), 1.0)}


def _stroke(stroke: Element | None) -> dict[str, Any]:
    if stroke is None:
        return {"stroke_width": 0.0, "stroke": "#000000"}
    held = _parameters(stroke)
    found = colour_of(held.get("stroke", "#000000")) or ("#000000", 1.0)
    dash = tuple(pixels(number_of(part, 0.0)) for part in held.get("stroke-dasharray", "").replace(",", " ").split())
    width = pixels(number_of(held.get("stroke-width"), 1.0))
    hidden = _opacity(held.get("stroke-opacity"), 1.0) == 0
    return {"stroke": found[0], "stroke_width": 0.0 if hidden else width, "stroke_dash": dash}


def _label(rule: Element, taken: Taken) -> Label | None:
    text = _child(rule, "TextSymbolizer")
    if text is None:
        return None
    holder = _child(text, "Label")
    field = _text(holder, "PropertyName") if holder is not None else ""
    if not field:
        taken.left_out.append(_("etichette che non sono il valore di una colonna"))
        return None
    font = _parameters(_child(text, "Font"))
    colour = colour_of(_parameters(_child(text, "Fill")).get("fill", "")) or ("#17324d", 1.0)
    halo_of = _child(text, "Halo")
    halo = colour_of(_parameters(_child(halo_of, "Fill") if halo_of is not None else None).get("fill", ""))
    size = pixels(number_of(font.get("font-size"), 12.0))
    top = number_of(_text(rule, "MaxScaleDenominator"), 0.0)
    low = min(max(round(math.log2(scale_at(0) / top)) - 1, 0), 22) if top > 0 else 0
    return Label(field=field, size=size, colour=colour[0], halo=(halo or ("#ffffff", 1.0))[0], min_zoom=low)


def _zooms(rules: list[Element]) -> dict[str, int]:
    """The zooms at which any rule draws."""
    lows, highs = [], []
    for rule in rules:
        top = number_of(_text(rule, "MaxScaleDenominator"), 0.0)
        bottom = number_of(_text(rule, "MinScaleDenominator"), 0.0)
        lows.append(round(math.log2(scale_at(0) / top)) if top > 0 else 0)
        highs.append(round(math.log2(scale_at(0) / bottom)) - 1 if bottom > 0 else 22)
    low, high = min(max(min(lows), 0), 22), min(max(max(highs), 0), 22)
    return {"min_zoom": min(low, high), "max_zoom": high}


def _opacity(text: str | None, default: float) -> float:
    return min(max(number_of(text, default), 0.0), 1.0)


def _parameters(element: Element | None) -> dict[str, str]:
    """CssParameter and SvgParameter by name, as plain text."""
    if element is None:
        return {}
    return {
        one.get("name", ""): "".join(one.itertext()).strip()
        for one in element
        if _name(one) in {"CssParameter", "SvgParameter"}
    }


def _child(element: Element, name: str) -> Element | None:
    return next((one for one in element if _name(one) == name), None)


def _text(element: Element, name: str) -> str:
    found = next((one for one in element.iter() if _name(one) == name), None)
    return "".join(found.itertext()).strip() if found is not None else ""


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
