"""How sizes follow the scale, as in the browser: the factors of `layers.styles.zooms`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from layers.styles.zooms import LINE_GROWTH, OUTLINE_GROWTH, POINT_GROWTH, RIM_GROWTH

__all__ = ["LINE_GROWTH", "OUTLINE_GROWTH", "POINT_GROWTH", "RIM_GROWTH", "factor"]


def factor(steps: Mapping[int, float], zoom: float) -> float:
    """Linear between the steps, constant before the first and after the last."""
    zooms = sorted(steps)
    if zoom <= zooms[0]:
        return steps[zooms[0]]
    for low, high in pairwise(zooms):
        if zoom <= high:
            return steps[low] + (steps[high] - steps[low]) * (zoom - low) / (high - low)
    return steps[zooms[-1]]
