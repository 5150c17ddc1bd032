"""The thematic model compiled to Styled Layer Descriptors. Pure.

SLD 1.0.0 (OGC 02-070) and SLD 1.1.0 with Symbology Encoding 1.1.0 (OGC 05-078r4, 05-077r4). Built as a tree, so that no
text of a style can become markup.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from layers.catalogue import LayerEntry
from layers.styles.exchange.note import noted_xml
from layers.styles.expressions import as_text
from layers.styles.geometry import Drawn, drawn_as
from layers.styles.legend import class_texts
from layers.styles.model import Class, Label, StyleSpec, Symbol
from layers.styles.offered import NamedStyle
from layers.styles.reduced import classed

SLD, SE, OGC = "http://www.opengis.net/sld", "http://www.opengis.net/se", "http://www.opengis.net/ogc"
XLINK, XSI = "http://www.w3.org/1999/xlink", "http://www.w3.org/2001/XMLSchema-instance"
SCHEMAS = {
    "1.0.0": "http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd",
    "1.1.0": "http://schemas.opengis.net/sld/1.1.0/StyledLayerDescriptor.xsd",
}
SCALE_AT_ZOOM_0 = 559_082_264.0287178
"""Of WebMercatorQuad, with the pixel of 0.28 mm."""

_MARKS = {"circle": "circle", "square": "square", "triangle": "triangle", "diamond": "square", "cross": "cross"}
_HATCH_MARKS = {
    "diagonal": "slash",
    "backdiagonal": "backslash",
    "cross": "x",
    "horizontal": "horline",
    "vertical": "vertline",
}

for _prefix, _uri in (("sld", SLD), ("se", SE), ("ogc", OGC), ("xlink", XLINK), ("xsi", XSI)):
    Xml.register_namespace(_prefix, _uri)


class _Writer:
    """Knows which namespace and which parameter element a version uses."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.is_11 = version == "1.1.0"
        self.symbols = SE if self.is_11 else SLD

    def add(self, parent: Xml.Element, name: str, text: str = "") -> Xml.Element:
        child = Xml.SubElement(parent, f"{{{self.symbols}}}{name}")
        if text:
            child.text = text
        return child

    def parameters(self, parent: Xml.Element, **values: str | float) -> None:
        kind = "SvgParameter" if self.is_11 else "CssParameter"
        for name, value in values.items():
            text = value if isinstance(value, str) else f"{value:g}"
            self.add(parent, kind, text).set("name", name.replace("_", "-"))

    def literal(self, parent: Xml.Element, value: str | float) -> None:
        Xml.SubElement(parent, f"{{{OGC}}}Literal").text = value if isinstance(value, str) else f"{value:g}"

    def field(self, parent: Xml.Element, name: str) -> None:
        Xml.SubElement(parent, f"{{{OGC}}}PropertyName").text = name


def sld_document(layer: LayerEntry, style: NamedStyle, language: str, version: str = "1.0.0") -> bytes:
    """The whole document of one style of a table."""
    writer = _Writer(version)
    spec = classed(style.spec)
    root = Xml.Element(f"{{{SLD}}}StyledLayerDescriptor", version=version)
    root.set(f"{{{XSI}}}schemaLocation", f"{SLD} {SCHEMAS[version]}")
    named = Xml.SubElement(root, f"{{{SLD}}}NamedLayer")
    writer.add(named, "Name", layer.slug)
    user = Xml.SubElement(named, f"{{{SLD}}}UserStyle")
    writer.add(user, "Name", style.name)
    title = style.title_en if language == "en" else style.title_it
    if writer.is_11:
        writer.add(writer.add(user, "Description"), "Title", title)
    else:
        writer.add(user, "Title", title)
    Xml.SubElement(user, f"{{{SLD}}}IsDefault").text = "1"
    kinds = drawn_as(layer.geometry_type)
    for kind in kinds:
        block = writer.add(user, "FeatureTypeStyle")
        for number in _classes(spec):
            _rule(writer, block, layer, spec, number, kind, language)
    if spec.label is not None and kinds:
        _labels(writer, writer.add(user, "FeatureTypeStyle"), layer, spec, kinds)
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return noted_xml(text, style.spec)


def scale_at(zoom: float) -> float:
    """Scale denominator of tiles of 256 pixels; the portal's own zooms are one more (512 pixels)."""
    return SCALE_AT_ZOOM_0 / 2**zoom


def _classes(style: StyleSpec) -> Sequence[int]:
    return [-1] if style.kind == "single" else [*range(len(style.classes)), -1]


def _rule(
    writer: _Writer, block: Xml.Element, layer: LayerEntry, style: StyleSpec, number: int, kind: Drawn, language: str
) -> None:
    rule = writer.add(block, "Rule")
    text = class_texts(style, number)[1 if language == "en" else 0]
    writer.add(rule, "Name", f"{kind}-{number if number >= 0 else 'altro'}")
    if text:
        if writer.is_11:
            writer.add(writer.add(rule, "Description"), "Title", text)
        else:
            writer.add(rule, "Title", text)
    if style.kind != "single":
        if number < 0:
            # Sizes of what fits no class come from the style itself.
            writer.add(rule, "ElseFilter")
        else:
            _filter(writer, rule, style, number)
    _scales(writer, rule, max(layer.min_zoom, style.min_zoom), min(layer.max_zoom, style.max_zoom))
    symbol = style.symbol if number < 0 else style.classes[number].symbol
    {"polygon": _polygon, "line": _line, "point": _point}[kind](writer, rule, symbol, style.opacity)


def _scales(writer: _Writer, rule: Xml.Element, low: int, high: int) -> None:
    if high < 22:
        writer.add(rule, "MinScaleDenominator", f"{scale_at(high + 1):.6g}")
    if low > 0:
        writer.add(rule, "MaxScaleDenominator", f"{scale_at(low - 0.01):.6g}")


def _filter(writer: _Writer, rule: Xml.Element, style: StyleSpec, number: int) -> None:
    entry = style.classes[number]
    found = Xml.SubElement(rule, f"{{{OGC}}}Filter")
    if style.kind == "categorised":
        _is_value(writer, found, style.field, entry)
        return
    tests = []
    if entry.minimum is not None:
        tests.append(("PropertyIsGreaterThanOrEqualTo", entry.minimum))
    if entry.maximum is not None:
        is_last = number == len(style.classes) - 1
        tests.append(("PropertyIsLessThanOrEqualTo" if is_last else "PropertyIsLessThan", entry.maximum))
    parent = Xml.SubElement(found, f"{{{OGC}}}And") if len(tests) > 1 else found
    if not tests:
        absent = Xml.SubElement(Xml.SubElement(found, f"{{{OGC}}}Not"), f"{{{OGC}}}PropertyIsNull")
        writer.field(absent, style.field)
    for name, value in tests:
        test = Xml.SubElement(parent, f"{{{OGC}}}{name}")
        writer.field(test, style.field)
        writer.literal(test, repr(float(value)))


def _is_value(writer: _Writer, parent: Xml.Element, field: str, entry: Class) -> None:
    text = as_text(entry.value)
    if text == "":
        either = Xml.SubElement(parent, f"{{{OGC}}}Or")
        writer.field(Xml.SubElement(either, f"{{{OGC}}}PropertyIsNull"), field)
        parent = either
    test = Xml.SubElement(parent, f"{{{OGC}}}PropertyIsEqualTo")
    writer.field(test, field)
    writer.literal(test, text)


def _polygon(writer: _Writer, rule: Xml.Element, symbol: Symbol, opacity: float) -> None:
    made = writer.add(rule, "PolygonSymbolizer")
    fill = writer.add(made, "Fill")
    if symbol.hatch:
        graphic = writer.add(writer.add(fill, "GraphicFill"), "Graphic")
        mark = writer.add(graphic, "Mark")
        writer.add(mark, "WellKnownName", _HATCH_MARKS[symbol.hatch])
        lines: dict[str, str | float] = {
            "stroke": symbol.fill,
            "stroke_width": 1.5,
            "stroke_opacity": symbol.fill_opacity * opacity,
        }
        writer.parameters(writer.add(mark, "Stroke"), **lines)
        writer.add(graphic, "Size", "8")
    else:
        writer.parameters(fill, fill=symbol.fill, fill_opacity=symbol.fill_opacity * opacity)
    _stroke(writer, made, symbol, opacity)


def _line(writer: _Writer, rule: Xml.Element, symbol: Symbol, opacity: float) -> None:
    made = writer.add(rule, "LineSymbolizer")
    _stroke(writer, made, symbol, opacity, always=True)


def _stroke(writer: _Writer, parent: Xml.Element, symbol: Symbol, opacity: float, *, always: bool = False) -> None:
    if symbol.stroke_width == 0 and not always:
        return
    stroke = writer.add(parent, "Stroke")
    dash = {"stroke_dasharray": " ".join(f"{part:g}" for part in symbol.stroke_dash)} if symbol.stroke_dash else {}
    shown = opacity if symbol.stroke_width else 0.0
    writer.parameters(
        stroke,
        stroke=symbol.stroke,
        stroke_width=symbol.stroke_width,
        stroke_opacity=shown,
        stroke_linejoin="round",
        **dash,
    )


def _point(writer: _Writer, rule: Xml.Element, symbol: Symbol, opacity: float) -> None:
    graphic = writer.add(writer.add(rule, "PointSymbolizer"), "Graphic")
    mark = writer.add(graphic, "Mark")
    writer.add(mark, "WellKnownName", _MARKS[symbol.shape])
    writer.parameters(writer.add(mark, "Fill"), fill=symbol.fill, fill_opacity=symbol.fill_opacity * opacity)
    _stroke(writer, mark, symbol, opacity)
    writer.add(graphic, "Size", f"{symbol.size:g}")
    if symbol.shape == "diamond":
        writer.add(graphic, "Rotation", "45")


def _labels(writer: _Writer, block: Xml.Element, layer: LayerEntry, style: StyleSpec, kinds: tuple[Drawn, ...]) -> None:
    label = style.label or Label("")
    rule = writer.add(block, "Rule")
    writer.add(rule, "Name", "etichette")
    low = max(label.min_zoom + 1, layer.min_zoom, style.min_zoom)
    _scales(writer, rule, low, min(layer.max_zoom, style.max_zoom))
    text = writer.add(rule, "TextSymbolizer")
    writer.field(writer.add(text, "Label"), label.field)
    writer.parameters(writer.add(text, "Font"), font_family="Titillium Web", font_size=label.size)
    placement = writer.add(text, "LabelPlacement")
    if kinds == ("line",):
        writer.add(placement, "LinePlacement")
    else:
        anchor = writer.add(writer.add(placement, "PointPlacement"), "AnchorPoint")
        writer.add(anchor, "AnchorPointX", "0.5")
        writer.add(anchor, "AnchorPointY", "0.5")
    halo = writer.add(text, "Halo")
    writer.add(halo, "Radius", "1.4")
    writer.parameters(writer.add(halo, "Fill"), fill=label.halo)
    writer.parameters(writer.add(text, "Fill"), fill=label.colour)
