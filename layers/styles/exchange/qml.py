"""The thematic model written as a QGIS style file (QML, the form of QGIS 3.22 and later). Pure.

Built as a tree, so that no text of a style can become markup. Widths and sizes are pixels.
"""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from layers.catalogue import LayerEntry
from layers.styles.exchange.note import noted_xml
from layers.styles.expressions import as_text
from layers.styles.geometry import Drawn, drawn_as
from layers.styles.legend import class_texts
from layers.styles.model import Cluster, Heat, Label, StyleSpec, Symbol
from layers.styles.palette import colours
from layers.styles.reduced import classed
from layers.styles.sld import scale_at

DOCTYPE = b"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
MEDIA = "application/x-qgis-layer-settings"
BRUSHES = {
    "": "solid",
    "diagonal": "b_diagonal",
    "backdiagonal": "f_diagonal",
    "cross": "diagonal_x",
    "horizontal": "horizontal",
    "vertical": "vertical",
}
SHAPES = {"circle": "circle", "square": "square", "triangle": "triangle", "diamond": "diamond", "cross": "cross_fill"}
TYPES = {"polygon": "fill", "line": "line", "point": "marker"}
FARTHEST = 1e300


def qml_document(layer: LayerEntry, style: StyleSpec, language: str) -> bytes:
    """The whole file of one style of a table. A table of mixed geometries gets the symbols of its areas."""
    kinds = drawn_as(layer.geometry_type)
    root = Xml.Element("qgis", version="3.22.0", styleCategories="Symbology|Labeling|Rendering")
    _scales(root, max(layer.min_zoom, style.min_zoom), min(layer.max_zoom, style.max_zoom))
    if kinds:
        _renderer(root, style, kinds[0], language)
    if style.label is not None and style.kind not in {"heatmap", "cluster"}:
        root.set("labelsEnabled", "1")
        _labels(root, style.label, kinds)
    Xml.SubElement(root, "layerOpacity").text = f"{style.opacity:g}"
    Xml.indent(root)
    body: bytes = Xml.tostring(root, encoding="utf-8")
    return noted_xml(DOCTYPE + body + b"\n", style)


def _scales(root: Xml.Element, low: int, high: int) -> None:
    if low == 0 and high >= 22:
        return
    root.set("hasScaleBasedVisibilityFlag", "1")
    # QGIS calls the smallest scale, which has the largest number, minimum.
    root.set("minScale", f"{scale_at(low):.0f}" if low else "0")
    root.set("maxScale", f"{scale_at(high + 1):.0f}" if high < 22 else "0")


def _renderer(root: Xml.Element, style: StyleSpec, kind: Drawn, language: str) -> None:
    if kind == "point" and style.kind == "heatmap":
        _heatmap(root, style)
    elif kind == "point" and style.kind == "cluster":
        _cluster(root, style)
    else:
        _classes(root, classed(style), kind, language)


def _classes(root: Xml.Element, style: StyleSpec, kind: Drawn, language: str) -> None:
    names = {"single": "singleSymbol", "categorised": "categorizedSymbol", "graduated": "graduatedSymbol"}
    made = Xml.SubElement(root, "renderer-v2", type=names[style.kind], symbollevels="0", enableorderby="0")
    symbols = [entry.symbol for entry in style.classes] if style.kind != "single" else []
    text = 1 if language == "en" else 0
    if style.kind == "categorised":
        made.set("attr", style.field)
        listed = Xml.SubElement(made, "categories")
        for index, entry in enumerate(style.classes):
            _category(listed, as_text(entry.value), index, class_texts(style, index)[text], _type_of(entry.value))
        # QGIS takes the empty value for whatever is in no other category.
        _category(listed, "", len(symbols), class_texts(style, -1)[text], "string")
        symbols.append(style.symbol)
    elif style.kind == "graduated":
        made.set("attr", style.field)
        made.set("graduatedMethod", "GraduatedColor")
        listed = Xml.SubElement(made, "ranges")
        for index, entry in enumerate(style.classes):
            low = -FARTHEST if entry.minimum is None else entry.minimum
            high = FARTHEST if entry.maximum is None else entry.maximum
            Xml.SubElement(listed, "range", lower=repr(float(low)), upper=repr(float(high)), symbol=str(index),
                           label=class_texts(style, index)[text], render="true")  # fmt: skip
    else:
        symbols.append(style.symbol)
    held = Xml.SubElement(made, "symbols")
    for index, symbol in enumerate(symbols):
        _symbol(held, symbol, kind, str(index))


def _category(listed: Xml.Element, value: str, symbol: int, label: str, kind: str) -> None:
    Xml.SubElement(listed, "category", value=value, symbol=str(symbol), label=label, render="true", type=kind)


def _type_of(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "bool"
    return "long" if isinstance(value, int) else "double" if isinstance(value, float) else "string"


def _symbol(parent: Xml.Element, symbol: Symbol, kind: Drawn, name: str) -> None:
    made = Xml.SubElement(parent, "symbol", type=TYPES[kind], name=name, alpha="1", clip_to_extent="1")
    stroke = {
        "outline_color" if kind != "line" else "line_color": _rgba(symbol.stroke, 1.0),
        "outline_width" if kind != "line" else "line_width": f"{symbol.stroke_width:g}",
        "outline_width_unit" if kind != "line" else "line_width_unit": "Pixel",
        "outline_style" if kind != "line" else "line_style": "solid" if symbol.stroke_width else "no",
    }
    dash = ";".join(f"{part:g}" for part in symbol.stroke_dash)
    if dash and kind == "line":
        stroke |= {"use_custom_dash": "1", "customdash": dash, "customdash_unit": "Pixel"}
    elif dash:
        stroke["outline_style"] = "dash"
    if kind == "point":
        values = {"name": SHAPES[symbol.shape], "size": f"{symbol.size:g}", "size_unit": "Pixel",
                  "color": _rgba(symbol.fill, symbol.fill_opacity), **stroke}  # fmt: skip
        _layer(made, "SimpleMarker", values)
    elif kind == "line":
        _layer(made, "SimpleLine", {**stroke, "capstyle": "round", "joinstyle": "round"})
    else:
        values = {"color": _rgba(symbol.fill, symbol.fill_opacity), "style": BRUSHES[symbol.hatch], **stroke}
        _layer(made, "SimpleFill", values)


def _layer(parent: Xml.Element, name: str, values: dict[str, str]) -> None:
    made = Xml.SubElement(parent, "layer", {"class": name, "enabled": "1", "pass": "0", "locked": "0"})
    options = Xml.SubElement(made, "Option", type="Map")
    for key, value in values.items():
        Xml.SubElement(options, "Option", name=key, value=value, type="QString")


def _heatmap(root: Xml.Element, style: StyleSpec) -> None:
    heat = style.heat or Heat()
    made = Xml.SubElement(root, "renderer-v2", type="heatmapRenderer", radius=f"{heat.radius:g}", radius_unit="2",
                          quality="2", max_value="0", weight_expression=style.field)  # fmt: skip
    made.set("forceraster", "0")
    ramp = Xml.SubElement(made, "colorramp", type="gradient", name="[source]")
    shades = colours(heat.ramp, 5)
    stops = ":".join(f"{place / 5:g};{_rgba(shade, 1.0)}" for place, shade in enumerate(shades, 1) if place < 5)
    options = Xml.SubElement(ramp, "Option", type="Map")
    for key, value in {"color1": "255,255,255,0", "color2": _rgba(shades[-1], 1.0), "stops": stops,
                       "discrete": "0", "rampType": "gradient"}.items():  # fmt: skip
        Xml.SubElement(options, "Option", name=key, value=value, type="QString")


def _cluster(root: Xml.Element, style: StyleSpec) -> None:
    found = style.cluster or Cluster()
    made = Xml.SubElement(root, "renderer-v2", type="pointCluster", tolerance=f"{found.radius:g}",
                          toleranceUnit="Pixel", toleranceUnitScale="3x:0,0,0,0,0,0")  # fmt: skip
    _classes(made, classed(style), "point", "it")
    disc = Symbol(fill=style.symbol.fill, fill_opacity=0.9, stroke="#ffffff", stroke_width=2.0, size=28.0)
    _symbol(made, disc, "point", "centerSymbol")


def _labels(root: Xml.Element, label: Label, kinds: tuple[Drawn, ...]) -> None:
    settings = Xml.SubElement(Xml.SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
    text = Xml.SubElement(settings, "text-style", fieldName=label.field, isExpression="0", fontFamily="Titillium Web",
                          fontSize=f"{label.size:g}", fontSizeUnit="Pixel",
                          textColor=_rgba(label.colour, 1.0))  # fmt: skip
    Xml.SubElement(text, "text-buffer", bufferDraw="1", bufferSize="1.4", bufferSizeUnits="Pixel",
                   bufferColor=_rgba(label.halo, 1.0), bufferOpacity="1")  # fmt: skip
    # Along the line; over the point, moved where there is room; horizontal in the area.
    placement = "2" if kinds == ("line",) else "6" if "point" in kinds else "1"
    Xml.SubElement(settings, "placement", placement=placement, priority="5")
    # In labels QGIS calls the largest denominator the maximum: from there on, inwards, they are drawn.
    Xml.SubElement(settings, "rendering", scaleVisibility="1", scaleMin="1",
                   scaleMax=f"{scale_at(label.min_zoom + 1):.0f}")  # fmt: skip


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"{red},{green},{blue},{round(opacity * 255)}"
