"""What reading a foreign style gives, and the small questions every reader asks of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from layers.errors import LayersError
from layers.styles.model import StyleSpec

_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([\d.]+%?))?\s*\)")
_NAMED = {"black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff",
          "gray": "#808080", "grey": "#808080", "yellow": "#ffff00", "orange": "#ffa500"}  # fmt: skip


class StyleNotRead(LayersError):
    """A file that is no style of this kind, or one whose basics the model cannot hold; the text says which."""


@dataclass(slots=True)
class Taken:
    """A style as far as the model can say it, and what was left out."""

    spec: StyleSpec
    left_out: list[str] = field(default_factory=list)

    def leave(self, text: str) -> None:
        """Name something that is left out, once."""
        if text not in self.left_out:
            self.left_out.append(text)


def colour_of(text: str) -> tuple[str, float] | None:
    """ "#rrggbb" and opacity of a CSS colour (#rgb, #rrggbb, #rrggbbaa, rgb(), rgba(), a few names); None: unknown."""
    text = text.strip().lower()
    text = _NAMED.get(text, text)
    if re.fullmatch(r"#[0-9a-f]{3}", text):
        return "#" + "".join(char * 2 for char in text[1:]), 1.0
    if re.fullmatch(r"#[0-9a-f]{6}", text):
        return text, 1.0
    if re.fullmatch(r"#[0-9a-f]{8}", text):
        return text[:7], round(int(text[7:], 16) / 255, 3)
    match = _RGB.fullmatch(text)
    if match is None:
        return None
    red, green, blue = (min(int(part), 255) for part in match.group(1, 2, 3))
    alpha = match[4] or "1"
    opacity = float(alpha[:-1]) / 100 if alpha.endswith("%") else float(alpha)
    return f"#{red:02x}{green:02x}{blue:02x}", min(opacity, 1.0)


def number_of(text: str | None, default: float) -> float:
    """A finite number, or the default."""
    try:
        found = float(text or "")
    except ValueError:
        return default
    return found if abs(found) <= 1e300 else default


def pixels(value: float) -> float:
    """A width or size as the model takes it."""
    return round(min(max(value, 0.0), 64.0), 2)
