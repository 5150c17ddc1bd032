"""The legend of a style as a picture: every class drawn by the same Mapnik styles as the map, its text beside it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any
from xml.etree import ElementTree as Xml

from layers.catalogue import LayerEntry
from layers.drawing.draw import encoded
from layers.drawing.engine import FONT, SRS, mapnik
from layers.drawing.symbols import compile_styles
from layers.raster_legend import raster_entries
from layers.styles.geometry import Drawn, drawn_as
from layers.styles.legend import legend
from layers.styles.model import StyleSpec
from layers.styles.reduced import for_legend

BOX_PX, PAD_PX, TEXT_PX = 20, 4, 12
MAX_ROWS = 200
LEGEND_ZOOM = 15.0
"""Sizes of symbols are what the style says at this zoom."""


def legend_picture(layer: LayerEntry, style: StyleSpec, language: str, form: str, *, title: str = "") -> bytes:
    """ "png", "jpeg" or "webp": one row a class, top down, on white. A single style's row says `title`."""
    texts = _texts(layer, style, language, title)
    style, box = for_legend(style), _box_size(style)
    rows = _Rows(len(texts), box)
    height = rows.height
    width = box + 4 * PAD_PX + round(max((len(text) for text in texts), default=0) * TEXT_PX * 0.66)
    module = mapnik()
    picture = module.Map(width, height, SRS)
    picture.background = module.Color("#ffffff")
    kinds = drawn_as(layer.geometry_type)
    _write(picture, texts, rows)
    if kinds:
        kind: Drawn = kinds[-1] if len(kinds) == 1 else "polygon"
        _swatches(picture, style, kind, rows)
    picture.zoom_to_box(module.Box2d(0, 0, width, height))
    image = module.Image(width, height)
    module.render(picture, image)
    for row, entry in enumerate(raster_entries(layer, style) if layer.kind == "raster" else ()):
        _box(image, entry.colour, rows.row * row)
    return encoded(image, form)


def _texts(layer: LayerEntry, style: StyleSpec, language: str, title: str) -> list[str]:
    if layer.kind == "raster":
        rows = [entry.label_en if language == "en" else entry.label_it for entry in raster_entries(layer, style)]
        return rows or [title]
    entries = legend(style, layer.geometry_type)[:MAX_ROWS]
    if style.kind == "single":
        return [title]
    return [entry.label_en if language == "en" else entry.label_it for entry in entries]


@dataclass(frozen=True, slots=True)
class _Rows:
    """So many rows, each with room for a mark of `box` pixels."""

    count: int
    box: int

    @property
    def row(self) -> int:
        return self.box + PAD_PX

    @property
    def height(self) -> int:
        return self.row * self.count + 2 * PAD_PX

    def middle(self, row: int) -> float:
        """From the foot of the picture."""
        return self.height - PAD_PX - self.row * (row + 0.5)


def _box_size(style: StyleSpec) -> int:
    """Discs that stand for numbers are as large as on the map; any other mark has a box of the usual size."""
    if style.kind != "proportional" or style.proportion is None:
        return BOX_PX
    return max(BOX_PX, ceil(max(style.proportion.size_to, style.proportion.size_from) + style.symbol.stroke_width))


def _swatches(picture: Any, style: StyleSpec, kind: Drawn, rows: _Rows) -> None:
    single = style.kind == "single"
    features = []
    for row in range(rows.count):
        left, middle = 2 * PAD_PX, rows.middle(row)
        right, half = left + rows.box, rows.row / 2 - 4
        shapes = {
            "polygon": f"POLYGON(({left} {middle - half},{right} {middle - half},{right} {middle + half},"
            f"{left} {middle + half},{left} {middle - half}))",
            "line": f"LINESTRING({left} {middle},{right} {middle})",
            "point": f"POINT({(left + right) / 2} {middle})",
        }
        number = -1 if single or row == len(style.classes) else row
        features.append((shapes[kind], {"class": number}))
    document, names = compile_styles(style, _type_of(kind), LEGEND_ZOOM)
    _add(picture, document, [name for name in names if name != "label"], features)


def _type_of(kind: Drawn) -> str:
    return {"polygon": "POLYGON", "line": "LINESTRING", "point": "POINT"}[kind]


def _write(picture: Any, texts: list[str], rows: _Rows) -> None:
    root = Xml.Element("Map", srs=SRS)
    rule = Xml.SubElement(Xml.SubElement(root, "Style", name="text"), "Rule")
    look = {"face-name": FONT, "size": str(TEXT_PX), "fill": "#17324d", "horizontal-alignment": "right",
            "vertical-alignment": "middle", "allow-overlap": "true", "wrap-width": "0"}  # fmt: skip
    Xml.SubElement(rule, "TextSymbolizer", look).text = "[label]"
    left = 3 * PAD_PX + rows.box
    lines = [(f"POINT({left} {rows.middle(row)})", {"label": text}) for row, text in enumerate(texts) if text]
    _add(picture, Xml.tostring(root, encoding="unicode"), ["text"], lines)


def _add(picture: Any, document: str, names: list[str], rows: list[tuple[str, dict[str, Any]]]) -> None:
    module = mapnik()
    held = module.Map(8, 8, SRS)
    module.load_map_from_string(held, document)
    source = module.MemoryDatasource()
    context = module.Context()
    for name in ("class", "label"):
        context.push(name)
    for number, (shape, values) in enumerate(rows, 1):
        feature = module.Feature(context, number)
        feature.geometry = module.Geometry.from_wkt(shape)
        for name, value in values.items():
            feature[name] = value
        source.add_feature(feature)
    layer = module.Layer(f"l{len(picture.layers)}", SRS)
    layer.datasource = source
    for name in names:
        picture.append_style(f"{layer.name}-{name}", held.find_style(name))
        layer.styles.append(f"{layer.name}-{name}")
    picture.layers.append(layer)


def _box(image: Any, colour: str, top: int) -> None:
    """A field of one colour beside the text of a row that begins `top` pixels down."""
    painted = mapnik().Color(colour)
    for across in range(BOX_PX):
        for down in range(PAD_PX + 4, PAD_PX + BOX_PX):
            image.set_pixel(2 * PAD_PX + across, top + down, painted)
