"""The thematic model compiled to Mapnik styles. Pure but for the files of marks.

A feature comes with `class`, the number of its class as the database finds it (-1: none), and `label`. No value of the
style ever stands in a Mapnik expression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree as Xml

from layers.drawing.engine import FONT, SRS
from layers.drawing.images import hatch_file, shape_file
from layers.drawing.scale import LINE_GROWTH, OUTLINE_GROWTH, POINT_GROWTH, RIM_GROWTH, factor
from layers.styles.geometry import Drawn, drawn_as
from layers.styles.model import Label, StyleSpec, Symbol
from layers.styles.reduced import classed

_GEOMETRY = {"point": "point", "line": "linestring", "polygon": "polygon"}
_HALO = 1.4

Painter = Callable[[Symbol], Xml.Element | None]


def compile_styles(style: StyleSpec, geometry_type: str, zoom: float) -> tuple[str, list[str]]:
    """A Mapnik map document that holds the styles of one layer at a zoom, and their names, bottom first."""
    style = classed(style)
    root = Xml.Element("Map", srs=SRS)
    kinds = drawn_as(geometry_type)
    for kind in kinds:
        only = f"[mapnik::geometry_type] = {_GEOMETRY[kind]}" if len(kinds) > 1 else ""
        for name, painter in _passes(style, kind, zoom):
            _style(root, f"{kind}-{name}", style, painter, only)
    if style.label is not None and kinds and zoom >= style.label.min_zoom:
        _labels(root, style, style.label, kinds)
    return Xml.tostring(root, encoding="unicode"), [one.get("name", "") for one in root]


def _passes(style: StyleSpec, kind: Drawn, zoom: float) -> Iterator[tuple[str, Painter]]:
    """Fills before strokes: else the fill of a neighbour would cover half of an outline."""
    if kind == "polygon":
        yield "fill", lambda symbol: _fill(symbol, style.opacity)
        yield "hatch", lambda symbol: _hatch(symbol, style.opacity)
        yield "stroke", lambda symbol: _line(symbol, style.opacity, factor(OUTLINE_GROWTH, zoom), "butt")
    elif kind == "line":
        yield "stroke", lambda symbol: _line(symbol, style.opacity, factor(LINE_GROWTH, zoom), "round")
    else:
        yield "mark", lambda symbol: _mark(symbol, style.opacity, zoom)


def _style(root: Xml.Element, name: str, style: StyleSpec, painter: Painter, only: str) -> None:
    symbols = [(-1, style.symbol)]
    if style.kind != "single":
        symbols += [(index, entry.symbol) for index, entry in enumerate(style.classes)]
    painted = [(number, element) for number, symbol in symbols if (element := painter(symbol)) is not None]
    if not painted:
        return
    made = Xml.SubElement(root, "Style", name=name)
    made.set("filter-mode", "first")
    for number, element in painted:
        rule = Xml.SubElement(made, "Rule")
        tests = [test for test in (f"[class] = {number}" if len(symbols) > 1 else "", only) if test]
        if tests:
            Xml.SubElement(rule, "Filter").text = " and ".join(f"({test})" for test in tests)
        rule.append(element)


def _element(name: str, **attributes: str | float) -> Xml.Element:
    texts = {key.replace("_", "-"): value if isinstance(value, str) else f"{value:.4g}"
             for key, value in attributes.items()}  # fmt: skip
    return Xml.Element(name, texts)


def _fill(symbol: Symbol, opacity: float) -> Xml.Element | None:
    if symbol.hatch or symbol.fill_opacity == 0:
        return None
    return _element("PolygonSymbolizer", fill=symbol.fill, fill_opacity=symbol.fill_opacity * opacity)


def _hatch(symbol: Symbol, opacity: float) -> Xml.Element | None:
    if not symbol.hatch:
        return None
    return _element("PolygonPatternSymbolizer", file=str(hatch_file(symbol)), opacity=opacity, alignment="global")


def _line(symbol: Symbol, opacity: float, grown: float, cap: str) -> Xml.Element | None:
    width = symbol.stroke_width * grown
    if width <= 0:
        return None
    made = _element("LineSymbolizer", stroke=symbol.stroke, stroke_width=width, stroke_opacity=opacity)
    made.set("stroke-linejoin", "round")
    made.set("stroke-linecap", "butt" if symbol.stroke_dash else cap)
    if symbol.stroke_dash:
        # An odd number of lengths means the list twice, which Mapnik does not know.
        dash = symbol.stroke_dash if len(symbol.stroke_dash) % 2 == 0 else symbol.stroke_dash * 2
        made.set("stroke-dasharray", ",".join(f"{max(part * grown, 0.1):.4g}" for part in dash))
    return made


def _mark(symbol: Symbol, opacity: float, zoom: float) -> Xml.Element:
    grown = factor(POINT_GROWTH, zoom)
    if symbol.shape == "circle":
        rim = symbol.stroke_width * factor(RIM_GROWTH, zoom)
        # The browser draws the rim outside the disc, Mapnik astride its edge.
        side = max(symbol.size * grown + rim, 1.0)
        made = _element("MarkersSymbolizer", width=side, height=side, fill=symbol.fill,
                        fill_opacity=symbol.fill_opacity * opacity, stroke=symbol.stroke, stroke_width=rim,
                        stroke_opacity=opacity if rim else 0.0)  # fmt: skip
    else:
        made = _element("MarkersSymbolizer", file=str(shape_file(symbol, grown)), opacity=opacity)
    made.set("allow-overlap", "true")
    made.set("ignore-placement", "true")
    return made


def _labels(root: Xml.Element, style: StyleSpec, label: Label, kinds: tuple[Drawn, ...]) -> None:
    made = Xml.SubElement(root, "Style", name="label")
    rule = Xml.SubElement(made, "Rule")
    Xml.SubElement(rule, "Filter").text = "[label] != null"
    text = _element("TextSymbolizer", face_name=FONT, size=label.size, fill=label.colour, halo_fill=label.halo,
                    halo_radius=_HALO, opacity=style.opacity, halo_opacity=style.opacity)  # fmt: skip
    if kinds == ("line",):
        text.set("placement", "line")
        text.set("spacing", "320")
        text.set("max-char-angle-delta", "35")
    else:
        text.set("wrap-width", f"{label.size * 8:g}")
        text.set("placement", "point" if "point" in kinds else "interior")
        if "point" in kinds:
            away = label.size * 0.6 + style.symbol.size / 2
            text.set("placement-type", "simple")
            text.set("placements", "N,S,E,W")
            text.set("dx", f"{away:g}")
            text.set("dy", f"{away:g}")
    text.text = "[label]"
    rule.append(text)
