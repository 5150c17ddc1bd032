"""The basics of a QGIS style file: single, categorised and graduated symbols, labels, opacity, scales, heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

import msgspec
from defusedxml import ElementTree as SafeXml
from defusedxml.common import DefusedXmlException
from django.utils.translation import gettext as _

from layers.styles.exchange.qml import BRUSHES, FARTHEST, SHAPES
from layers.styles.exchange.taken import StyleNotRead, Taken, number_of, pixels
from layers.styles.model import Class, Cluster, Heat, Label, StyleSpec, Symbol
from layers.styles.sld import scale_at

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
        values |= _zooms(root)
    taken.spec = msgspec.structs.replace(taken.spec, **values)
    return taken


def _renderer(renderer: Element, taken: Taken) -> dict[str, Any]:
    kind = renderer.get("type", "")
    symbols = {one.get("name", ""): _symbol(one, taken) for one in renderer.findall("symbols/symbol")}
    first = next(iter(symbols.values()), Symbol())
    if kind == "heatmapRenderer":
        heat = Heat(radius=min(max(number_of(renderer.get("radius"), 24), 2), 128))
        return {"kind": "heatmap", "heat": heat, "field": (renderer.get("weight_expression") or "").strip('"')}
    if kind == "pointCluster":
        inner = renderer.find("renderer-v2")
        found = _renderer(inner, taken) if inner is not None else {"symbol": first}
        radius = _length(renderer.get("tolerance"), renderer.get("toleranceUnit"), 50.0)
        return {**found, "kind": "cluster", "cluster": Cluster(radius=min(max(radius, 10), 128)), "classes": ()}
    if kind not in _KINDS:
        raise StyleNotRead(
            _("Simbologia «%(kind)s»: si leggono simbolo singolo, categorizzato, graduato, concentrazione e gruppi.")
            % {"kind": kind[:60]}
        )
    if kind == "singleSymbol":
        return {"kind": "single", "symbol": first}
    field = renderer.get("attr", "").strip('"')
    if not field or not field.replace("_", "").isalnum():
        raise StyleNotRead(
            _("La classificazione usa un'espressione («%(text)s») e non una colonna.") % {"text": field[:80]}
        )
    rows = renderer.findall("categories/category" if kind == "categorizedSymbol" else "ranges/range")
    reader = _categories if kind == "categorizedSymbol" else _ranges
    classes, other = reader(rows, symbols)
    if not classes:
        raise StyleNotRead(_("La simbologia non ha classi."))
    hidden = msgspec.structs.replace(first, fill_opacity=0.0, stroke_width=0.0, hatch="", size=0.0)
    return {"kind": _KINDS[kind], "field": field, "classes": tuple(classes), "symbol": other or hidden}


def _categories(rows: Sequence[Element], symbols: dict[str, Symbol]) -> tuple[list[Class], Symbol | None]:
    classes, other = [], None
    for row in rows:
        symbol = symbols.get(row.get("symbol", ""))
        if symbol is None or row.get("render") == "false":
            continue
        value, label = row.get("value", ""), row.get("label", "")[:200]
        if value == "" and row.get("type") != "NULL":
            other = symbol
        else:
            classes.append(
                Class(symbol, label_it=label, label_en=label, value=None if row.get("type") == "NULL" else value)
            )
    return classes, other


def _ranges(rows: Sequence[Element], symbols: dict[str, Symbol]) -> tuple[list[Class], Symbol | None]:
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
    return classes, None


def _symbol(element: Element, taken: Taken) -> Symbol:
    layers = [one for one in element.findall("layer") if one.get("enabled", "1") != "0"]
    if len(layers) > 1:
        _leave(taken, _("simboli a più strati: resta il primo che si sa leggere"))
    alpha = number_of(element.get("alpha"), 1.0)
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
    _leave(taken, _("simboli di tipo %(names)s: sostituiti dal simbolo di partenza") % {"names": names})
    return Symbol()


def _hatched(symbol: Symbol, layers: Sequence[Element]) -> Symbol:
    """With the hatch that a pattern of lines in the symbol is nearest to: its angle counts from the horizontal."""
    pattern = next((one for one in layers if one.get("class") == "LinePatternFill"), None)
    if pattern is None or symbol.hatch:
        return symbol
    angle = round(number_of(_options(pattern).get("angle"), 45.0) / 45) * 45 % 180
    hatch: Any = _HATCHES[_BY_ANGLE[angle]]
    return msgspec.structs.replace(symbol, hatch=hatch)


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
    width = pixels(_length(values.get("line_width"), values.get("line_width_unit"), 1.0))
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
    width = pixels(_length(values.get("outline_width"), values.get("outline_width_unit"), 1.0))
    style = values.get("outline_style", "solid")
    dash = tuple(pixels(part * max(width, 1.0)) for part in _LINES.get(style, ()))
    return {"stroke": colour, "stroke_width": 0.0 if style == "no" else width, "stroke_dash": dash}


def _label(root: Element, taken: Taken) -> Label | None:
    if root.get("labelsEnabled") == "0":
        return None
    text = root.find("labeling/settings/text-style")
    if text is None:
        return None
    field = text.get("fieldName", "").strip('"')
    if text.get("isExpression") == "1" and not field.replace("_", "").isalnum():
        _leave(taken, _("etichette con un'espressione"))
        return None
    buffer = text.find("text-buffer")
    halo = _colour(buffer.get("bufferColor", "") if buffer is not None else "", "#ffffff")[0]
    size = pixels(_length(text.get("fontSize"), text.get("fontSizeUnit", "Point"), 12.0))
    return Label(field=field, size=size, colour=_colour(text.get("textColor", ""), "#17324d")[0], halo=halo)


def _zooms(root: Element) -> dict[str, int]:
    smallest, largest = number_of(root.get("minScale"), 0.0), number_of(root.get("maxScale"), 0.0)
    low = _zoom_at(smallest) if smallest > 0 else 0
    high = _zoom_at(largest) - 1 if largest > 0 else 22
    return {"min_zoom": min(low, 22), "max_zoom": min(max(high, low), 22)}


def _zoom_at(scale: float) -> int:
    return min(max(round(math.log2(scale_at(0) / scale)), 0), 22)


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


def _leave(taken: Taken, text: str) -> None:
    if text not in taken.left_out:
        taken.left_out.append(text)
