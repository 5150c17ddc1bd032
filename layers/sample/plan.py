"""The lay of the land: municipality, river, main roads, and the blocks between streets.

Blocks are the Voronoi cells of seeds. Seeds set in pairs on both sides of a line make that line a street; a regular
grid of seeds makes a modern quarter, scattered ones a medieval core, sparse ones fields. Cells tile the land exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon

from layers.sample.places import DISTRICTS, District

SRID = 32632
CENTRE = (580613.0, 4998314.0)
"""The Torrazzo."""
EXTENT = (574139.0, 4993380.0, 587252.0, 5003845.0)
CORE_RADIUS = 820.0
TOWN_RADIUS = 2250.0
_RIVER = [
    (572500, 4998700), (574600, 4998150), (576000, 4996900), (577500, 4996350), (578900, 4996500),
    (580200, 4995900), (581200, 4994900), (582600, 4994450), (584000, 4994300), (585200, 4993500), (586500, 4992600),
]  # fmt: skip
RIVER_WIDTH = 300.0

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class MainRoad:
    """A road that blocks line up along."""

    line: LineString
    spacing: float
    """Metres between the seeds along it."""
    width: float
    kind: str
    """ring, radial or bypass."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One block with the streets around it not yet taken off."""

    polygon: Polygon
    kind: str
    """core, town, works, park, service, growth or field."""
    district: int
    convex: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything later steps build on."""

    municipality: Polygon
    river: Polygon
    roads: list[MainRoad]
    cells: list[Cell]
    districts: list[tuple[District, Polygon]]


def river_line() -> LineString:
    """The middle of the Po, smoothed."""
    return _smooth(np.array(_RIVER, dtype=float))


def _smooth(points: np.ndarray[Any, Any], rounds: int = 4) -> LineString:
    """Chaikin's corner cutting."""
    for _round in range(rounds):
        first, second = points[:-1], points[1:]
        cut = np.empty((2 * len(first), 2))
        cut[0::2], cut[1::2] = 0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second
        points = np.vstack([points[:1], cut, points[-1:]])
    return LineString(points)


def make_plan(rng: Rng) -> Plan:
    """Lay everything out. The same generator state gives the same plan."""
    line = river_line()
    municipality = _municipality(rng, line)
    river = line.buffer(RIVER_WIDTH / 2, cap_style="flat").intersection(municipality)
    river = max(shapely.get_parts(river), key=lambda part: part.area)
    roads = _roads(rng)
    land = municipality.difference(river)
    land = max(shapely.get_parts(land), key=lambda part: part.area)
    districts = _districts(municipality)
    cells = _cells(rng, land, line, roads, districts)
    return Plan(municipality, river, roads, cells, districts)


def _municipality(rng: Rng, river: LineString) -> Polygon:
    """An irregular outline that touches the real extent and ends in the middle of the river."""
    angles = np.linspace(0, 2 * math.pi, 240, endpoint=False)
    phases = rng.uniform(0, 2 * math.pi, 5)
    radius = 1 + sum(
        weight * np.cos(order * angles + phase)
        for order, weight, phase in zip((2, 3, 5, 8, 13), (0.05, 0.07, 0.05, 0.04, 0.02), phases, strict=True)
    )
    x, y = radius * np.cos(angles), radius * np.sin(angles)
    west, south, east, north = EXTENT
    x = west + (x - x.min()) / (x.max() - x.min()) * (east - west)
    y = south + (y - y.min()) / (y.max() - y.min()) * (north - south)
    outline = Polygon(np.column_stack([x, y]).round(1)).buffer(0)
    coordinates = list(river.coords)
    north_side = Polygon([*coordinates, (600000, 4990000), (600000, 5010000), (560000, 5010000), (560000, 4998700)])
    parts = shapely.get_parts(outline.intersection(north_side.buffer(0)))
    kept: Polygon = max(parts, key=lambda part: part.area)
    return kept


def _roads(rng: Rng) -> list[MainRoad]:
    cx, cy = CENTRE
    roads = [
        MainRoad(_round_line(rng, CORE_RADIUS, 0, 2 * math.pi, 0.06), 62.0, 20.0, "ring"),
        MainRoad(_round_line(rng, 2600, math.radians(-35), math.radians(170), 0.05), 130.0, 22.0, "bypass"),
    ]
    for number in range(11):
        angle = 2 * math.pi * number / 11 + rng.uniform(-0.14, 0.14)
        south_west = math.cos(angle - math.radians(235))
        reach = 1500.0 if south_west > 0.75 else (2500.0 if south_west > 0.2 else 6500.0)
        steps = np.arange(CORE_RADIUS * 0.22, reach, 420.0)
        bends = angle + np.cumsum(rng.normal(0, 0.022, len(steps)))
        points = np.column_stack([cx + steps * np.cos(bends), cy + steps * np.sin(bends)])
        roads.append(MainRoad(_smooth(points, 2), 64.0, 13.0, "radial"))
    return roads


def _round_line(rng: Rng, radius: float, start: float, end: float, wobble: float) -> LineString:
    angles = np.linspace(start, end, 90)
    phase = rng.uniform(0, 6, 2)
    radii = radius * (1 + wobble * np.cos(2 * angles + phase[0]) + wobble / 2 * np.cos(3 * angles + phase[1]))
    return LineString(np.column_stack([CENTRE[0] + radii * np.cos(angles), CENTRE[1] + radii * np.sin(angles)]))


def _districts(municipality: Polygon) -> list[tuple[District, Polygon]]:
    """Districts by nearest centre, cut to the municipality."""
    sites = shapely.multipoints([(CENTRE[0] + d.dx, CENTRE[1] + d.dy) for d in DISTRICTS])
    cells = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=municipality.buffer(3000), ordered=True))
    return [(district, cell.intersection(municipality)) for district, cell in zip(DISTRICTS, cells, strict=True)]


def _cells(
    rng: Rng, land: Polygon, river: LineString, roads: list[MainRoad], districts: list[tuple[District, Polygon]]
) -> list[Cell]:
    pairs = _paired_seeds(roads, land)
    scattered = _scattered_seeds(rng, land, river)
    near = np.full(len(scattered), np.inf)
    points = shapely.points(scattered)
    for road in roads:
        # A free strip on both sides, or the pairs would not meet on the line.
        near = np.minimum(near, shapely.distance(points, road.line) / (road.spacing * 0.95))
    seeds = np.vstack([pairs, scattered[near > 1.0]])
    seeds = _apart(seeds, 24.0)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=land.buffer(1000), ordered=True)
    )
    shapely.prepare(land)
    inside = shapely.contains_properly(land, cells)
    touching = shapely.intersects(land, cells)
    made = []
    for seed, cell, whole in zip(seeds[touching], cells[touching], inside[touching], strict=True):
        for part in [cell] if whole else shapely.get_parts(cell.intersection(land)):
            if part.geom_type == "Polygon" and part.area > 25:
                made.append(_cell(rng, part, seed, whole, river, roads, districts))
    return made


def _cell(
    rng: Rng,
    polygon: Polygon,
    seed: np.ndarray[Any, Any],
    whole: bool,
    river: LineString,
    roads: list[MainRoad],
    districts: list[tuple[District, Polygon]],
) -> Cell:
    x, y = float(seed[0]), float(seed[1])
    distances = [math.hypot(x - CENTRE[0] - d.dx, y - CENTRE[1] - d.dy) for d, _ in districts]
    district = int(np.argmin(distances))
    walls = Polygon(roads[0].line.coords)
    inside = walls.contains(Point(x, y))
    kind = _kind(rng, x, y, district, inside, river.distance(Point(x, y))) if whole else "field"
    if polygon.area > 40_000:
        kind = "field"
    return Cell(polygon, kind, district, whole)


def _kind(rng: Rng, x: float, y: float, district: int, within_walls: bool, to_river: float) -> str:
    radius = math.hypot(x - CENTRE[0], y - CENTRE[1])
    luck = rng.random()
    if to_river < 750:
        return "park" if radius < 2600 and luck < 0.35 else "field"
    if within_walls:
        return "park" if luck < 0.02 else ("service" if luck < 0.07 else "core")
    if not _built(np.array([x]), np.array([y]), district)[0]:
        return "field"
    if DISTRICTS[district].works and luck < 0.6:
        return "works"
    if luck < 0.05:
        return "park"
    if luck < 0.09:
        return "service"
    return "growth" if luck < 0.105 else "town"


def _built(x: Any, y: Any, district: int, margin: float = 0.0) -> Any:
    """Whether places lie in the town, or in the village of a district (with a margin in metres around both)."""
    dx, dy = x - CENTRE[0], y - CENTRE[1]
    town = np.hypot(dx, dy) < _reach(np.arctan2(dy, dx), TOWN_RADIUS, 1) + margin
    place = DISTRICTS[district]
    if not place.village:
        return town
    dx, dy = dx - place.dx, dy - place.dy
    return town | (np.hypot(dx, dy) < _reach(np.arctan2(dy, dx), place.village, district) + margin)


def _reach(angle: Any, base: float, order: int) -> Any:
    """How far a settlement goes in a direction: never a circle."""
    return base * (1 + 0.11 * np.cos(3 * angle + order) + 0.07 * np.cos(5 * angle + 2 * order))


def _paired_seeds(roads: list[MainRoad], land: Polygon) -> np.ndarray[Any, Any]:
    found: list[tuple[float, float]] = []
    for road in roads:
        half = road.spacing * 0.55
        for place in np.arange(road.spacing / 2, road.line.length, road.spacing):
            point, ahead = road.line.interpolate(place), road.line.interpolate(place + 1.0)
            dx, dy = ahead.x - point.x, ahead.y - point.y
            length = math.hypot(dx, dy) or 1.0
            for side in (-half, half):
                found.append((point.x - dy / length * side, point.y + dx / length * side))
    seeds = np.array(found)
    kept: np.ndarray[Any, Any] = seeds[shapely.contains_xy(land, seeds[:, 0], seeds[:, 1])]
    return kept


def _scattered_seeds(rng: Rng, land: Polygon, river: LineString) -> np.ndarray[Any, Any]:
    parts = [_core_seeds(rng)]
    parts += [_quarter_seeds(number, district) for number, district in enumerate(DISTRICTS)]
    parts.append(_field_seeds(rng))
    seeds = np.vstack(parts)
    kept: np.ndarray[Any, Any] = seeds[shapely.contains_xy(land, seeds[:, 0], seeds[:, 1])]
    return kept


def _core_seeds(rng: Rng) -> np.ndarray[Any, Any]:
    """Crooked medieval blocks, smaller towards the cathedral square, which itself stays free."""
    radii = np.arange(58.0, CORE_RADIUS - 30, 58.0)
    points = []
    for radius in radii:
        count = max(5, int(2 * math.pi * radius / 66))
        angles = 2 * math.pi * (np.arange(count) + rng.uniform()) / count
        for angle in angles:
            r, a = radius + rng.normal(0, 13), angle + rng.normal(0, 13 / radius)
            points.append((CENTRE[0] + r * math.cos(a), CENTRE[1] + r * math.sin(a)))
    return np.array(points)


def _quarter_seeds(number: int, district: District) -> np.ndarray[Any, Any]:
    """The regular grid of one district, turned its own way, where it is built up."""
    angle = math.radians(17 * number + 8)
    across, along = (150.0, 210.0) if district.works else (74.0 + number % 3 * 9, 104.0 + number % 4 * 12)
    steps = np.arange(-40, 41)
    u, v = np.meshgrid(steps * along, steps * across)
    x = CENTRE[0] + district.dx + u.ravel() * math.cos(angle) - v.ravel() * math.sin(angle)
    y = CENTRE[1] + district.dy + u.ravel() * math.sin(angle) + v.ravel() * math.cos(angle)
    distance = np.stack([np.hypot(x - CENTRE[0] - d.dx, y - CENTRE[1] - d.dy) for d in DISTRICTS])
    radius = np.hypot(x - CENTRE[0], y - CENTRE[1])
    mine = (distance.argmin(axis=0) == number) & _built(x, y, number) & (radius > CORE_RADIUS + 60)
    kept: np.ndarray[Any, Any] = np.column_stack([x, y])[mine]
    return kept


def _field_seeds(rng: Rng) -> np.ndarray[Any, Any]:
    """Long fields, in the slanted grid that drainage made."""
    west, south, east, north = EXTENT
    step_x, step_y = 330.0, 240.0
    u, v = np.meshgrid(np.arange(west - 3000, east + 3000, step_x), np.arange(south - 3000, north + 3000, step_y))
    u = u + (np.arange(v.shape[0])[:, None] % 2) * step_x / 2
    x = u.ravel() + 0.25 * (v.ravel() - CENTRE[1]) + rng.normal(0, 26, u.size)
    y = v.ravel() - 0.12 * (u.ravel() - CENTRE[0]) + rng.normal(0, 22, u.size)
    outside = np.ones(x.size, dtype=bool)
    for number in range(len(DISTRICTS)):
        outside &= ~_built(x, y, number, 60.0)
    return np.column_stack([x, y])[outside]


def _apart(seeds: np.ndarray[Any, Any], least: float) -> np.ndarray[Any, Any]:
    """Drop seeds closer than `least` metres to one before them: slivers between two grids."""
    points = np.asarray(shapely.points(seeds))
    first, second = shapely.STRtree(points).query(points, predicate="dwithin", distance=least)
    dropped = np.zeros(len(seeds), dtype=bool)
    for a, b in sorted(zip(first.tolist(), second.tolist(), strict=True)):
        if a < b and not dropped[a]:
            dropped[b] = True
    kept: np.ndarray[Any, Any] = seeds[~dropped]
    return kept
