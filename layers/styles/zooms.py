"""How sizes grow with the zoom. Every renderer follows the same factors."""

from __future__ import annotations

from typing import Any

LINE_GROWTH = {11: 0.5, 15: 1.0, 19: 1.8}
OUTLINE_GROWTH = {11: 0.25, 15: 1.0, 19: 1.8}
RIM_GROWTH = {11: 0.2, 15: 1.0}
POINT_GROWTH = {11: 0.35, 15: 1.0, 19: 1.5}
"""Factors by zoom: sizes are what the style says at zoom 15."""


def zoomed(value: Any, steps: dict[int, float]) -> list[Any]:
    """`value` times a factor that grows with the zoom. MapLibre wants the zoom outermost."""
    stops: list[Any] = []
    for zoom, factor in steps.items():
        scaled = round(value * factor, 3) if isinstance(value, int | float) else ["*", value, factor]
        stops += [zoom, scaled]
    return ["interpolate", ["linear"], ["zoom"], *stops]
