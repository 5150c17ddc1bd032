"""Blocks cut into parcels, buildings inside parcels, house numbers on the street side: nothing overlaps."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from layers.sample.convex import (
    INNER,
    Convex,
    area,
    centre,
    clip,
    inset,
    intersection,
    main_direction,
    rectangle,
    split,
    street_edge,
)
from layers.sample.plan import Cell, Plan, Rng
from layers.sample.streets import Edge, Street, edge_of, node

_PARCEL_M2 = {"core": 310, "town": 700, "works": 4200, "park": 9000, "service": 2600, "growth": 3500, "field": 4600}
_BUILT_SHARE = {"core": 0.97, "town": 0.75, "works": 0.85, "park": 0.02, "service": 0.8, "growth": 0.05, "field": 0.006}
Points = np.ndarray[Any, Any]
_SHEETS = 119
"""Cadastral sheets of the municipality."""


@dataclass(slots=True)
class Parcel:
    """One cadastral parcel."""

    shape: shapely.Polygon
    kind: str
    district: int
    sheet: int = 0
    number: int = 0


@dataclass(slots=True)
class Building:
    """One building, on one parcel."""

    shape: shapely.Polygon
    parcel: int
    use: str
    code: str
    """DBT class: A020102 edificio, A020106 edificio minore."""
    levels: int
    height_m: float
    year: int
    district: int


@dataclass(slots=True)
class Number:
    """One house number."""

    x: float
    y: float
    street: int
    civic: int
    exponent: str
    parcel: int


@dataclass(slots=True)
class Plots:
    """What stands on the land."""

    parcels: list[Parcel]
    buildings: list[Building]
    numbers: list[Number]
    blocks: list[shapely.Polygon]


def make_plots(plan: Plan, streets: list[Street], street_of: dict[Edge, int], rng: Rng) -> Plots:
    """Cut every block; the same generator state gives the same city."""
    plots = Plots([], [], [], [])
    doors: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    for cell in plan.cells:
        if not cell.convex:
            plots.parcels.append(Parcel(cell.polygon, cell.kind, cell.district))
            continue
        block = _block(cell, streets, street_of)
        if block and area(block) > 30:
            plots.blocks.append(_polygon(block))
            for piece in _pieces(block, _PARCEL_M2[cell.kind], rng):
                _settle(piece, cell, plots, doors, rng)
    _number_parcels(plots.parcels)
    plots.numbers = _house_numbers(doors, streets, plots, rng)
    return plots


def _polygon(piece: Convex) -> shapely.Polygon:
    return shapely.Polygon([(round(x, 3), round(y, 3)) for x, y, _ in piece])


def _block(cell: Cell, streets: list[Street], street_of: dict[Edge, int]) -> Convex:
    """The cell as a labelled polygon, half of each street taken off."""
    corners = list(cell.polygon.exterior.coords)[:-1]
    if not cell.polygon.exterior.is_ccw:
        corners.reverse()
    polygon: Convex = []
    halves: dict[int, float] = {}
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        a, b = node(x1, y1), node(x2, y2)
        label = street_of.get(edge_of(a, b), INNER) if a != b else INNER
        polygon.append((x1, y1, label))
        if label != INNER:
            halves[label] = streets[label].width / 2
    return inset(polygon, halves)


def _pieces(block: Convex, target: float, rng: Rng) -> list[Convex]:
    """Halve a block until the pieces are about as large as parcels are."""
    todo, done = [block], []
    while todo:
        piece = todo.pop()
        size = area(piece)
        if size < target * rng.uniform(1.1, 1.9):
            if size > 4:
                done.append(piece)
            continue
        first, second = split(piece, rng.uniform(0.42, 0.58))
        if not first or not second:
            done.append(piece)
            continue
        todo += [first, second]
    return done


def _settle(
    piece: Convex, cell: Cell, plots: Plots, doors: dict[int, list[tuple[float, float, int]]], rng: Rng
) -> None:
    """Register a parcel and, mostly, build on it and open a door to its street."""
    place = len(plots.parcels)
    plots.parcels.append(Parcel(_polygon(piece), cell.kind, cell.district))
    front = street_edge(piece)
    if rng.random() > _BUILT_SHARE[cell.kind]:
        return
    footprint = _footprint(piece, cell.kind, front, rng)
    if area(footprint) < 28:
        return
    shape = _polygon(footprint)
    plots.buildings.append(_building(shape, place, cell, rng))
    if cell.kind in ("town", "service") and rng.random() < 0.13:
        _outhouse(piece, shape, place, cell, plots, rng)
    if front:
        for share in (0.34, 0.68) if front[2] > 17 and rng.random() < 0.45 else (0.5,):
            doors[front[0][2]].append((*_door(front, share), place))


def _door(front: tuple[tuple[float, float, int], tuple[float, float, int], float], share: float) -> tuple[float, float]:
    """A point on the frontage, a step inside the parcel."""
    (x1, y1, _a), (x2, y2, _b), length = front
    x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
    return x - (y2 - y1) / length * 0.6, y + (x2 - x1) / length * 0.6


def _footprint(
    piece: Convex, kind: str, front: tuple[tuple[float, float, int], tuple[float, float, int], float] | None, rng: Rng
) -> Convex:
    """Where the building stands: along the street in the core, free on its plot elsewhere."""
    if kind == "core" and front:
        (x1, y1, _a), (x2, y2, _b), length = front
        a, b = -(y2 - y1) / length, (x2 - x1) / length
        depth = rng.uniform(10, 17)
        body = inset(piece, {}, 0.15) or piece
        return clip(body, a, b, a * x1 + b * y1 + depth)
    gap = {"core": 0.4, "town": rng.uniform(2.2, 4.0), "works": 8.0, "service": 7.0}.get(kind, 12.0)
    body = inset(piece, {}, gap)
    if not body:
        return []
    direction = main_direction(piece)
    if front:
        (x1, y1, _a), (x2, y2, _b), length = front
        direction = ((x2 - x1) / length, (y2 - y1) / length)
    x, y = centre(body)
    wide, deep = {
        "town": (rng.uniform(9, 19), rng.uniform(8.5, 13)),
        "works": (rng.uniform(35, 75), rng.uniform(25, 45)),
        "service": (rng.uniform(22, 48), rng.uniform(14, 26)),
        "field": (rng.uniform(30, 55), rng.uniform(9, 14)),
    }.get(kind, (rng.uniform(10, 20), rng.uniform(8, 12)))
    return intersection(body, rectangle(x, y, direction, wide, deep))


def _outhouse(piece: Convex, main: shapely.Polygon, parcel: int, cell: Cell, plots: Plots, rng: Rng) -> None:
    """A garage in the corner farthest from the house, where one fits."""
    corner = max(piece, key=lambda v: main.distance(shapely.Point(v[0], v[1])))
    x, y = centre(piece)
    toward = math.hypot(x - corner[0], y - corner[1])
    if toward < 8:
        return
    cx, cy = corner[0] + (x - corner[0]) / toward * 5, corner[1] + (y - corner[1]) / toward * 5
    shape = intersection(inset(piece, {}, 0.5), rectangle(cx, cy, main_direction(piece), 6.0, 3.5))
    if area(shape) > 10:
        garage = _polygon(shape)
        if garage.distance(main) > 0.5:
            height = round(float(rng.uniform(2.4, 3.2)), 1)
            plots.buildings.append(Building(garage, parcel, "garage", "A020106", 1, height, 1990, cell.district))


def _building(shape: shapely.Polygon, parcel: int, cell: Cell, rng: Rng) -> Building:
    luck = rng.random()
    if cell.kind == "core":
        use = "residenziale" if luck < 0.7 else ("commerciale" if luck < 0.92 else "pubblico")
        levels, year = int(rng.integers(2, 6)), int(rng.integers(1450, 1935))
    elif cell.kind == "works":
        use, levels, year = "produttivo", int(rng.integers(1, 3)), int(rng.integers(1965, 2020))
    elif cell.kind == "service":
        use, levels, year = "pubblico", int(rng.integers(1, 5)), int(rng.integers(1930, 2010))
    elif cell.kind == "field":
        use, levels, year = "rurale", int(rng.integers(1, 3)), int(rng.integers(1750, 1985))
    else:
        use = "residenziale" if luck < 0.9 else ("commerciale" if luck < 0.97 else "produttivo")
        levels = int(rng.choice([1, 2, 2, 3, 3, 4, 5, 8], p=[0.1, 0.25, 0.2, 0.15, 0.12, 0.1, 0.06, 0.02]))
        year = int(rng.integers(1920, 2022))
    storey = {"produttivo": 5.5, "rurale": 3.9}.get(use, 3.1)
    height = round(levels * storey + float(rng.uniform(0.4, 1.8)), 1)
    return Building(shape, parcel, use, "A020102", levels, height, year, cell.district)


def _number_parcels(parcels: list[Parcel]) -> None:
    """A sheet for each parcel by place (nearest of 119 points on a spiral), then numbers from 1 in each sheet."""
    points = np.array([(p.shape.centroid.x, p.shape.centroid.y) for p in parcels])
    middle = points.mean(axis=0)
    # Sheets are small where parcels are small: the town takes many, the country few.
    turns = np.arange(_SHEETS) * math.pi * (3 - math.sqrt(5))
    radii = 6300 * (np.arange(_SHEETS) / _SHEETS) ** 0.85
    sites = middle + np.column_stack([radii * np.cos(turns), radii * np.sin(turns)])
    tree = shapely.STRtree(np.asarray(shapely.points(sites)))
    nearest: list[int] = np.asarray(tree.nearest(np.asarray(shapely.points(points)))).tolist()
    order = {int(site): rank for rank, site in enumerate(dict.fromkeys(sorted(nearest, key=lambda s: -sites[s][1])), 1)}
    counts: dict[int, int] = defaultdict(int)
    for parcel, site in zip(parcels, nearest, strict=True):
        parcel.sheet = order[site]
        counts[parcel.sheet] += 1
        parcel.number = counts[parcel.sheet]


def _house_numbers(
    doors: dict[int, list[tuple[float, float, int]]], streets: list[Street], plots: Plots, rng: Rng
) -> list[Number]:
    """Odd numbers on the left, even on the right, growing along the street; a late-comer gets a letter."""
    found: list[Number] = []
    for street, places in sorted(doors.items()):
        line = streets[street].line
        path = line if line.geom_type == "LineString" else max(shapely.get_parts(line), key=lambda part: part.length)
        points = shapely.points([(x, y) for x, y, _parcel in places])
        along = shapely.line_locate_point(path, points)
        ahead = shapely.line_interpolate_point(path, along + 1.0)
        here = shapely.line_interpolate_point(path, along)
        sides = _sides(points, here, ahead)
        for left in (True, False):
            chosen = [n for n in np.argsort(along, kind="stable").tolist() if bool(sides[n]) is left]
            civic = 1 if left else 2
            for rank, place in enumerate(chosen):
                x, y, parcel = places[place]
                letter = rank > 0 and rng.random() < 0.09
                if letter:
                    last = found[-1]
                    exponent = chr(ord(last.exponent) + 1) if last.exponent else "A"
                    found.append(Number(x, y, street, last.civic, exponent, parcel))
                    continue
                found.append(Number(x, y, street, civic, "", parcel))
                civic += 2
    return found


def _sides(points: Points, here: Points, ahead: Points) -> Points:
    px, py = shapely.get_x(points), shapely.get_y(points)
    hx, hy, ax, ay = shapely.get_x(here), shapely.get_y(here), shapely.get_x(ahead), shapely.get_y(ahead)
    left: Points = (ax - hx) * (py - hy) - (ay - hy) * (px - hx) > 0
    return left
