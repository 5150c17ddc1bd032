"""The legend of a style: the same classes, each with its texts and a small drawing. Pure."""

from __future__ import annotations

import html
from dataclasses import dataclass
from math import ceil
from urllib.parse import quote

from layers.styles.geometry import Drawn, drawn_as
from layers.styles.model import Heat, StyleSpec, Symbol
from layers.styles.numbers import number_texts
from layers.styles.palette import colours
from layers.styles.reduced import for_legend

SWATCH_PX = 24

_SHAPES = {
    "square": "M{a} {a}H{b}V{b}H{a}Z",
    "triangle": "M12 {a}L{b} {b}H{a}Z",
    "diamond": "M12 {a}L{b} 12L12 {b}L{a} 12Z",
    "cross": "M{p} {a}H{q}V{p}H{b}V{q}H{q}V{b}H{p}V{q}H{a}V{p}H{p}Z",
}
_HATCHES = {
    "diagonal": "M-2 8L8 -2M-2 14L14 -2M2 18L18 2M2 24L24 2M8 26L26 8M14 26L26 14",
    "backdiagonal": "M2 8L16 22M8 2L22 16",
    "cross": "M2 8L16 22M8 2L22 16M2 16L16 2M8 22L22 8",
    "horizontal": "M2 7H22M2 12H22M2 17H22",
    "vertical": "M7 4V20M12 4V20M17 4V20",
}


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of a legend. `swatch` is SVG markup made of checked numbers and colours alone.

    It is 24 × 24 pixels large; larger only where the size of a disc says how much it stands for.
    """

    label_it: str
    label_en: str
    swatch: str

    @property
    def swatch_url(self) -> str:
        """The drawing as a data URL, for `<img>`."""
        return "data:image/svg+xml," + quote(self.swatch)


def legend(style: StyleSpec, geometry_type: str) -> tuple[LegendEntry, ...]:
    """The entries in class order. A single style has one entry, without text: the layer's title says what it is."""
    kinds = drawn_as(geometry_type)
    if not kinds:
        return ()
    if style.kind == "heatmap" and kinds == ("point",):
        return _density(style)
    tells_size = style.kind == "proportional"
    style = for_legend(style)
    if tells_size:
        symbols = [*(entry.symbol for entry in style.classes), style.symbol]
        texts = [class_texts(style, index) for index in (*range(len(style.classes)), -1)]
        return tuple(
            LegendEntry(*text, disc(symbol, style.opacity)) for text, symbol in zip(texts, symbols, strict=True)
        )
    kind: Drawn = kinds[-1] if len(kinds) == 1 else "polygon"
    if style.kind == "single":
        return (LegendEntry("", "", swatch(style.symbol, kind, style.opacity)),)
    entries = [
        LegendEntry(*class_texts(style, index), swatch(entry.symbol, kind, style.opacity))
        for index, entry in enumerate(style.classes)
    ]
    return (*entries, LegendEntry(*class_texts(style, -1), swatch(style.symbol, kind, style.opacity)))


def _density(style: StyleSpec) -> tuple[LegendEntry, ...]:
    """From few to many: the colours of a heat map."""
    shades = colours((style.heat or Heat()).ramp, 3)
    texts = (("Pochi", "Few"), ("", ""), ("Molti", "Many"))
    return tuple(
        LegendEntry(*text, swatch(Symbol(fill=shade, fill_opacity=1.0, stroke=shade), "polygon", style.opacity))
        for text, shade in zip(texts, shades, strict=True)
    )


def swatch(symbol: Symbol, kind: Drawn, opacity: float = 1.0) -> str:
    """SVG of one symbol as the map draws it."""
    body = {"polygon": _polygon, "line": _line, "point": _point}[kind](symbol)
    size = SWATCH_PX
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 24 24">'
        f'<g opacity="{opacity:g}">{body}</g></svg>'
    )


def disc(symbol: Symbol, opacity: float = 1.0) -> str:
    """SVG of a disc as large as the map draws it."""
    side = max(SWATCH_PX, ceil(symbol.size + symbol.stroke_width) + 2)
    paint = f'fill="{html.escape(symbol.fill)}" fill-opacity="{symbol.fill_opacity:g}" {_stroke(symbol)}'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
        f'<g opacity="{opacity:g}">'
        f'<circle cx="{side / 2:g}" cy="{side / 2:g}" r="{symbol.size / 2:g}" {paint}/></g></svg>'
    )


def class_texts(style: StyleSpec, index: int) -> tuple[str, str]:
    """What the class at `index` is called, in Italian and English; -1: what fits none. Empty for a single style."""
    if style.kind == "single":
        return "", ""
    if index < 0:
        return style.other_it or "Altro", style.other_en or style.other_it or "Other"
    entry = style.classes[index]
    if entry.label_it:
        return entry.label_it, entry.label_en or entry.label_it
    if style.kind == "categorised":
        text = "" if entry.value is None else str(entry.value)
        return (text, text) if text else ("Senza valore", "No value")
    low = None if entry.minimum is None else number_texts(entry.minimum)
    high = None if entry.maximum is None else number_texts(entry.maximum)
    if low and high:
        return f"{low[0]} – {high[0]}", f"{low[1]} – {high[1]}"
    if low:
        return f"oltre {low[0]}", f"over {low[1]}"
    return (f"meno di {high[0]}", f"under {high[1]}") if high else ("", "")


def _stroke(symbol: Symbol, widest: float = 6.0) -> str:
    dash = f' stroke-dasharray="{" ".join(f"{part:g}" for part in symbol.stroke_dash)}"' if symbol.stroke_dash else ""
    return f'stroke="{html.escape(symbol.stroke)}" stroke-width="{min(symbol.stroke_width, widest):g}"{dash}'


def _polygon(symbol: Symbol) -> str:
    fill = "none" if symbol.hatch else html.escape(symbol.fill)
    box = f'<path d="M2 4H22V20H2Z" fill="{fill}" fill-opacity="{symbol.fill_opacity:g}" {_stroke(symbol, 4)}/>'
    if not symbol.hatch:
        return box
    lines = (
        f'<path d="{_HATCHES[symbol.hatch]}" fill="none" stroke="{html.escape(symbol.fill)}" '
        f'stroke-opacity="{symbol.fill_opacity:g}" stroke-width="1.5" clip-path="url(#c)"/>'
    )
    return f'<clipPath id="c"><path d="M2 4H22V20H2Z"/></clipPath>{lines}{box}'


def _line(symbol: Symbol) -> str:
    return f'<path d="M2 18L9 8L15 15L22 6" fill="none" stroke-linejoin="round" {_stroke(symbol)}/>'


def _point(symbol: Symbol) -> str:
    half = min(max(symbol.size, 6.0), 20.0) / 2
    paint = f'fill="{html.escape(symbol.fill)}" fill-opacity="{symbol.fill_opacity:g}" {_stroke(symbol, 3)}'
    if symbol.shape == "circle":
        return f'<circle cx="12" cy="12" r="{half:g}" {paint}/>'
    third = half / 3
    path = _SHAPES[symbol.shape].format(
        a=f"{12 - half:g}", b=f"{12 + half:g}", p=f"{12 - third:g}", q=f"{12 + third:g}"
    )
    return f'<path d="{path}" {paint}/>'
