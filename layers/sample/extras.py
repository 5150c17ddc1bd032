"""What else a city has: trees, schools, bus stops, ditches, terrain, zoning, neighbourhood limits of two dates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from rasterio.transform import Affine, from_origin

from layers.sample.places import DISTRICTS
from layers.sample.plan import CENTRE, EXTENT, Plan, Rng, river_line
from layers.sample.plots import Plots
from layers.sample.streets import Street

SPECIES = (
    ("Tilia cordata", "Tiglio selvatico"),
    ("Platanus × acerifolia", "Platano comune"),
    ("Acer campestre", "Acero campestre"),
    ("Celtis australis", "Bagolaro"),
    ("Quercus robur", "Farnia"),
    ("Populus nigra", "Pioppo nero"),
    ("Carpinus betulus", "Carpino bianco"),
    ("Prunus cerasifera", "Mirabolano"),
    ("Fraxinus excelsior", "Frassino maggiore"),
    ("Aesculus hippocastanum", "Ippocastano"),
)
ZONES = {
    "core": ("NAF", "Nuclei di antica formazione", "art. 21"),
    "town": ("TUC-R", "Tessuto urbano consolidato residenziale", "art. 24"),
    "works": ("TUC-P", "Tessuto urbano consolidato produttivo", "art. 27"),
    "service": ("SP", "Servizi comunali esistenti", "PdS art. 6"),
    "park": ("VP", "Verde pubblico e sportivo", "PdS art. 8"),
    "growth": ("AT", "Ambiti di trasformazione", "DdP art. 5"),
    "field": ("E", "Aree agricole", "art. 33"),
}
"""Zone code, name and article for each kind of block."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree of the census."""

    x: float
    y: float
    species: int
    year: int
    girth_cm: int
    place: str


def make_trees(plan: Plan, plots: Plots, streets: list[Street], rng: Rng) -> list[Tree]:
    """Rows along the wide avenues, clumps in the parks."""
    trees = []
    for street in streets:
        kind = street.kind.split(":")[0]
        if kind in ("ring", "radial") or street.name.startswith("Viale"):
            species = int(rng.integers(len(SPECIES)))
            step, offset = float(rng.uniform(11, 15)), street.width / 2 - 1.2
            for part in shapely.get_parts(street.line):
                for along in np.arange(step, part.length - step / 2, step):
                    here, ahead = part.interpolate(along), part.interpolate(along + 0.5)
                    dx, dy = (ahead.x - here.x) * 2, (ahead.y - here.y) * 2
                    if kind == "radial" and math.hypot(here.x - CENTRE[0], here.y - CENTRE[1]) > 2300:
                        break
                    for side in (-offset, offset):
                        if rng.random() < 0.93:
                            trees.append(_tree(here.x - dy * side, here.y + dx * side, species, street.name, rng))
    for cell in plan.cells:
        if cell.kind == "park":
            west, south, east, north = cell.polygon.bounds
            count = int(cell.polygon.area / 190)
            x, y = rng.uniform(west, east, count), rng.uniform(south, north, count)
            inside = shapely.contains_xy(cell.polygon.buffer(-8), x, y)
            park = f"Parco {DISTRICTS[cell.district].name.split('-')[0]}"
            trees += [
                _tree(a, b, int(rng.integers(len(SPECIES))), park, rng)
                for a, b in zip(x[inside], y[inside], strict=True)
            ]
    return trees


def _tree(x: float, y: float, species: int, place: str, rng: Rng) -> Tree:
    year = int(rng.integers(1930, 2024))
    return Tree(float(x), float(y), species, year, int((2026 - year) * rng.uniform(1.4, 2.6)) + 8, place)


@dataclass(frozen=True, slots=True)
class Place:
    """A named point."""

    x: float
    y: float
    name: str
    kind: str
    extra: str = ""


def make_schools(plan: Plan, plots: Plots, rng: Rng) -> list[Place]:
    """On the larger public buildings: nurseries, primary and secondary schools, named after their district."""
    kinds = (
        "Nido",
        "Scuola dell'infanzia",
        "Scuola primaria",
        "Scuola secondaria di primo grado",
        "Istituto superiore",
    )
    large = [b for b in plots.buildings if b.use == "pubblico" and b.shape.area > 260]
    chosen = sorted(rng.permutation(len(large))[:58].tolist())
    counts: dict[tuple[str, int], int] = {}
    schools = []
    for number, place in enumerate(chosen):
        building, kind = large[place], kinds[number % len(kinds)]
        key = (kind, building.district)
        counts[key] = counts.get(key, 0) + 1
        name = f"{kind} {DISTRICTS[building.district].name.split('-')[0]}" + (
            f" {counts[key]}" if counts[key] > 1 else ""
        )
        point = building.shape.representative_point()
        schools.append(Place(point.x, point.y, name, kind, str(int(rng.integers(60, 620)))))
    return schools


def make_stops(streets: list[Street], rng: Rng) -> list[Place]:
    """Bus stops in pairs along the main roads and avenues, named after the street."""
    stops = []
    for street in streets:
        if street.kind.split(":")[0] not in ("ring", "radial") and street.length < 1300:
            continue
        part = max(shapely.get_parts(street.line), key=lambda line: line.length)
        for number, along in enumerate(np.arange(140, min(part.length - 40, 3200), 400), start=1):
            here, ahead = part.interpolate(along), part.interpolate(along + 1)
            dx, dy, offset = ahead.x - here.x, ahead.y - here.y, street.width / 2 - 0.5
            lines = ", ".join(str(n) for n in sorted(rng.choice(np.arange(1, 15), 2, replace=False)))
            for side, way in ((-offset, "andata"), (offset, "ritorno")):
                stops.append(Place(here.x - dy * side, here.y + dx * side, f"{street.name} {number}", way, lines))
    return stops


def make_ditches(plan: Plan, rng: Rng) -> list[tuple[shapely.LineString, str]]:
    """Irrigation ditches along the edges of fields, running towards the river."""
    built = shapely.union_all([c.polygon for c in plan.cells if c.kind != "field"]).buffer(40)
    names = (
        "Roggia Maestra",
        "Naviglio Vecchio",
        "Colatore Nord",
        "Roggia Grande",
        "Dugale Basso",
        "Roggia del Mulino",
    )
    found = []
    for number, name in enumerate(names):
        x, y = CENTRE[0] - 5200 + 2100 * number, EXTENT[3] - 300
        points = [(x, y)]
        heading = math.radians(255 + number * 7)
        for _step in range(46):
            heading += float(rng.normal(0, 0.09))
            x, y = x + 240 * math.cos(heading), y + 240 * math.sin(heading)
            points.append((x, y))
        line = shapely.LineString(points).intersection(plan.municipality).difference(plan.river).difference(built)
        found += [
            (part, name) for part in shapely.get_parts(line) if part.geom_type == "LineString" and part.length > 150
        ]
    return found


def make_terrain(plan: Plan, rng: Rng) -> tuple[np.ndarray[Any, Any], Affine]:
    """A terrain model, metres above sea level, 20 m cells, float32 (row, col), nodata -9999 outside the municipality.

    A plain that falls gently to the south-east, the river and its bank cut into it, the old town a little higher.
    """
    west, south, east, north = EXTENT
    step = 20.0
    x = np.arange(west + step / 2, east, step)
    y = np.arange(north - step / 2, south, -step)
    gx, gy = np.meshgrid(x, y)
    height = 46.5 - 0.00045 * (gx - CENTRE[0]) + 0.00055 * (gy - CENTRE[1])
    height += 2.2 * np.exp(-(((gx - CENTRE[0]) / 700) ** 2 + ((gy - CENTRE[1]) / 650) ** 2))
    points = shapely.points(gx.ravel(), gy.ravel())
    to_river = shapely.distance(points, river_line()).reshape(gx.shape)
    height -= 6.5 / (1 + np.exp((to_river - 900) / 90)) + 6.0 / (1 + np.exp((to_river - 170) / 18))
    height += 3.0 * np.exp(-(((to_river - 620) / 22) ** 2))
    for length in (2400, 900, 380):
        phase = rng.uniform(0, 6, 4)
        height += (
            length
            / 4000
            * (
                np.sin(gx / length + phase[0]) * np.cos(gy / length * 1.3 + phase[1])
                + np.sin((gx + gy) / length + phase[2])
            )
        )
    height += rng.normal(0, 0.05, height.shape)
    outside = ~shapely.contains_xy(plan.municipality, gx, gy)
    height[outside] = -9999.0
    return height.astype(np.float32), from_origin(west, north, step, step)


def zoning(plan: Plan) -> list[tuple[Any, str, int]]:
    """Zones of the plan: blocks of one kind in one district, streets included; (shape, kind, district)."""
    groups: dict[tuple[str, int], list[Any]] = {}
    for cell in plan.cells:
        groups.setdefault((cell.kind, cell.district), []).append(cell.polygon)
    found = []
    for (kind, district), shapes in sorted(groups.items()):
        merged = shapely.union_all(shapely.set_precision(shapes, 0.001))
        found += [(part, kind, district) for part in shapely.get_parts(merged) if part.area > 50]
    return found


def current_districts(plan: Plan) -> list[tuple[Any, str]]:
    """Today's fewer, larger districts: those of before, joined."""
    joined: dict[str, list[Any]] = {}
    for district, shape in plan.districts:
        joined.setdefault(district.joined, []).append(shape)
    return [(shapely.union_all(shapes), name) for name, shapes in sorted(joined.items())]
