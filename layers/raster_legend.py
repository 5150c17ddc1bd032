"""What the colours of a raster mean, from its style and the statistics in the catalogue; no file is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layers.catalogue import LayerEntry
from layers.styles.classify import range_labels
from layers.styles.legend import LegendEntry, swatch
from layers.styles.model import RasterLook, StyleSpec, Symbol
from layers.styles.palette import colours

STOPS = 5
_ELEVATION = re.compile(r"\b(dtm|dem|dsm|dtm\w*|terreno|altimetri\w*|elevazione|elevation|quot[ae])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RasterEntry:
    """One line: a text in both languages, and its colour."""

    label_it: str
    label_en: str
    colour: str


def is_elevation(layer: LayerEntry) -> bool:
    """Whether one band means heights: by the layer's name and keywords, the only places where it says so."""
    names = (layer.slug.replace("-", " "), layer.title_it, layer.title_en, *layer.keywords)
    return any(_ELEVATION.search(name) for name in names)


def plain_look(layer: LayerEntry, band: int) -> RasterLook:
    """How one band looks that has no style: shaded relief when it is heights."""
    return RasterLook(band=band, ramp="terrain", hillshade=True) if is_elevation(layer) else RasterLook(band=band)


def look_of(layer: LayerEntry, style: StyleSpec) -> RasterLook | None:
    """The look in force; None for palettes and colours, which explain themselves."""
    if style.raster is not None:
        return style.raster
    bands = [band for band in layer.raster_info.get("bands") or [] if band.get("interpretation") != "alpha"]
    if not bands or len(bands) >= 3 or bands[0].get("colormap"):
        return None
    return plain_look(layer, 1)


def known_limits(layer: LayerEntry, band: int) -> tuple[float, float] | None:
    """The values that get the ends of a ramp: two standard deviations round the mean, within the extremes."""
    bands = layer.raster_info.get("bands") or []
    known = bands[band - 1] if len(bands) >= band else {}
    if known.get("min") is None or known.get("max") is None:
        return None
    low, high = float(known["min"]), float(known["max"])
    mean, std = known.get("mean"), known.get("std")
    if mean is not None and std:
        low, high = max(low, mean - 2 * std), min(high, mean + 2 * std)
    return low, high


def raster_entries(layer: LayerEntry, style: StyleSpec) -> tuple[RasterEntry, ...]:
    """Classes in order, or the greatest value of a ramp down to the least; empty where nothing is known."""
    look = look_of(layer, style)
    if look is None:
        return ()
    limits = known_limits(layer, look.band)
    if look.classes:
        edges = [limits[0] if limits else look.classes[0].maximum, *(entry.maximum for entry in look.classes)]
        texts = range_labels(sorted(edges))
        return tuple(
            RasterEntry(entry.label_it or text[0], entry.label_en or entry.label_it or text[1], entry.colour)
            for entry, text in zip(look.classes, texts, strict=False)
        )
    low = look.minimum if look.minimum is not None else limits[0] if limits else None
    high = look.maximum if look.maximum is not None else limits[1] if limits else None
    if low is None or high is None:
        return ()
    shades = colours(look.ramp, STOPS, reverse=look.reverse)
    values = [low + (high - low) * place / (STOPS - 1) for place in range(STOPS)]
    texts = [(range_labels([value, value])[0]) for value in values]
    return tuple(RasterEntry(*text, shade) for text, shade in zip(texts[::-1], shades[::-1], strict=True))


def raster_legend(layer: LayerEntry, style: StyleSpec) -> tuple[LegendEntry, ...]:
    """The same as drawings for a page."""
    return tuple(
        LegendEntry(
            entry.label_it,
            entry.label_en,
            swatch(Symbol(fill=entry.colour, fill_opacity=1.0, stroke=entry.colour), "polygon", style.opacity),
        )
        for entry in raster_entries(layer, style)
    )
