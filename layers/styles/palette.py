"""Colours that stay apart for colour-blind readers: palettes to choose from, and the first colour of a layer.

Sources: Paul Tol, "Colour Schemes", technical note SRON/EPS/TN/09-002 issue 3.2 (bright, muted, sunset, burd, prgn,
ylorbr); Okabe and Ito, "Color Universal Design" (2008); matplotlib (viridis, CC0) and cividis (Nuñez, Anderton and
Renslow 2018); Cynthia Brewer, ColorBrewer 2.0, schemes marked "colorblind safe" (blues, ylgnbu).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

MUTED = ("#332288", "#117733", "#882255", "#44aa99", "#cc6677", "#999933", "#aa4499", "#88ccee", "#ddcc77")
OTHER = "#8c8c8c"
"""What fits no class."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Anchor colours. "sequential": light to dark (or dark to light); "diverging": two ends round a light middle."""

    name: str
    use: Literal["sequential", "diverging", "qualitative"]
    title: str
    colours: tuple[str, ...]


PALETTES = {
    one.name: one
    for one in (
        Palette("ylorbr", "sequential", "YlOrBr",
                ("#fff7bc", "#fee391", "#fec44f", "#fb9a29", "#ec7014", "#cc4c02", "#993404", "#662506")),
        Palette("blues", "sequential", "Blues",
                ("#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")),
        Palette("ylgnbu", "sequential", "YlGnBu",
                ("#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#253494", "#081d58")),
        Palette("viridis", "sequential", "Viridis",
                ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b",
                 "#fde725")),
        Palette("cividis", "sequential", "Cividis",
                ("#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55",
                 "#fee838")),
        Palette("sunset", "diverging", "Sunset",
                ("#364b9a", "#4a7bb7", "#6ea6cd", "#98cae1", "#c2e4ef", "#eaeccc", "#feda8b", "#fdb366", "#f67e4b",
                 "#dd3d2d", "#a50026")),
        Palette("burd", "diverging", "BuRd",
                ("#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b")),
        Palette("prgn", "diverging", "PRGn",
                ("#762a83", "#9970ab", "#c2a5cf", "#e7d4e8", "#f7f7f7", "#d9f0d3", "#acd39e", "#5aae61", "#1b7837")),
        Palette("muted", "qualitative", "Tol muted", MUTED),
        Palette("bright", "qualitative", "Tol bright",
                ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")),
        Palette("okabeito", "qualitative", "Okabe-Ito",
                ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")),
        Palette("terrain", "sequential", "Terreno",
                ("#6d9b7c", "#a8c28a", "#e3dba6", "#c9a26b", "#9a7459", "#f2efec")),
        Palette("greys", "sequential", "Grigi", ("#f0f0f0", "#bdbdbd", "#969696", "#636363", "#252525")),
    )
}  # fmt: skip
"""Every palette but `terrain`, which is a habit of maps of heights, was made or checked for colour-blind readers."""


def colours(name: str, count: int, *, reverse: bool = False) -> tuple[str, ...]:
    """`count` colours of a palette: even steps along it, or its colours in turn when it is qualitative.

    An unknown name gives viridis.
    """
    palette = PALETTES.get(name) or PALETTES["viridis"]
    anchors = palette.colours[::-1] if reverse else palette.colours
    if palette.use == "qualitative":
        return tuple(anchors[place % len(anchors)] for place in range(count))
    if count == 1:
        return (between(anchors, 0.6),)
    return tuple(between(anchors, place / (count - 1)) for place in range(count))


def between(anchors: tuple[str, ...], share: float) -> str:
    """The colour at a share, 0 to 1, of the way along the anchors."""
    place = min(max(share, 0.0), 1.0) * (len(anchors) - 1)
    low = min(int(place), len(anchors) - 2)
    first, second, rest = _parts(anchors[low]), _parts(anchors[low + 1]), place - low
    return "#" + "".join(f"{round(one + (other - one) * rest):02x}" for one, other in zip(first, second, strict=True))


def nearest_ramp(colour: str) -> tuple[str, bool]:
    """The sequential palette whose last colour is nearest to a colour, and whether it is that very colour."""

    def apart(one: Palette) -> int:
        ends = zip(_parts(one.colours[-1]), _parts(colour), strict=True)
        return sum((ours - theirs) ** 2 for ours, theirs in ends)

    found = min((one for one in PALETTES.values() if one.use == "sequential"), key=apart)
    return found.name, found.colours[-1] == colour


def colour_of(name: str) -> str:
    """The colour of a name: always the same one, in every process and on every day."""
    return MUTED[zlib.crc32(name.encode()) % len(MUTED)]


def darker(colour: str, factor: float = 0.6) -> str:
    """The colour with its red, green and blue multiplied by `factor`."""
    return "#" + "".join(f"{round(part * factor):02x}" for part in _parts(colour))


def over(colour: str, opacity: float, ground: str) -> str:
    """What is seen of a colour of some opacity on a ground."""
    parts = zip(_parts(colour), _parts(ground), strict=True)
    return "#" + "".join(f"{round(top * opacity + under * (1 - opacity)):02x}" for top, under in parts)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.1, "relative luminance" and "contrast ratio"."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def linear(colour: str) -> tuple[float, float, float]:
    """Red, green and blue as light, 0 to 1. Source: IEC 61966-2-1 (sRGB)."""

    def one(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

    red, green, blue = (one(part / 255) for part in _parts(colour))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
