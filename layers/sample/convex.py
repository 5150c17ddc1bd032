"""Convex polygons with a label on each edge: small enough for plain Python, exact where shapes must tile.

A polygon is a counter-clockwise list of (x, y, label), the label being that of the edge that starts at the vertex.
"""

from __future__ import annotations

import math

Vertex = tuple[float, float, int]
Convex = list[Vertex]

INNER = -1
"""Label of an edge that came from a cut, not from a street."""


def area(polygon: Convex) -> float:
    """Square metres; 0 for what is not a polygon any more."""
    total = 0.0
    for (x1, y1, _a), (x2, y2, _b) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        total += x1 * y2 - x2 * y1
    return total / 2


def centre(polygon: Convex) -> tuple[float, float]:
    """The mean of the vertices: inside, since the polygon is convex."""
    count = len(polygon)
    return sum(v[0] for v in polygon) / count, sum(v[1] for v in polygon) / count


def clip(polygon: Convex, a: float, b: float, c: float, label: int = INNER) -> Convex:
    """The part where a·x + b·y ≤ c; the edge along the cut gets `label`."""
    kept: Convex = []
    count = len(polygon)
    for place in range(count):
        x1, y1, edge = polygon[place]
        x2, y2, _ = polygon[(place + 1) % count]
        d1, d2 = a * x1 + b * y1 - c, a * x2 + b * y2 - c
        if d1 <= 0:
            kept.append((x1, y1, edge))
        if (d1 <= 0) != (d2 <= 0):
            t = d1 / (d1 - d2)
            crossing = (x1 + t * (x2 - x1), y1 + t * (y2 - y1))
            # Leaving: the cut begins here. Entering: the old edge goes on from here.
            kept.append((*crossing, label if d1 <= 0 else edge))
    return kept if len(kept) >= 3 else []


def inset(polygon: Convex, distances: dict[int, float], otherwise: float = 0.0) -> Convex:
    """The polygon with each edge moved inwards by the distance of its label."""
    result = polygon
    for (x1, y1, label), (x2, y2, _) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        length = math.hypot(x2 - x1, y2 - y1)
        distance = distances.get(label, otherwise)
        if length < 1e-9 or distance <= 0:
            continue
        # The outward normal of a counter-clockwise edge lies to its right.
        a, b = (y2 - y1) / length, -(x2 - x1) / length
        result = clip(result, a, b, a * x1 + b * y1 - distance, label)
        if not result:
            return []
    return result


def split(polygon: Convex, share: float) -> tuple[Convex, Convex]:
    """Cut across the long axis, leaving about `share` of the length in the first piece."""
    ux, uy = main_direction(polygon)
    along = [x * ux + y * uy for x, y, _ in polygon]
    across = [-x * uy + y * ux for x, y, _ in polygon]
    if max(along) - min(along) < max(across) - min(across):
        ux, uy = -uy, ux
        along = across
    place = min(along) + share * (max(along) - min(along))
    return clip(polygon, ux, uy, place), clip(polygon, -ux, -uy, -place)


def main_direction(polygon: Convex) -> tuple[float, float]:
    """Unit vector of the longest edge."""
    best, direction = 0.0, (1.0, 0.0)
    for (x1, y1, _a), (x2, y2, _b) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        length = math.hypot(x2 - x1, y2 - y1)
        if length > best:
            best, direction = length, ((x2 - x1) / length, (y2 - y1) / length)
    return direction


def street_edge(polygon: Convex) -> tuple[Vertex, Vertex, float] | None:
    """The longest edge that lies on a street: its ends and its length; None for a plot without frontage."""
    best: tuple[Vertex, Vertex, float] | None = None
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if start[2] != INNER:
            length = math.hypot(end[0] - start[0], end[1] - start[1])
            if best is None or length > best[2]:
                best = (start, end, length)
    return best


def rectangle(x: float, y: float, direction: tuple[float, float], width: float, depth: float) -> Convex:
    """A rectangle around a point, its width along `direction`."""
    ux, uy = direction
    corners = [(-width, -depth), (width, -depth), (width, depth), (-width, depth)]
    return [(x + (w * ux - d * uy) / 2, y + (w * uy + d * ux) / 2, INNER) for w, d in corners]


def intersection(first: Convex, second: Convex) -> Convex:
    """What two convex polygons share."""
    result = first
    for (x1, y1, _a), (x2, y2, _b) in zip(second, second[1:] + second[:1], strict=True):
        a, b = y2 - y1, x1 - x2
        result = clip(result, a, b, a * x1 + b * y1)
        if not result:
            return []
    return result
