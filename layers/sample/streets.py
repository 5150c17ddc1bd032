"""From the edges between blocks to named streets: edges that go straight on belong to one street."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString
from shapely.ops import linemerge

from layers.sample.places import OLD_TOWN_NAMES, RADIAL_NAMES, TOWN_NAMES
from layers.sample.plan import Cell, Plan, Rng

Node = tuple[int, int]
"""A street corner in decimetres, so that the same corner of two blocks is one."""
Edge = tuple[Node, Node]

_BUILT = {"core", "town", "works", "park", "service", "growth"}
_STRAIGHT = {"core": math.radians(62), "town": math.radians(40)}


@dataclass(slots=True)
class Street:
    """One named street."""

    code: int
    name: str
    kind: str
    """ring, radial, bypass, core or town."""
    width: float
    edges: list[Edge]
    length: float = 0.0
    line: LineString | MultiLineString = field(default_factory=LineString)


def node(x: float, y: float) -> Node:
    """The corner that a coordinate is."""
    return round(x * 10), round(y * 10)


def edge_of(a: Node, b: Node) -> Edge:
    """An edge without direction."""
    return (a, b) if a <= b else (b, a)


def make_streets(plan: Plan, rng: Rng) -> tuple[list[Street], dict[Edge, int]]:
    """The streets, and the street (its place in the list) of every edge between blocks."""
    kinds = _edge_kinds(plan)
    groups = _strokes(kinds)
    streets = []
    for edges in groups:
        kind = kinds[edges[0]]
        lines = [LineString([(a[0] / 10, a[1] / 10), (b[0] / 10, b[1] / 10)]) for a, b in edges]
        merged = linemerge(lines) if len(lines) > 1 else lines[0]
        width = {"ring": 20.0, "bypass": 22.0, "radial": 13.0, "core": 6.5, "town": 9.0}[kind.split(":")[0]]
        streets.append(Street(0, "", kind, width, edges, float(merged.length), merged))
    _name(streets, rng)
    return streets, {edge: place for place, street in enumerate(streets) for edge in street.edges}


def _edge_kinds(plan: Plan) -> dict[Edge, str]:
    """Every edge that is a street, with what kind of street."""
    sides: dict[Edge, list[Cell]] = defaultdict(list)
    for cell in plan.cells:
        corners = [node(x, y) for x, y in cell.polygon.exterior.coords]
        for a, b in pairwise(corners):
            if a != b:
                sides[edge_of(a, b)].append(cell)
    edges = list(sides)
    middles = shapely.points([((a[0] + b[0]) / 20, (a[1] + b[1]) / 20) for a, b in edges])
    ends = [shapely.points([(edge[side][0] / 10, edge[side][1] / 10) for edge in edges]) for side in (0, 1)]
    kinds: dict[Edge, str] = {}
    for place, road in enumerate(plan.roads):
        reach = np.maximum(shapely.distance(ends[0], road.line), shapely.distance(ends[1], road.line))
        on_it = (reach < road.spacing * 0.16) & (shapely.distance(middles, road.line) < 6.0)
        for number in np.flatnonzero(on_it):
            kinds.setdefault(edges[number], f"{road.kind}:{place}")
    for edge, cells in sides.items():
        built = [cell.kind for cell in cells if cell.kind in _BUILT]
        if edge not in kinds and built and len(cells) == 2:
            kinds[edge] = "core" if set(built) == {"core"} else "town"
    return kinds


def _strokes(kinds: dict[Edge, str]) -> list[list[Edge]]:
    """Edges joined where they go straight on and are of one kind."""
    at: dict[Node, list[Edge]] = defaultdict(list)
    for edge in kinds:
        for corner in edge:
            at[corner].append(edge)
    parent = {edge: edge for edge in kinds}

    def root(edge: Edge) -> Edge:
        while parent[edge] != edge:
            parent[edge] = parent[parent[edge]]
            edge = parent[edge]
        return edge

    for corner, edges in at.items():
        pairs = []
        for place, first in enumerate(edges):
            for second in edges[place + 1 :]:
                bend = _bend(corner, first, second)
                same = kinds[first] == kinds[second]
                main = ":" in kinds[first]
                if same and (main or bend < _STRAIGHT[kinds[first]]):
                    pairs.append((bend, first, second))
        used: set[Edge] = set()
        for _angle, first, second in sorted(pairs):
            if first not in used and second not in used:
                used |= {first, second}
                parent[root(first)] = root(second)
    groups: dict[Edge, list[Edge]] = defaultdict(list)
    for edge in sorted(kinds):
        # A main road is one street however its line was cut.
        groups[root(edge)].append(edge)
    return _one_group_for_each_main(list(groups.values()), kinds)


def _one_group_for_each_main(groups: list[list[Edge]], kinds: dict[Edge, str]) -> list[list[Edge]]:
    mains: dict[str, list[Edge]] = defaultdict(list)
    others = []
    for edges in groups:
        if ":" in kinds[edges[0]]:
            mains[kinds[edges[0]]] += edges
        else:
            others.append(edges)
    return [*mains.values(), *others]


def _bend(corner: Node, first: Edge, second: Edge) -> float:
    def direction(edge: Edge) -> float:
        other = edge[1] if edge[0] == corner else edge[0]
        return math.atan2(other[1] - corner[1], other[0] - corner[0])

    turn = abs(direction(first) - direction(second)) % (2 * math.pi)
    return abs(math.pi - min(turn, 2 * math.pi - turn))


def _name(streets: list[Street], rng: Rng) -> None:
    """A name for each: main roads first, then long streets get the grander names."""
    old = list(rng.permutation(OLD_TOWN_NAMES))
    new = list(rng.permutation(TOWN_NAMES))
    radials = list(RADIAL_NAMES)
    taken: set[str] = set()
    order = sorted(range(len(streets)), key=lambda place: -streets[place].length)
    for code, place in enumerate(order, start=1):
        street = streets[place]
        street.code = code
        kind = street.kind.split(":")[0]
        if kind == "ring":
            name = "Viale delle Mura"
        elif kind == "bypass":
            name = "Tangenziale"
        elif kind == "radial":
            name = f"Via {radials.pop(0)}" if radials else f"Via {new.pop()}"
        else:
            name = _common_name(kind, street.length, old if kind == "core" and old else new, len(taken))
        while name in taken:
            name = f"{name} {_roman(2 + sum(known.startswith(name) for known in taken))}"
        street.name = name
        taken.add(name)


def _common_name(kind: str, length: float, names: list[str], number: int) -> str:
    generic = "Vicolo" if kind == "core" and length < 90 else ("Corso" if kind == "core" and length > 420 else "Via")
    if kind == "town" and length > 900:
        generic = "Viale"
    if names:
        return f"{generic} {names.pop()}"
    # More lanes than names: side streets take the name of a street, as they do everywhere.
    round_, place = divmod(number, len(TOWN_NAMES))
    return f"{('Vicolo', 'Traversa', 'Passaggio', 'Largo')[round_ % 4]} {TOWN_NAMES[place]}"


def _roman(number: int) -> str:
    return ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")[number] if number <= 10 else str(number)
