"""What MapLibre draws of points beside single marks and classes: proportional discs, density, clusters. Pure."""

from __future__ import annotations

from typing import Any

from layers.styles.expressions import has_value, number_of
from layers.styles.model import Cluster, Heat, Proportion, StyleSpec
from layers.styles.palette import colours, darker
from layers.styles.zooms import POINT_GROWTH, RIM_GROWTH, zoomed

POINT_KINDS = frozenset({"proportional", "heatmap", "cluster"})
"""Kinds of style that mean something for points alone."""
_PROPORTION = Proportion(value_to=1.0)


def _proportional(style: StyleSpec) -> list[dict[str, Any]]:
    found = style.proportion or _PROPORTION
    number = ["max", 0, number_of(style.field)]
    size = ["*", found.size_to, ["sqrt", ["/", number, found.value_to]]]
    symbol, valued = style.symbol, has_value(style.field)
    radius = ["*", 0.5, ["max", found.size_from, ["min", found.size_to, size]]]
    return [
        {
            "id": "circle",
            "type": "circle",
            # The greatest first, so that small discs stay in sight.
            "layout": {"circle-sort-key": ["-", 0, number]},
            "paint": {
                "circle-color": symbol.fill,
                "circle-radius": zoomed(radius, POINT_GROWTH),
                "circle-opacity": ["case", valued, round(symbol.fill_opacity * style.opacity, 3), 0.0],
                # The ring of what has no value: a rim is often white, and could not be seen alone.
                "circle-stroke-color": ["case", valued, symbol.stroke, symbol.fill],
                "circle-stroke-width": zoomed(symbol.stroke_width, RIM_GROWTH),
                "circle-stroke-opacity": style.opacity,
            },
        }
    ]


def _heatmap(style: StyleSpec) -> list[dict[str, Any]]:
    heat = style.heat or Heat()
    weight: Any = 1
    if style.field:
        share = ["/", ["max", 0, number_of(style.field)], heat.value_to]
        weight = ["min", 1, share]
    shades = colours(heat.ramp, 6)
    stops: list[Any] = [0, "rgba(255,255,255,0)"]
    for place, colour in enumerate(shades, 1):
        stops += [round(place / len(shades), 3), colour]
    return [
        {
            "id": "heat",
            "type": "heatmap",
            "paint": {
                "heatmap-weight": weight,
                "heatmap-radius": zoomed(heat.radius, POINT_GROWTH),
                "heatmap-intensity": ["interpolate", ["linear"], ["zoom"], 11, 0.5, 17, 1.5],
                "heatmap-color": ["interpolate", ["linear"], ["heatmap-density"], *stops],
                "heatmap-opacity": style.opacity,
            },
        }
    ]


def _cluster(style: StyleSpec) -> list[dict[str, Any]]:
    symbol = style.symbol
    grouped = ["has", "point_count"]
    discs = {
        "circle-color": symbol.fill,
        "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "point_count"]], 1, 12, 30, 32],
        "circle-opacity": max(0.85, symbol.fill_opacity) * style.opacity,
        "circle-stroke-color": "#ffffff",
        "circle-stroke-width": 2,
    }
    single = {
        "circle-color": symbol.fill,
        "circle-radius": zoomed(symbol.size / 2, POINT_GROWTH),
        "circle-opacity": round(symbol.fill_opacity * style.opacity, 3),
        "circle-stroke-color": symbol.stroke,
        "circle-stroke-width": zoomed(symbol.stroke_width, RIM_GROWTH),
    }
    text = {"text-field": ["to-string", ["get", "point_count"]], "text-font": ["Titillium Web"], "text-size": 13}
    return [
        {"id": "circle", "type": "circle", "filter": ["!", grouped], "paint": single},
        {"id": "cluster", "type": "circle", "filter": grouped, "paint": discs},
        {
            "id": "count-label",
            "type": "symbol",
            "filter": grouped,
            "layout": {**text, "text-allow-overlap": True},
            "paint": {"text-color": "#ffffff", "text-halo-color": darker(symbol.fill), "text-halo-width": 1.2},
        },
    ]


def cluster_source(style: StyleSpec) -> dict[str, Any]:
    """What a GeoJSON source needs to put points in clusters; empty for another style."""
    if style.kind != "cluster":
        return {}
    found = style.cluster or Cluster()
    return {"cluster": True, "clusterRadius": found.radius, "clusterMaxZoom": found.max_zoom}


POINTS = {"proportional": _proportional, "heatmap": _heatmap, "cluster": _cluster}
