"""Styles in fewer words: for renderers that know classes alone, and what each of them cannot say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
from django.utils.translation import gettext as _

from layers.styles.geometry import drawn_as
from layers.styles.model import Class, Proportion, StyleSpec, Symbol
from layers.styles.numbers import number_texts

STEPS = 20
"""Sizes that stand for a continuous one: two neighbours differ by less than two pixels."""
LEGEND_SHARES = (0.25, 0.0625)
"""Of the greatest value, which a legend shows too: discs of half and a quarter of the greatest size."""
CLUSTER_CAP = 10_000
"""Most features that a browser is given at once to put in clusters."""

Target = Literal["maplibre", "mapnik", "sld", "qml"]


@dataclass(frozen=True, slots=True)
class Loss:
    """Something a target cannot express, and what it draws in its place."""

    target: Target
    text: str


def classed(style: StyleSpec) -> StyleSpec:
    """The same look by single symbols or classes alone: proportional sizes in steps, density and clusters as points."""
    if style.kind == "proportional" and style.proportion is not None:
        return _stepped(style, style.proportion)
    return msgspec.structs.replace(style, kind="single") if style.kind in {"heatmap", "cluster"} else style


def for_legend(style: StyleSpec) -> StyleSpec:
    """As `classed`, with the few sizes that explain a proportional style."""
    proportion = style.proportion
    if style.kind != "proportional" or proportion is None:
        return classed(style)
    greatest = proportion.value_to
    entries = []
    for value in (greatest, *(float(f"{greatest * share:.3g}") for share in LEGEND_SHARES)):
        size = max(proportion.size_from, proportion.size_to * (value / greatest) ** 0.5)
        italian, english = number_texts(value)
        entries.append(Class(_disc(style.symbol, size), label_it=italian, label_en=english, minimum=value))
    return msgspec.structs.replace(_emptied(style, proportion), classes=tuple(entries))


def _stepped(style: StyleSpec, proportion: Proportion) -> StyleSpec:
    low, high = proportion.size_from, max(proportion.size_to, proportion.size_from)
    sizes = [low + (high - low) * step / STEPS for step in range(STEPS + 1)]
    limits = [proportion.value_to * (size / high) ** 2 if high else 0.0 for size in sizes]
    entries = [
        Class(
            _disc(style.symbol, (sizes[step] + sizes[step + 1]) / 2),
            minimum=limits[step] if step else None,
            maximum=limits[step + 1] if step < STEPS - 1 else None,
        )
        for step in range(STEPS)
    ]
    return msgspec.structs.replace(_emptied(style, proportion), classes=tuple(entries))


def _emptied(style: StyleSpec, proportion: Proportion) -> StyleSpec:
    """Without a value there is a small ring of the discs' own colour: their rim is often white."""
    ring = msgspec.structs.replace(
        _disc(style.symbol, proportion.size_from), fill_opacity=0.0, stroke=style.symbol.fill
    )
    texts = {"other_it": style.other_it or "Senza valore", "other_en": style.other_en or "No value"}
    return msgspec.structs.replace(style, kind="graduated", symbol=ring, **texts)


def _disc(symbol: Symbol, size: float) -> Symbol:
    return msgspec.structs.replace(symbol, shape="circle", size=round(size, 2))


def losses(style: StyleSpec, geometry_type: str, feature_count: int | None) -> tuple[Loss, ...]:
    """What each target says otherwise, in the active language."""
    found: list[Loss] = []
    if style.kind == "proportional":
        text = _("le grandezze continue diventano %(count)s gradini") % {"count": STEPS}
        found += [Loss("mapnik", text), Loss("sld", text), Loss("qml", text)]
    if style.kind == "heatmap":
        text = _("la mappa di densità non si esprime: i punti sono disegnati uno per uno")
        found += [Loss("mapnik", text), Loss("sld", text)]
    if style.kind == "cluster":
        text = _("i gruppi non si esprimono: i punti sono disegnati uno per uno")
        found += [Loss("mapnik", text), Loss("sld", text)]
        if (feature_count or 0) > CLUSTER_CAP:
            many = _("oltre %(count)s elementi i punti sono disegnati uno per uno") % {"count": CLUSTER_CAP}
            found.append(Loss("maplibre", many))
    if style.kind == "graduated":
        found.append(Loss("qml", _("gli elementi fuori dalle classi non sono disegnati")))
    symbols = [style.symbol, *(entry.symbol for entry in style.classes)]
    if "polygon" in drawn_as(geometry_type) and any(symbol.hatch for symbol in symbols):
        found.append(Loss("sld", _("i tratteggi usano i segni di GeoServer e QGIS: altri programmi possono ignorarli")))
    return tuple(found)
