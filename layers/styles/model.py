"""The thematic style model: what a steward decides, and nothing of how a renderer draws it.

Stored as JSON in `Style.spec`, read with `parse`. Colours are "#rrggbb", widths and sizes CSS pixels, opacities 0–1.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Colour = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Opacity = Annotated[float, msgspec.Meta(ge=0, le=1)]
Pixels = Annotated[float, msgspec.Meta(ge=0, le=64)]


class Symbol(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one class looks. Points use shape, size, fill and stroke; lines stroke; polygons fill, hatch and stroke."""

    fill: Colour = "#0066cc"
    fill_opacity: Opacity = 0.6
    stroke: Colour = "#003366"
    stroke_width: Pixels = 1.0
    stroke_dash: tuple[Pixels, ...] = ()
    size: Pixels = 6.0
    shape: Literal["circle", "square", "triangle", "diamond", "cross"] = "circle"
    hatch: Literal["", "diagonal", "cross", "horizontal"] = ""


class Class(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One class of a categorised (`value`) or graduated (`minimum` ≤ x < `maximum`, the last closed) style."""

    symbol: Symbol
    label_it: str = ""
    label_en: str = ""
    value: str | int | float | bool | None = None
    minimum: float | None = None
    maximum: float | None = None


class Label(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Text drawn beside each feature."""

    field: str
    size: Pixels = 12.0
    colour: Colour = "#17324d"
    min_zoom: Annotated[int, msgspec.Meta(ge=0, le=24)] = 15


class StyleSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A whole style. `single` uses `symbol`; the others `field` and `classes`, with `symbol` for what fits no class."""

    kind: Literal["single", "categorised", "graduated"] = "single"
    symbol: Symbol = Symbol()
    field: str = ""
    classes: tuple[Class, ...] = ()
    method: Literal["", "equal_interval", "quantile", "natural_breaks", "pretty", "std_dev"] = ""
    label: Label | None = None
    opacity: Opacity = 1.0


class StyleError(ValueError):
    """A style that does not follow the model; the text names the place and what was expected there."""


def parse(spec: dict[str, Any]) -> StyleSpec:
    """Read a stored style. Raises StyleError."""
    try:
        style = msgspec.convert(spec, StyleSpec)
    except msgspec.ValidationError as error:
        raise StyleError(str(error)) from error
    if style.kind != "single" and not (style.field and style.classes):
        raise StyleError(f"a {style.kind} style needs `field` and at least one class")
    return style


def dump(style: StyleSpec) -> dict[str, Any]:
    """The JSON form that `Style.spec` keeps."""
    result: dict[str, Any] = msgspec.to_builtins(style)
    return result
