"""Colours that stay apart for colour-blind readers, given to layers and classes that have no style of their own.

Source: Paul Tol, "Colour Schemes", technical note SRON/EPS/TN/09-002 issue 3.2, scheme *muted*.
"""

import zlib

MUTED = ("#332288", "#117733", "#882255", "#44aa99", "#cc6677", "#999933", "#aa4499", "#88ccee", "#ddcc77")
OTHER = "#8c8c8c"
"""What fits no class."""


def colour_of(name: str) -> str:
    """The colour of a name: always the same one, in every process and on every day."""
    return MUTED[zlib.crc32(name.encode()) % len(MUTED)]


def darker(colour: str, factor: float = 0.6) -> str:
    """The colour with its red, green and blue multiplied by `factor`."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{round(part * factor):02x}" for part in parts)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21. Source: WCAG 2.1, "relative luminance" and "contrast ratio"."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
