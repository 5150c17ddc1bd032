"""Values that reach further than chance: places in the city, tiles that exist, conditions that parse, known traps.

A document cannot say which tile exists or which CQL2 text is one, so a request made from it alone is mostly refused at
the door. Half of the requests get some of these values instead of what schemathesis made.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from layers.crs import EPSG

BODY = ""
"""Stands for the body among the names of parameters."""
HOSTILE = (
    "'", '"', "\\", "%", "_", "\x00", "';--", "' OR 1=1 --", "a'||pg_sleep(1)||'", "{{7*7}}", "../../etc/passwd",
    "<script>", "\u202e", "𝄞", "ì", "NaN", "Infinity", "-0", "1e400", "9" * 40, "null", "[]", "{}", " ", "\n", "%00",
    "/vsicurl/http://localhost/", "http://localhost:1/", "é" * 500,
)  # fmt: skip
SHAPES = (
    "POINT(10.02 45.13)", "POLYGON((10 45.1,10.05 45.1,10.05 45.2,10 45.2,10 45.1))", "POLYGON((0 0,1 1,0 1,1 0,0 0))",
    "LINESTRING(10 45,10 45)", "POINT EMPTY", "POINT(1e308 1e308)", "POINT(NaN 1)", "MULTIPOINT((10 45),(11 46))",
    "POLYGON((10 45))", "GEOMETRYCOLLECTION(POINT(10 45.1))", "BBOX(9,44,11,46)", "POINT(200 95)",
)  # fmt: skip
INSTANTS = (
    "2024-05-01", "2020-01-01/2030-12-31", "../2026-01-01T00:00:00Z", "2024-01-01T00:00:00+01:00/..", "../..",
    "0001-01-01", "9999-12-31T23:59:60Z", "2024-02-30", "2025-01-01/2024-01-01", "10000-01-01", "now", "/",
)  # fmt: skip
NAMED = {
    "datetime": st.sampled_from(INSTANTS),
    "coords": st.sampled_from(SHAPES),
    "filter-lang": st.sampled_from(["cql2-text", "cql2-text", "cql2-json"]),
    "tileMatrix": st.integers(0, 24),
    "styleId": st.sampled_from(["default", "predefinito"]),
    "recordId": st.sampled_from(["edifici", "dtm"]),
    "locId": st.sampled_from(["ap-piazza-del-comune-1", "totem-1"]),
    "featureId": st.integers(-1, 300).map(str),
    "limit": st.sampled_from([1, 2, 10, 100]),
    "width": st.integers(1, 300),
    "height": st.integers(1, 300),
    "scale-factor": st.sampled_from([1, 2.5, 30]),
    "scale-size": st.sampled_from(["E(40),N(30)", "Lon(3),Lat(2)", "E(0),N(0)"]),
    "If-Match": st.sampled_from(["*", '"0123456789abcdef01234567"', 'W/"x"', '"a", "b"', '"', ""]),
    "Content-Crs": st.sampled_from([f"<{EPSG}{srid}>" for srid in (32632, 4326, 6706, 3003)] + ["<x>", "EPSG:4326"]),
    "subset": st.sampled_from(["Lat(45.1:45.2),Lon(10:10.1)", "E(578000:*),N(*:5000000)", "Lat(45.1)", "Lat(2:1)"]),
}
TYPED: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-5, 3000), "number": st.floats(-1e6, 1e6), "boolean": st.booleans(),
}  # fmt: skip
PLACES: tuple[list[float], ...] = (
    [10.02, 45.13], [10.03, 45.14, 7.5], [580000, 4999000], [45.13, 10.02], [1e308, -1e308], [200, 95], [10.02], [],
)  # fmt: skip
RARE = frozenset({"after", "filter", "filter-crs", "datetime", "coords", "subset", "scale-size", "properties", "bbox"})
"""What made at random is nearly always refused: left out where these values are used, unless one of them is."""


def bbox() -> st.SearchStrategy[str]:
    """Around the city, somewhere else, upside down, or with heights."""
    west, south = st.floats(9.9, 10.1), st.floats(45.0, 45.2)
    near = st.tuples(west, south, st.floats(0, 0.1)).map(lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[2]])
    far = st.lists(st.floats(-400, 400), min_size=4, max_size=4)
    heights = near.map(lambda box: [*box[:2], 0.0, *box[2:], 100.0])
    return st.one_of(near, near, far, heights).map(lambda box: ",".join(map(str, box)))


def condition(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """CQL2 text over these attributes, and text that is nearly that."""
    name = st.sampled_from([*names, "geometry", "inesistente", '"'])
    number, word = st.sampled_from(["1", "-2.5", "1e300", "9999999999999999999"]), st.sampled_from(HOSTILE)
    literal = number | word.map(lambda text: "'" + text.replace("'", "''") + "'") | st.just("DATE('2024-01-01')")
    literal = literal | st.just("TIMESTAMP('2024-01-01T00:00:00Z')") | st.just("TRUE")
    simple = st.one_of(
        st.tuples(name, st.sampled_from(["=", "<>", "<", ">="]), literal | name).map(" ".join),
        st.tuples(name, literal).map(lambda two: f"{two[0]} LIKE {two[1]}"),
        st.tuples(name, literal, literal).map(lambda three: f"{three[0]} BETWEEN {three[1]} AND {three[2]}"),
        st.tuples(name, literal, literal).map(lambda three: f"{three[0]} IN ({three[1]}, {three[2]})"),
        name.map(lambda one: f"{one} IS NOT NULL"),
        st.tuples(name, literal).map(lambda two: f"CASEI({two[0]}) = CASEI({two[1]})"),
        st.tuples(name, st.sampled_from(SHAPES)).map(lambda two: f"S_INTERSECTS({two[0]}, {two[1]})"),
        st.sampled_from(SHAPES).map(lambda shape: f"S_TOUCHES({shape}, geometry)"),
        name.map(lambda one: f"T_DURING({one}, INTERVAL('2020-01-01', '..'))"),
        st.tuples(name, number).map(lambda two: f"{two[0]} * {two[1]} + 1 / 0 > {two[1]}"),
        st.tuples(name, literal).map(lambda two: f"A_CONTAINS({two[0]}, ({two[1]}, {two[1]}))"),
        word,
    )
    return st.recursive(simple, lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
        lambda three: f"({three[0]} {three[1]} NOT {three[2]})"), max_leaves=5)  # fmt: skip


def condition_json(names: tuple[str, ...]) -> st.SearchStrategy[str]:
    """CQL2 JSON over these attributes, right and wrong."""
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(HOSTILE)
    part: st.SearchStrategy[Any] = scalar | st.sampled_from(names).map(lambda name: {"property": name})
    operators = ["=", "<", "and", "or", "not", "like", "between", "in", "isNull", "casei", "+", "/", "div", "^"]
    operators += ["s_intersects", "t_after", "a_equals"]
    node = st.recursive(
        part,
        lambda inner: st.builds(
            lambda op, args: {"op": op, "args": args}, st.sampled_from(operators), st.lists(inner, max_size=3)
        ),
        max_leaves=6,
    )
    return node.map(json.dumps)


def geometry() -> st.SearchStrategy[dict[str, Any] | None]:
    """Shapes around the city, and shapes that are none."""
    place = st.sampled_from(PLACES)
    square = st.builds(
        lambda x, y, w: [[x, y], [x + w, y], [x + w, y + w], [x, y + w], [x, y]],
        st.floats(9.9, 10.1), st.floats(45.0, 45.2), st.sampled_from([0.001, 0.0, -0.001]),
    )  # fmt: skip
    ring = square | st.lists(place, max_size=5)
    shapes: dict[str, st.SearchStrategy[Any]] = {
        "Point": place, "MultiPoint": st.lists(place, max_size=3), "LineString": ring,
        "MultiLineString": st.lists(ring, max_size=2), "Polygon": st.lists(ring, max_size=2),
        "MultiPolygon": st.lists(st.lists(ring, max_size=2), max_size=2), "Circle": place,
    }  # fmt: skip
    return st.none() | st.one_of(*(
        st.fixed_dictionaries({"type": st.just(kind), "coordinates": inner}) for kind, inner in shapes.items()
    ))  # fmt: skip


def feature(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Features to write: values of the right types, or traps, or of other types."""
    values: dict[str, st.SearchStrategy[Any]] = {}
    for name, one in schema["properties"]["properties"]["properties"].items():
        texts = st.sampled_from(one.get("enum") or [*HOSTILE, "Via dell'Aquila", *INSTANTS])
        fitting = TYPED.get(one.get("type", ""), texts)
        odd: st.SearchStrategy[Any] = st.sampled_from([2**63, -(2**31) - 1, 0.5, True, None, [], {}, "1", "2024-02-30"])
        values[name] = st.one_of(fitting, fitting, fitting, st.none(), odd)
    return st.fixed_dictionaries(
        {"type": st.just("Feature"), "properties": st.fixed_dictionaries({}, optional=values)},
        optional={"geometry": geometry(), "id": st.integers() | st.text(max_size=5), "bbox": st.none()},
    )


def overlay(
    parameters: list[dict[str, Any]], names: tuple[str, ...], body: dict[str, Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    """Values for some of the parameters of an operation, by name; `body`: the schema of a feature that it writes."""
    held = dict(NAMED) | {"bbox": bbox(), "filter": condition(names) | condition_json(names)}
    own = {one["name"]: held[one["name"]] for one in parameters if one["name"] in held}
    likely = st.fixed_dictionaries({BODY: feature(body)} if body else {}, optional=own)
    texts = [one["name"] for one in parameters if one["in"] == "query" and one["schema"].get("type") == "string"]
    if not texts:
        return likely
    trap = st.dictionaries(st.sampled_from(texts), st.sampled_from(HOSTILE), min_size=1, max_size=1)
    return st.one_of(likely, likely, st.builds(dict[str, Any].__or__, likely, trap))
