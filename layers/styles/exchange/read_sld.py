"""The basics of an SLD 1.0 or 1.1 (Symbology Encoding): one symbol, classes by value or range, a label, scales."""

from __future__ import annotations

import math
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from defusedxml import ElementTree as SafeXml
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _

from layers.styles.exchange.rules import Asked, Rule, assembled, both, either, zoom_at, zooms_of
from layers.styles.exchange.taken import StyleNotRead, Taken, colour_of, number_of, pixels
from layers.styles.model import Label, StyleSpec, Symbol

_SHAPES = {"": "square", "circle": "circle", "square": "square", "triangle": "triangle", "cross": "cross", "x": "cross",
           "cross_fill": "cross", "diamond": "diamond", "equilateral_triangle": "triangle"}  # fmt: skip
_TURNED = {0: "horizontal", 45: "diagonal", 90: "vertical", 135: "backdiagonal"}
"""Lines by their angle from the horizontal, counted as QGIS and GeoServer do."""
_HATCHES = {"slash": "diagonal", "backslash": "backdiagonal", "x": "cross", "times": "cross", "plus": "cross",
            "horline": "horizontal", "vertline": "vertical"}  # fmt: skip
_UPPER = {"PropertyIsLessThan", "PropertyIsLessThanOrEqualTo"}
_LOWER = {"PropertyIsGreaterThan", "PropertyIsGreaterThanOrEqualTo"}
_SYMBOLIZERS = {"PointSymbolizer", "LineSymbolizer", "PolygonSymbolizer"}


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
    values = assembled(rules, taken)
    scales = [_scales(one) for one, rule in found if rule is not None]
    taken.spec = msgspec.structs.replace(taken.spec, label=label, **values, **zooms_of(scales, taken))
    return taken


def _rule(rule: Element, taken: Taken) -> Rule | None:
    symbolizers = [one for one in rule if _name(one) in _SYMBOLIZERS]
    if not symbolizers:
        return None
    title = _text(rule, "Title") or _text(rule, "Name")
    held = _child(rule, "Filter")
    test = None
    if held is not None and len(held):
        test = _test(held[0])
        if test is None:
            taken.leave(_("un filtro che non è un valore o un intervallo («%(title)s»)") % {"title": title[:60]})
            return None
    return Rule(_symbols(symbolizers, taken), title[:200], test, _child(rule, "ElseFilter") is not None)


def _symbols(symbolizers: list[Element], taken: Taken) -> Symbol:
    """One symbol of those drawn over each other: the first, with the hatch that another one is."""
    symbol = _symbol(symbolizers[0], taken)
    for other in symbolizers[1:]:
        added = _symbol(other, taken) if _name(other) == "PolygonSymbolizer" else None
        if added is not None and added.hatch and not symbol.hatch:
            if symbol.fill_opacity > 0:
                taken.leave(_("il fondo pieno sotto un tratteggio"))
            symbol = msgspec.structs.replace(
                symbol, hatch=added.hatch, fill=added.fill, fill_opacity=added.fill_opacity
            )
        else:
            taken.leave(_("simboli a più strati: resta il primo che si sa leggere"))
    return symbol


def _test(element: Element) -> Asked | None:
    name = _name(element)
    if name in {"And", "Or"}:
        parts = [_test(child) for child in element]
        return both(parts) if name == "And" else either(parts)
    field = _text(element, "PropertyName")
    if not field:
        return None
    if name == "PropertyIsNull":
        return Asked(field, values=(None,))
    if name == "PropertyIsEqualTo":
        return Asked(field, values=(_text(element, "Literal") or None,))
    if name == "PropertyIsBetween":
        low, high = (number_of(_text(element, f"{side}Boundary"), math.nan) for side in ("Lower", "Upper"))
        return None if math.isnan(low) or math.isnan(high) else Asked(field, minimum=low, maximum=high)
    limit = number_of(_text(element, "Literal"), math.nan)
    if math.isnan(limit):
        return None
    # A number may stand on the left too: then the field is on the other side of it.
    is_turned = _name(element[0]) == "Literal"
    if name in (_LOWER if is_turned else _UPPER):
        return Asked(field, maximum=limit)
    return Asked(field, minimum=limit) if name in _UPPER | _LOWER else None


def _symbol(element: Element, taken: Taken) -> Symbol:
    kind = _name(element)
    holder: Element | None = element
    values: dict[str, Any] = {}
    if kind == "PointSymbolizer":
        holder = next((one for one in element.iter() if _name(one) == "Mark"), None)
        if holder is None:
            taken.leave(_("segni disegnati da un'immagine"))
            return Symbol()
        shape = _text(holder, "WellKnownName")
        if shape not in _SHAPES:
            taken.leave(_("la forma «%(name)s»: diventa un cerchio") % {"name": shape[:40]})
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
        angle = number_of(_text(fill, "Rotation"), 0.0)
        if hatch in {"horizontal", "vertical"}:
            hatch = _TURNED[round((angle + (90 if hatch == "vertical" else 0)) / 45) * 45 % 180]
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
        taken.leave(_("etichette che non sono il valore di una colonna"))
        return None
    font = _parameters(_child(text, "Font"))
    colour = colour_of(_parameters(_child(text, "Fill")).get("fill", "")) or ("#17324d", 1.0)
    halo_of = _child(text, "Halo")
    halo = colour_of(_parameters(_child(halo_of, "Fill") if halo_of is not None else None).get("fill", ""))
    size = pixels(number_of(font.get("font-size"), 12.0))
    top = number_of(_text(rule, "MaxScaleDenominator"), 0.0)
    low = max(zoom_at(top) - 1, 0) if top > 0 else 0
    return Label(field=field, size=size, colour=colour[0], halo=(halo or ("#ffffff", 1.0))[0], min_zoom=low)


def _scales(rule: Element) -> tuple[float, float]:
    return tuple(number_of(_text(rule, f"{end}ScaleDenominator"), 0.0) for end in ("Min", "Max"))  # type: ignore[return-value]


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
