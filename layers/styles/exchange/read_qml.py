"""The basics of a QGIS style file: single, categorised and graduated symbols, labels, opacity, scales, heat maps."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from defusedxml import ElementTree as SafeXml
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _

from layers.styles.exchange.qgis_filters import read_filter
from layers.styles.exchange.qml import BRUSHES, FARTHEST, SHAPES
from layers.styles.exchange.rules import Asked, Rule, assembled, both, hidden, zoom_at, zooms_of
from layers.styles.exchange.taken import StyleNotRead, Taken, number_of, pixels
from layers.styles.model import Class, Cluster, Heat, Label, StyleSpec, Symbol
from layers.styles.palette import PALETTES, nearest_ramp

PX_PER_MM = 96 / 25.4
_KINDS = {"singleSymbol": "single", "categorizedSymbol": "categorised", "graduatedSymbol": "graduated"}
_LINES: dict[str, tuple[float, ...]] = {
    "dash": (4, 2),
    "dot": (1, 2),
    "dash dot": (4, 2, 1, 2),
    "dash dot dot": (4, 2, 1, 2, 1, 2),
}
_SHAPES = {name: shape for shape, name in SHAPES.items()} | {"cross": "cross", "rectangle": "square",
           "equilateral_triangle": "triangle"}  # fmt: skip
_COLUMN = re.compile(r'"([^"]+)"|([^\W\d][\w ]*)')
_UNIT_NUMBERS = {"0": "MM", "2": "Pixel", "4": "Point", "5": "Inch"}
"""Units that QGIS writes as numbers (QgsUnitTypes::RenderUnit)."""
_VARIED = frozenset({"size", "fillColor", "outlineColor", "strokeColor", "outlineWidth", "strokeWidth", "width"})
_BY_ANGLE = {0: "horizontal", 45: "b_diagonal", 90: "vertical", 135: "f_diagonal"}
_HATCHES = {brush: hatch for hatch, brush in BRUSHES.items()} | {"cross": "cross"}


def read_qml(content: bytes) -> Taken:
    """A QML file as a style. Raises StyleNotRead."""
    try:
        # QGIS writes a DOCTYPE that names no file; entities and outside references are refused.
        root = SafeXml.fromstring(content)
    except (DefusedXmlException, SafeXml.ParseError, ValueError) as error:
        raise StyleNotRead(_("Non è un file QML: %(error)s") % {"error": str(error)[:200]}) from error
    renderer = root.find("renderer-v2")
    if root.tag != "qgis" or renderer is None:
        raise StyleNotRead(_("Nel file non c'è la simbologia di un livello vettoriale di QGIS (renderer-v2)."))
    taken = Taken(StyleSpec())
    values = _renderer(renderer, taken)
    values["opacity"] = min(max(number_of(root.findtext("layerOpacity"), 1.0), 0.0), 1.0)
    values["label"] = _label(root, taken)
    if root.get("hasScaleBasedVisibilityFlag") == "1":
        values |= zooms_of([(number_of(root.get("maxScale"), 0.0), number_of(root.get("minScale"), 0.0))], taken)
    taken.spec = msgspec.structs.replace(taken.spec, **values)
    return taken


def _renderer(renderer: Element, taken: Taken) -> dict[str, Any]:
    kind = renderer.get("type", "")
    symbols = {one.get("name", ""): _symbol(one, taken) for one in renderer.findall("symbols/symbol")}
    first = next(iter(symbols.values()), Symbol())
    if kind == "heatmapRenderer":
        return _heatmap(renderer, taken)
    if kind == "RuleRenderer":
        return _by_rules(renderer, symbols, taken)
    if kind == "pointCluster":
        inner = renderer.find("renderer-v2")
        found = _renderer(inner, taken) if inner is not None else {"symbol": first}
        radius = _length(renderer.get("tolerance"), renderer.get("toleranceUnit"), 50.0)
        return {
            **found,
            "kind": "cluster",
            "cluster": Cluster(radius=round(min(max(radius, 10), 128), 2)),
            "classes": (),
        }
    if kind not in _KINDS:
        raise StyleNotRead(
            _(
                "Simbologia «%(kind)s»: si leggono simbolo singolo, categorizzato, graduato, basato su regole,"
                " concentrazione e gruppi."
            )
            % {"kind": kind[:60]}
        )
    if kind == "singleSymbol":
        return {"kind": "single", "symbol": first}
    field = _column(renderer.get("attr", ""))
    if not field:
        raise StyleNotRead(
            _("La classificazione usa un'espressione («%(text)s») e non una colonna.")
            % {"text": renderer.get("attr", "")[:80]}
        )
    rows = renderer.findall("categories/category" if kind == "categorizedSymbol" else "ranges/range")
    reader = _categories if kind == "categorizedSymbol" else _ranges
    classes, other, other_text = reader(rows, symbols)
    if not classes:
        raise StyleNotRead(_("La simbologia non ha classi."))
    return {"kind": _KINDS[kind], "field": field, "classes": tuple(classes), "symbol": other or hidden(first),
            "other_it": other_text, "other_en": other_text}  # fmt: skip


def _column(text: str) -> str:
    """The column that an expression is, quoted or not; "" for any other expression."""
    match = _COLUMN.fullmatch(text.strip())
    return (match[1] or match[2]) if match else ""


def _heatmap(renderer: Element, taken: Taken) -> dict[str, Any]:
    radius = _length(renderer.get("radius"), _UNIT_NUMBERS.get(renderer.get("radius_unit") or "0"), 24.0)
    text = renderer.get("weight_expression") or ""
    weight = _column(text)
    if text and not weight:
        taken.leave(_("il peso dei punti, che è un'espressione («%(text)s»)") % {"text": text[:60]})
    values = _options(ramp) if (ramp := renderer.find("colorramp")) is not None else {}
    last = _colour(values.get("color2", ""), "#662506")[0]
    name, is_exact = nearest_ramp(last)
    if not is_exact:
        taken.leave(_("i colori della densità: la scala più vicina è «%(name)s»") % {"name": PALETTES[name].title})
    return {"kind": "heatmap", "heat": Heat(radius=min(max(round(radius, 2), 2), 128), ramp=name), "field": weight}


def _by_rules(renderer: Element, symbols: dict[str, Symbol], taken: Taken) -> dict[str, Any]:
    rules: list[Rule] = []
    scales: list[tuple[float, float]] = []
    for rule, test, scale in _rules(renderer.findall("rules/rule"), (), (0.0, 0.0), taken):
        rules.append(Rule(symbols[rule.get("symbol", "")], _title(rule), test, rule.get("filter") == "ELSE"))
        scales.append(scale)
    if not rules:
        raise StyleNotRead(_("Nessuna delle regole ha un filtro semplice (un valore o un intervallo di una colonna)."))
    zooms = zooms_of(scales, taken) if any(any(scale) for scale in scales) else {}
    return {**assembled(rules, taken), **zooms}


_Found = tuple[Element, Asked | None, tuple[float, float]]


def _rules(
    elements: Sequence[Element], above: tuple[Asked, ...], scale: tuple[float, float], taken: Taken
) -> list[_Found]:
    """The rules with a symbol: each with its own test and those of the rules it stands in, and its scales."""
    found: list[_Found] = []
    for rule in elements:
        if rule.get("checkstate") == "0":
            taken.leave(_("una regola spenta («%(title)s»)") % {"title": _title(rule)[:60]})
            continue
        text = rule.get("filter", "")
        own = read_filter(text) if text not in {"", "ELSE"} else None
        tests = (*above, own) if own is not None else above
        test = both(tests) if tests else None
        if (text not in {"", "ELSE"} and own is None) or (tests and test is None) or (text == "ELSE" and above):
            taken.leave(_("un filtro che non è un valore o un intervallo («%(title)s»)") % {"title": text[:60]})
            continue
        seen = (number_of(rule.get("scalemindenom"), scale[0]), number_of(rule.get("scalemaxdenom"), scale[1]))
        if rule.get("symbol") is not None:
            found.append((rule, test, seen))
        found += _rules(rule.findall("rule"), tests, seen, taken)
    return found


def _title(rule: Element) -> str:
    return (rule.get("label") or rule.get("filter") or "")[:200]


def _categories(rows: Sequence[Element], symbols: dict[str, Symbol]) -> tuple[list[Class], Symbol | None, str]:
    classes, other, other_text = [], None, ""
    for row in rows:
        symbol = symbols.get(row.get("symbol", ""))
        if symbol is None or row.get("render") == "false":
            continue
        value, label = row.get("value", ""), row.get("label", "")[:200]
        listed = [one.get("value", "") for one in row.findall("val")]
        if value == "" and row.get("type") != "NULL" and not listed:
            other, other_text = symbol, label
        for one in listed or ([value] if value else []):
            text = f"{label}: {one}"[:200] if len(listed) > 1 and label else label
            classes.append(Class(symbol, label_it=text, label_en=text, value=one))
        if row.get("type") == "NULL":
            classes.append(Class(symbol, label_it=label, label_en=label))
    return classes, other, other_text


def _ranges(rows: Sequence[Element], symbols: dict[str, Symbol]) -> tuple[list[Class], Symbol | None, str]:
    classes = []
    for row in sorted(rows, key=lambda one: number_of(one.get("lower"), 0.0)):
        symbol = symbols.get(row.get("symbol", ""))
        if symbol is None or row.get("render") == "false":
            continue
        low, high = number_of(row.get("lower"), math.nan), number_of(row.get("upper"), math.nan)
        if math.isnan(low) or math.isnan(high):
            raise StyleNotRead(_("Una classe ha limiti che non sono numeri."))
        label = row.get("label", "")[:200]
        classes.append(
            Class(
                symbol, label_it=label, label_en=label,
                minimum=None if low <= -FARTHEST else low, maximum=None if high >= FARTHEST else high,
            )
        )  # fmt: skip
    return classes, None, ""


def _symbol(element: Element, taken: Taken) -> Symbol:
    layers = [one for one in element.findall("layer") if one.get("enabled", "1") != "0"]
    if len(layers) > 1:
        taken.leave(_("simboli a più strati: resta il primo che si sa leggere"))
    alpha = number_of(element.get("alpha"), 1.0)
    if any(one.get("name") in _VARIED for one in element.iterfind("layer/data_defined_properties//Option")):
        taken.leave(_("grandezze e colori scritti come espressione"))
    for layer in layers:
        values = _options(layer)
        reader = {"SimpleMarker": _marker, "SimpleLine": _line, "SimpleFill": _fill}.get(layer.get("class", ""))
        if reader is not None:
            return _hatched(reader(values, alpha), layers)
    for layer in layers:
        if layer.get("class") == "LinePatternFill":
            line = layer.find("symbol/layer")
            colour, opacity = _colour((_options(line) if line is not None else {}).get("line_color", ""), "#003366")
            plain = Symbol(fill=colour, fill_opacity=round(opacity * alpha, 3), stroke=colour, stroke_width=0.0)
            return _hatched(plain, layers)
    names = ", ".join(sorted({one.get("class", "?") for one in layers}))
    taken.leave(_("simboli di tipo %(names)s: sostituiti dal simbolo di partenza") % {"names": names})
    return Symbol()


def _hatched(symbol: Symbol, layers: Sequence[Element]) -> Symbol:
    """With the hatch that a pattern of lines in the symbol is nearest to: its angle counts from the horizontal."""
    pattern = next((one for one in layers if one.get("class") == "LinePatternFill"), None)
    if pattern is None or symbol.hatch:
        return symbol
    angle = round(number_of(_options(pattern).get("angle"), 45.0) / 45) * 45 % 180
    hatch: Any = _HATCHES[_BY_ANGLE[angle]]
    if symbol.fill_opacity > 0:
        return msgspec.structs.replace(symbol, hatch=hatch)
    line = pattern.find("symbol/layer")
    colour, opacity = _colour((_options(line) if line is not None else {}).get("line_color", ""), symbol.stroke)
    return msgspec.structs.replace(symbol, hatch=hatch, fill=colour, fill_opacity=round(opacity, 3))


def _options(layer: Element) -> dict[str, str]:
    """Properties as QGIS writes them now (Option) and before 3.22 (prop)."""
    found = {one.get("k", ""): one.get("v", "") for one in layer.findall("prop")}
    return found | {one.get("name", ""): one.get("value", "") for one in layer.findall("Option/Option")}


def _marker(values: dict[str, str], alpha: float) -> Symbol:
    fill, opacity = _colour(values.get("color", ""), "#0066cc")
    return Symbol(
        fill=fill, fill_opacity=round(opacity * alpha, 3), **_outline(values),
        size=pixels(_length(values.get("size"), values.get("size_unit"), 6.0)),
        shape=_SHAPES.get(values.get("name", ""), "circle"),  # type: ignore[arg-type]
    )  # fmt: skip


def _line(values: dict[str, str], alpha: float) -> Symbol:
    colour, _opacity = _colour(values.get("line_color", ""), "#003366")
    width = _width(values.get("line_width"), values.get("line_width_unit"))
    style = values.get("line_style", "solid")
    dash = tuple(pixels(part * max(width, 1.0)) for part in _LINES.get(style, ()))
    if values.get("use_custom_dash") == "1":
        unit = values.get("customdash_unit")
        dash = tuple(pixels(_length(part, unit, 0.0)) for part in values.get("customdash", "").split(";") if part)
    width = 0.0 if style == "no" else width
    return Symbol(fill=colour, stroke=colour, stroke_width=width, stroke_dash=dash)


def _fill(values: dict[str, str], alpha: float) -> Symbol:
    fill, opacity = _colour(values.get("color", ""), "#0066cc")
    brush = values.get("style", "solid")
    shown = 0.0 if brush == "no" else round(opacity * alpha, 3)
    hatch: Any = _HATCHES.get(brush, "")
    return Symbol(fill=fill, fill_opacity=shown, hatch=hatch, **_outline(values))


def _outline(values: dict[str, str]) -> dict[str, Any]:
    colour, _opacity = _colour(values.get("outline_color", ""), "#003366")
    width = _width(values.get("outline_width"), values.get("outline_width_unit"))
    style = values.get("outline_style", "solid")
    dash = tuple(pixels(part * max(width, 1.0)) for part in _LINES.get(style, ()))
    return {"stroke": colour, "stroke_width": 0.0 if style == "no" else width, "stroke_dash": dash}


def _width(text: str | None, unit: str | None) -> float:
    """QGIS draws a width of 0 as a hair, one pixel wide; "no" is a style of lines, not a width."""
    return pixels(_length(text, unit, 1.0)) or 1.0


def _label(root: Element, taken: Taken) -> Label | None:
    if root.get("labelsEnabled") == "0":
        return None
    labeling = root.find("labeling")
    if root.get("labelsEnabled") == "1" and labeling is not None and labeling.get("type") == "rule-based":
        taken.leave(_("etichette basate su regole"))
    text = root.find("labeling/settings/text-style")
    if text is None:
        return None
    field = _column(text.get("fieldName", ""))
    if not field:
        taken.leave(_("etichette con un'espressione"))
        return None
    buffer = text.find("text-buffer")
    halo = _colour(buffer.get("bufferColor", "") if buffer is not None else "", "#ffffff")[0]
    size = pixels(_length(text.get("fontSize"), text.get("fontSizeUnit", "Point"), 12.0))
    rendering = root.find("labeling/settings/rendering")
    farthest = number_of(rendering.get("scaleMax"), 0.0) if rendering is not None else 0.0
    is_limited = rendering is not None and rendering.get("scaleVisibility") == "1" and farthest > 0
    return Label(
        field=field, size=size, colour=_colour(text.get("textColor", ""), "#17324d")[0], halo=halo,
        min_zoom=max(zoom_at(farthest) - 1, 0) if is_limited else 0,
    )  # fmt: skip


def _length(text: str | None, unit: str | None, default: float) -> float:
    factor = {"Pixel": 1.0, "Point": 96 / 72, "Inch": 96.0}.get(unit or "MM", PX_PER_MM)
    return number_of(text, default / factor) * factor


def _colour(text: str, default: str) -> tuple[str, float]:
    """QGIS writes r,g,b,a and, since 3.30, further forms of the same after it."""
    parts = text.split(",")[:4]
    if len(parts) < 3 or not all(part.strip().isdecimal() for part in parts):
        return default, 1.0
    red, green, blue = (min(int(part), 255) for part in parts[:3])
    return f"#{red:02x}{green:02x}{blue:02x}", min(int(parts[3]), 255) / 255 if len(parts) > 3 else 1.0
