"""The thematic style model: what a steward decides, and nothing of how a renderer draws it.

Stored as JSON in `Style.spec`, read with `parse`. Colours are "#rrggbb", widths and sizes CSS pixels, opacities 0–1.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec

Colour = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Opacity = Annotated[float, msgspec.Meta(ge=0, le=1)]
Pixels = Annotated[float, msgspec.Meta(ge=0, le=64)]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Zoom = Annotated[int, msgspec.Meta(ge=0, le=22)]
Ramp = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,20}$")]
MAX_CLASSES = 200


class Symbol(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one class looks. Points use shape, size, fill and stroke; lines stroke; polygons fill, hatch and stroke."""

    fill: Colour = "#0066cc"
    fill_opacity: Opacity = 0.6
    stroke: Colour = "#003366"
    stroke_width: Pixels = 1.0
    stroke_dash: tuple[Pixels, ...] = ()
    size: Pixels = 6.0
    shape: Literal["circle", "square", "triangle", "diamond", "cross"] = "circle"
    hatch: Literal["", "diagonal", "backdiagonal", "cross", "horizontal", "vertical"] = ""


class Class(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One class of a categorised (`value`) or graduated (`minimum` ≤ x < `maximum`, the last closed) style."""

    symbol: Symbol
    label_it: Text = ""
    label_en: Text = ""
    value: str | int | float | bool | None = None
    minimum: float | None = None
    maximum: float | None = None


class Label(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Text drawn beside each feature."""

    field: str
    size: Pixels = 12.0
    colour: Colour = "#17324d"
    halo: Colour = "#ffffff"
    min_zoom: Annotated[int, msgspec.Meta(ge=0, le=24)] = 15


class Proportion(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Discs whose area follows a number: `size_to` across at `value_to`, never under `size_from`."""

    value_to: Annotated[float, msgspec.Meta(gt=0)]
    size_from: Pixels = 4.0
    size_to: Pixels = 40.0


class Heat(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Density of points. `value_to`, of the style's field, weighs one; without a field each point weighs one."""

    radius: Annotated[float, msgspec.Meta(ge=2, le=128)] = 24.0
    ramp: Ramp = "ylorbr"
    value_to: Annotated[float, msgspec.Meta(gt=0)] = 1.0


class Cluster(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Points nearer to each other than `radius` pixels as one disc with their count, up to zoom `max_zoom`."""

    radius: Annotated[float, msgspec.Meta(ge=10, le=128)] = 50.0
    max_zoom: Zoom = 15


class RasterClass(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Pixels up to `maximum` (below it; the last class holds it and all above) and not of the class before."""

    maximum: float
    colour: Colour
    label_it: Text = ""
    label_en: Text = ""


class RasterLook(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """How one band becomes colours: `ramp` between two values, or `classes`. Limits left out come from statistics."""

    band: Annotated[int, msgspec.Meta(ge=1, le=255)] = 1
    ramp: Ramp = "viridis"
    reverse: bool = False
    minimum: float | None = None
    maximum: float | None = None
    classes: tuple[RasterClass, ...] = ()
    hillshade: bool = False


class StyleSpec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A whole style.

    `single` uses `symbol`; `categorised` and `graduated` use `field` and `classes`, with `symbol` for what fits no
    class; `proportional`, `heatmap` and `cluster`, for points, use `symbol` and the part of their name. `raster` is for
    rasters, which without it look as their bands say.
    """

    kind: Literal["single", "categorised", "graduated", "proportional", "heatmap", "cluster"] = "single"
    symbol: Symbol = Symbol()
    field: str = ""
    classes: tuple[Class, ...] = ()
    method: Literal["", "equal_interval", "quantile", "natural_breaks", "pretty", "std_dev"] = ""
    label: Label | None = None
    opacity: Opacity = 1.0
    min_zoom: Zoom = 0
    max_zoom: Zoom = 22
    other_it: Text = ""
    other_en: Text = ""
    proportion: Proportion | None = None
    heat: Heat | None = None
    cluster: Cluster | None = None
    raster: RasterLook | None = None


class StyleError(ValueError):
    """A style that does not follow the model; the text names the place and what was expected there."""


def parse(spec: dict[str, Any]) -> StyleSpec:
    """Read a stored style. Raises StyleError."""
    try:
        style = msgspec.convert(spec, StyleSpec)
    except msgspec.ValidationError as error:
        raise StyleError(str(error)) from error
    if style.kind in {"categorised", "graduated"} and not (style.field and style.classes):
        raise StyleError(f"a {style.kind} style needs `field` and at least one class")
    if style.kind == "proportional" and not (style.field and style.proportion):
        raise StyleError("a proportional style needs `field` and `proportion`")
    if len(style.classes) > MAX_CLASSES:
        raise StyleError(f"{len(style.classes)} classes: at most {MAX_CLASSES} can be told apart on a map")
    if style.min_zoom > style.max_zoom:
        raise StyleError(f"min_zoom {style.min_zoom} is above max_zoom {style.max_zoom}")
    _check_values(spec)
    _check_order(style)
    return style


def _check_values(spec: Any) -> None:
    """Numbers that are none and signs that no database keeps, wherever they stand."""
    if isinstance(spec, float) and not math.isfinite(spec):
        raise StyleError(f"{spec} is no number")
    if isinstance(spec, str) and any(char == "\x00" or "\ud800" <= char <= "\udfff" for char in spec):
        raise StyleError("a text holds a sign that cannot be kept (NUL or half of a character)")
    for part in spec.values() if isinstance(spec, dict) else spec if isinstance(spec, list | tuple) else ():
        _check_values(part)


def _check_order(style: StyleSpec) -> None:
    if style.kind == "graduated":
        for number, entry in enumerate(style.classes):
            if entry.minimum is not None and entry.maximum is not None and entry.minimum > entry.maximum:
                raise StyleError(f"class {number + 1}: minimum {entry.minimum:g} is above maximum {entry.maximum:g}")
    if style.raster is not None:
        limits = [entry.maximum for entry in style.raster.classes]
        if limits != sorted(limits):
            raise StyleError("classes of a raster: their maxima must rise")
        low, high = style.raster.minimum, style.raster.maximum
        if low is not None and high is not None and low >= high:
            raise StyleError(f"raster: minimum {low:g} is not below maximum {high:g}")


def fields_of(style: StyleSpec) -> frozenset[str]:
    """Attributes that decide how a feature is drawn; a label's is apart, since a label can be taken off."""
    return frozenset({style.field} if style.kind != "single" and style.field else ())


def dump(style: StyleSpec) -> dict[str, Any]:
    """The JSON form that `Style.spec` keeps."""
    result: dict[str, Any] = msgspec.to_builtins(style)
    return result
