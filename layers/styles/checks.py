"""Whether a style can be read: classes apart for colour-blind readers, marks that stand out, labels that can be read.

Sources: Machado, Oliveira and Fernandes 2009 (simulation of colour blindness, severity 1.0); CIE 1976 colour
difference; WCAG 2.1, 1.4.3 (text, 4.5:1) and 1.4.11 (graphics, 3:1).
"""

from __future__ import annotations

from itertools import combinations, pairwise

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from layers.styles.geometry import Drawn, drawn_as
from layers.styles.legend import class_texts
from layers.styles.model import RasterClass, RasterLook, StyleSpec, Symbol
from layers.styles.palette import contrast, linear, over

PAPER = "#f6f4ef"
"""The ground of the portal's map."""
APART = 9.0
"""CIE 1976 difference under which two fields of colour are taken for one in a legend."""
TEXT_CONTRAST, MARK_CONTRAST = 4.5, 3.0

Matrix = tuple[tuple[float, float, float], ...]
_SIGHT: dict[str, Matrix] = {
    "": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
_TO_XYZ: Matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_WHITE = (0.9505, 1.0, 1.089)


def problems(style: StyleSpec, geometry_type: str) -> list[str]:
    """What a reader may not be able to tell, in the active language; empty when all is well."""
    kinds = drawn_as(geometry_type)
    if style.raster is not None:
        return _raster(style.raster)
    if not kinds:
        return []
    return [*_classes(style, kinds[0]), *_marks(style, kinds[0]), *_label(style)]


def difference(first: str, second: str, sight: str = "") -> float:
    """How far two colours are apart for someone with this sight ("" or a key of Machado's), CIE 1976."""
    one, other = _lab(first, sight), _lab(second, sight)
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)


def _raster(look: RasterLook) -> list[str]:
    """Neighbouring classes alone: the others are apart in the legend, and never meet on smooth ground."""
    english = (get_language() or "").startswith("en")
    found = []
    for one, other in pairwise(look.classes):
        weak = [sight for sight in _SIGHT if difference(one.colour, other.colour, sight) < APART]
        names = {"one": _class_name(one, english), "other": _class_name(other, english)}
        if "" in weak:
            found.append(_("«%(one)s» e «%(other)s» hanno colori quasi uguali.") % names)
        elif weak:
            text = _("«%(one)s» e «%(other)s» si confondono per chi ha %(sight)s.")
            found.append(text % {**names, "sight": ", ".join(weak)})
    return found


def _class_name(entry: RasterClass, english: bool) -> str:
    return (english and entry.label_en) or entry.label_it or f"{entry.maximum:g}"


def _classes(style: StyleSpec, kind: Drawn) -> list[str]:
    if style.kind not in {"categorised", "graduated"} or len(style.classes) > 30:
        return []
    found = []
    for (one, first), (other, second) in combinations(enumerate(style.classes), 2):
        # A mark, a hatch or a dash tells them apart without colour.
        if _form(first.symbol) != _form(second.symbol):
            continue
        colours = _seen(first.symbol, kind, style.opacity), _seen(second.symbol, kind, style.opacity)
        weak = [sight for sight in _SIGHT if difference(*colours, sight) < APART]
        if weak:
            names = {"one": _name(style, one), "other": _name(style, other)}
            if "" in weak:
                found.append(_("«%(one)s» e «%(other)s» hanno colori quasi uguali.") % names)
            else:
                text = _("«%(one)s» e «%(other)s» si confondono per chi ha %(sight)s.")
                found.append(text % {**names, "sight": ", ".join(weak)})
    return found


def _marks(style: StyleSpec, kind: Drawn) -> list[str]:
    symbols = [(index, entry.symbol) for index, entry in enumerate(style.classes)]
    if style.kind not in {"categorised", "graduated"}:
        symbols = [(-1, style.symbol)] if style.kind != "heatmap" else []
    found = []
    for index, symbol in symbols:
        inside = contrast(_seen(symbol, kind, style.opacity), PAPER)
        rim = contrast(over(symbol.stroke, style.opacity, PAPER), PAPER) if symbol.stroke_width >= 0.5 else 1.0
        best = inside if kind == "line" else max(inside, rim)
        if best < MARK_CONTRAST:
            text = _("%(name)s: contrasto %(found)s con il fondo della mappa, ne serve 3: scurire bordo o colore.")
            name = f"«{_name(style, index)}»" if index >= 0 else _("Simbolo")
            found.append(text % {"name": name, "found": f"{best:.1f}"})
    return found


def _label(style: StyleSpec) -> list[str]:
    if style.label is None:
        return []
    found = contrast(style.label.colour, style.label.halo)
    if found >= TEXT_CONTRAST:
        return []
    return [_("Etichette: contrasto %(found)s con l'alone, ne serve 4,5.") % {"found": f"{found:.1f}"}]


def _form(symbol: Symbol) -> tuple[object, ...]:
    return symbol.shape, symbol.hatch, symbol.stroke_dash, symbol.size


def _seen(symbol: Symbol, kind: Drawn, opacity: float) -> str:
    if kind == "line":
        return over(symbol.stroke, opacity, PAPER)
    return over(symbol.fill, symbol.fill_opacity * opacity, PAPER)


def _name(style: StyleSpec, index: int) -> str:
    return class_texts(style, index)[1 if (get_language() or "").startswith("en") else 0]


def _lab(colour: str, sight: str) -> tuple[float, float, float]:
    light = [min(max(part, 0.0), 1.0) for part in _times(_SIGHT[sight], linear(colour))]
    x, y, z = (_root(value / white) for value, white in zip(_times(_TO_XYZ, tuple(light)), _WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _times(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def _root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116
