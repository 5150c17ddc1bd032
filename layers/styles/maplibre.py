"""The thematic model compiled to MapLibre style layers. Pure: no database, no settings, no request.

Point shapes and hatches are images that the page draws when MapLibre asks for them; their names say how
(`shape|<shape>|<fill>|<fill opacity>|<stroke>|<stroke width>|<size>`, `hatch|<hatch>|<colour>|<opacity>`).
Source: MapLibre Style Specification, version 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from layers.styles.expressions import CLASSED, any_of, by_class
from layers.styles.geometry import Drawn, drawn_as
from layers.styles.model import Label, StyleSpec, Symbol
from layers.styles.points import POINT_KINDS, POINTS
from layers.styles.reduced import classed
from layers.styles.zooms import LINE_GROWTH, OUTLINE_GROWTH, POINT_GROWTH, RIM_GROWTH, zoomed

FONT = ("Titillium Web",)
"""A font of the page: MapLibre draws the glyphs itself, so that no glyph server is needed."""

_GEOMETRY_NAMES = {"point": "Point", "line": "LineString", "polygon": "Polygon"}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the compiled layers hang: ids start with `source`, zooms are those of the layer, both inclusive."""

    source: str
    source_layer: str
    min_zoom: int = 0
    max_zoom: int = 22


def compile_layers(style: StyleSpec, geometry_type: str, target: Target) -> list[dict[str, Any]]:
    """The style layers that draw `style`, bottom first; empty for a table without geometry."""
    kinds = drawn_as(geometry_type)
    if kinds != ("point",) and style.kind in POINT_KINDS:
        style = classed(style)
    target = within(style, target)
    compilers = {"polygon": _polygon, "line": _line, "point": POINTS.get(style.kind, _point)}
    layers: list[dict[str, Any]] = []
    for kind in kinds:
        only = _only(kind) if len(kinds) > 1 else None
        layers += [_placed({**layer, "id": f"{kind}-{layer['id']}"}, target, only) for layer in compilers[kind](style)]
    if style.kind == "cluster":
        # Clusters are made by the browser, from features and not from tiles.
        return [{name: value for name, value in layer.items() if name != "source-layer"} for layer in layers]
    if style.label is not None and kinds and style.kind not in {"heatmap", "cluster"}:
        layers.append(_placed(_label(style, style.label, kinds), target, None))
    return layers


def within(style: StyleSpec, target: Target) -> Target:
    """The target at the zooms where the style is drawn too."""
    return replace(target, min_zoom=max(target.min_zoom, style.min_zoom), max_zoom=min(target.max_zoom, style.max_zoom))


def raster_layers(source: str, *, opacity: float = 1.0, min_zoom: int = 0, max_zoom: int = 22) -> list[dict[str, Any]]:
    """The one style layer of a raster that the server has drawn."""
    return [
        {
            "id": f"{source}|raster",
            "type": "raster",
            "source": source,
            "minzoom": min_zoom,
            "maxzoom": min(max_zoom + 1, 24),
            "paint": {"raster-opacity": opacity},
        }
    ]


def _only(kind: Drawn) -> list[Any]:
    name = _GEOMETRY_NAMES[kind]
    return ["match", ["geometry-type"], [name, f"Multi{name}"], True, False]


def _placed(layer: dict[str, Any], target: Target, only: list[Any] | None) -> dict[str, Any]:
    placed = {
        **layer,
        "id": f"{target.source}|{layer['id']}",
        "source": target.source,
        "source-layer": target.source_layer,
        "minzoom": max(target.min_zoom, layer.get("minzoom", 0)),
        "maxzoom": min(target.max_zoom + 1, 24),
    }
    filters = [part for part in (only, layer.get("filter")) if part is not None]
    if filters:
        placed["filter"] = filters[0] if len(filters) == 1 else ["all", *filters]
    return placed


def _polygon(style: StyleSpec) -> list[dict[str, Any]]:
    layers: list[dict[str, Any]] = [
        {
            "id": "fill",
            "type": "fill",
            "paint": {
                "fill-color": by_class(style, lambda symbol: symbol.fill),
                "fill-opacity": _opacity(style, lambda symbol: 0.0 if symbol.hatch else symbol.fill_opacity),
                "fill-antialias": True,
            },
        }
    ]
    for place, (hatch, indexes) in enumerate(_groups(style, lambda symbol: symbol.hatch).items()):
        if hatch:
            layers.append(
                {
                    "id": f"hatch{place}",
                    "type": "fill",
                    "paint": {
                        "fill-pattern": by_class(style, _hatch_name),
                        "fill-opacity": style.opacity,
                    },
                    **_filter(style, indexes),
                }
            )
    return [*layers, *_strokes(style, thin_when_far=True)]


def _line(style: StyleSpec) -> list[dict[str, Any]]:
    return _strokes(style, thin_when_far=False)


def _strokes(style: StyleSpec, *, thin_when_far: bool) -> list[dict[str, Any]]:
    # A dash pattern holds for a whole style layer, so classes are grouped by theirs.
    layers: list[dict[str, Any]] = []
    growth = OUTLINE_GROWTH if thin_when_far else LINE_GROWTH
    for place, (dash, indexes) in enumerate(_groups(style, lambda symbol: symbol.stroke_dash).items()):
        width = by_class(style, lambda symbol: symbol.stroke_width)
        if width == 0:
            continue
        paint: dict[str, Any] = {
            "line-color": by_class(style, lambda symbol: symbol.stroke),
            "line-width": zoomed(width, growth),
            "line-opacity": style.opacity,
        }
        if dash:
            # MapLibre counts dashes in line widths.
            unit = max(_symbol_at(style, indexes[0]).stroke_width, 0.5)
            paint["line-dasharray"] = [round(part / unit, 3) for part in dash]
        cap = "butt" if dash or thin_when_far else "round"
        layers.append(
            {
                "id": f"stroke{place}",
                "type": "line",
                "layout": {"line-cap": cap, "line-join": "round"},
                "paint": paint,
                **_filter(style, indexes),
            }
        )
    return layers


def _point(style: StyleSpec) -> list[dict[str, Any]]:
    symbols = [style.symbol, *(entry.symbol for entry in style.classes)]
    if all(symbol.shape == "circle" for symbol in symbols):
        return [
            {
                "id": "circle",
                "type": "circle",
                "paint": {
                    "circle-color": by_class(style, lambda symbol: symbol.fill),
                    "circle-radius": zoomed(by_class(style, lambda symbol: symbol.size / 2), POINT_GROWTH),
                    "circle-opacity": _opacity(style, lambda symbol: symbol.fill_opacity),
                    "circle-stroke-color": by_class(style, lambda symbol: symbol.stroke),
                    "circle-stroke-width": zoomed(by_class(style, lambda symbol: symbol.stroke_width), RIM_GROWTH),
                    "circle-stroke-opacity": style.opacity,
                },
            }
        ]
    return [
        {
            "id": "shape",
            "type": "symbol",
            "layout": {
                "icon-image": by_class(style, _shape_name),
                "icon-size": zoomed(1.0, POINT_GROWTH),
                "icon-allow-overlap": True,
                "icon-ignore-placement": True,
            },
            "paint": {"icon-opacity": style.opacity},
        }
    ]


def _label(style: StyleSpec, label: Label, kinds: tuple[Drawn, ...]) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "text-field": ["to-string", ["get", label.field]],
        "text-font": list(FONT),
        "text-size": label.size,
        "text-max-width": 8,
    }
    if kinds == ("line",):
        layout |= {"symbol-placement": "line", "text-max-angle": 35, "symbol-spacing": 320}
    elif "point" in kinds:
        layout |= {"text-variable-anchor": ["top", "bottom", "right", "left"], "text-radial-offset": 0.6}
    return {
        "id": "label",
        "type": "symbol",
        "minzoom": label.min_zoom,
        "layout": layout,
        "paint": {
            "text-color": label.colour,
            "text-halo-color": label.halo,
            "text-halo-width": 1.4,
            "text-opacity": style.opacity,
        },
    }


def _opacity(style: StyleSpec, look: Callable[[Symbol], float]) -> Any:
    return by_class(style, lambda symbol: round(look(symbol) * style.opacity, 3))


def _groups(style: StyleSpec, look: Callable[[Symbol], Any]) -> dict[Any, list[int]]:
    """Class numbers by a trait that a style layer cannot vary per feature; -1 is what fits no class."""
    groups: dict[Any, list[int]] = {look(style.symbol): [-1]}
    for index, entry in enumerate(style.classes if style.kind in CLASSED else ()):
        groups.setdefault(look(entry.symbol), []).append(index)
    return groups


def _filter(style: StyleSpec, indexes: list[int]) -> dict[str, Any]:
    everything = style.kind not in CLASSED or len(indexes) == len(style.classes) + 1
    return {} if everything else {"filter": any_of(style, indexes)}


def _symbol_at(style: StyleSpec, index: int) -> Symbol:
    return style.symbol if index < 0 else style.classes[index].symbol


def _shape_name(symbol: Symbol) -> str:
    parts = (symbol.shape, symbol.fill, symbol.fill_opacity, symbol.stroke, symbol.stroke_width, symbol.size)
    return "shape|" + "|".join(str(part) for part in parts)


def _hatch_name(symbol: Symbol) -> str:
    return f"hatch|{symbol.hatch or 'none'}|{symbol.fill}|{symbol.fill_opacity}"
