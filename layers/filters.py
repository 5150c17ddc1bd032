"""Conditions of a question as SQL: boxes, dates, values, text. Names come from the whitelist, values are parameters.

Every function returns a `Clause`; a column is only ever named through `Whitelist`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg2 import sql

from layers.catalogue import FieldEntry, LayerEntry
from layers.crs import Crs, epsg, transformer
from layers.errors import BadQuery
from layers.models import Field
from layers.rights import Audience

WORD_MAX = 100
TRUE = sql.SQL("TRUE")


@dataclass(slots=True)
class Clause:
    """Conditions joined by AND, and the values they name. Values get names of their own, so clauses can be mixed."""

    parts: list[sql.Composable] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def value(self, value: Any) -> sql.Placeholder:
        """A placeholder for one more value."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return sql.Placeholder(name)

    @property
    def sql(self) -> sql.Composable:
        return sql.SQL(" AND ").join([sql.SQL("({})").format(part) for part in self.parts]) if self.parts else TRUE


@dataclass(frozen=True, slots=True)
class Whitelist:
    """The attributes one audience may name of one layer: for output, filters, sorting and search alike."""

    layer: LayerEntry
    fields: dict[str, FieldEntry]

    @classmethod
    def of(cls, layer: LayerEntry, audience: Audience) -> Whitelist:
        return cls(layer, {entry.name: entry for entry in layer.visible_fields(audience)})

    def get(self, name: str, parameter: str) -> FieldEntry:
        """One attribute by name. Raises BadQuery listing those there are."""
        entry = self.fields.get(name)
        if entry is None:
            known = ", ".join(self.fields) or "none"
            raise BadQuery(parameter, f"{name[:80]!r} is not an attribute of this collection; it has: {known}.")
        return entry

    def queryable(self, name: str, parameter: str) -> FieldEntry:
        """One attribute that may be filtered by."""
        entry = self.get(name, parameter)
        if not entry.is_filterable:
            raise BadQuery(parameter, f"{name!r} cannot be filtered by; /queryables lists what can.")
        return entry


def column(name: str) -> sql.Composable:
    return sql.Identifier("f", name)


def literal(entry: FieldEntry, text: str, parameter: str) -> Any:
    """A value as the field's type reads it. Raises BadQuery."""
    if "\x00" in text:
        raise BadQuery(parameter, "a value holds a NUL character, which no attribute can.")
    try:
        match entry.type:
            case Field.Type.INTEGER:
                return int(text)
            case Field.Type.NUMBER:
                return float(text)
            case Field.Type.BOOLEAN:
                return {"true": True, "false": False, "1": True, "0": False}[text.lower()]
            case Field.Type.DATE:
                return date.fromisoformat(text)
            case Field.Type.DATETIME:
                return datetime.fromisoformat(text)
            case _:
                return text
    except (ValueError, KeyError) as error:
        raise BadQuery(parameter, f"{text[:80]!r} is not a value of type {entry.type}.") from error


def equals(clause: Clause, entry: FieldEntry, text: str) -> None:
    """`name=value`."""
    value = clause.value(literal(entry, text, entry.name))
    clause.parts.append(sql.SQL("{} = {}").format(column(entry.name), value))


def search(clause: Clause, entries: Iterable[FieldEntry], text: str) -> None:
    """Every word of `q` stands in at least one searchable attribute, in any case."""
    columns = [column(entry.name) for entry in entries if entry.is_searchable]
    words = text.replace(",", " ").split()
    if not columns:
        raise BadQuery("q", "this collection has no attribute to search; use a property filter instead.")
    # A database compares a pattern in lower case with every row, and lowers it again for each.
    if not words or len(words) > 10 or "\x00" in text or any(len(word) > WORD_MAX for word in words):
        raise BadQuery("q", f"give between one and ten words of {WORD_MAX} letters at most.")
    for word in words:
        escaped = re.sub(r"([\\%_])", r"\\\1", word)
        value = clause.value(f"%{escaped}%")
        tests = [sql.SQL("{}::text ILIKE {}").format(name, value) for name in columns]
        clause.parts.append(sql.SQL(" OR ").join(tests))


Bounds = tuple[float, float, float, float]


def parse_bbox(text: str, crs: Crs) -> list[Bounds]:
    """minx, miny, maxx, maxy of `bbox`, easting or longitude first; two boxes when it crosses the antimeridian.

    Six numbers are a box with heights, which are ignored. Raises BadQuery.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise BadQuery("bbox", f"{text[:80]!r}: give four or six numbers separated by commas.") from error
    if len(numbers) not in (4, 6) or any(not abs(number) < 1e12 for number in numbers):
        raise BadQuery("bbox", f"{text[:80]!r}: give four or six finite numbers, lower corner then upper corner.")
    half = len(numbers) // 2
    first, second, third, fourth = numbers[0], numbers[1], numbers[half], numbers[half + 1]
    if crs.north_first:
        first, second, third, fourth = second, first, fourth, third
    if second > fourth:
        raise BadQuery("bbox", f"{text[:80]!r}: the lower corner is above the upper corner.")
    if not crs.is_geographic:
        if first > third:
            raise BadQuery("bbox", f"{text[:80]!r}: the left corner is right of the right corner.")
        return [(first, second, third, fourth)]
    if max(abs(first), abs(third)) > 360 or max(abs(second), abs(fourth)) > 90:
        raise BadQuery("bbox", f"{text[:80]!r}: degrees are outside longitude ±180 and latitude ±90.")
    if first > third:
        return [(first, second, 180.0, fourth), (-180.0, second, third, fourth)]
    return [(first, second, third, fourth)]


def intersects_bbox(clause: Clause, layer: LayerEntry, text: str, crs: Crs) -> None:
    """Features whose geometry meets the box."""
    storage = layer.srid or 4326
    tests = []
    for bounds in _bounds(layer, text, crs):
        named = {"g": column(layer.geometry_field), "box": _envelope(clause, bounds, crs.srid, storage)}
        inner = inner_box(bounds, crs.srid, storage)
        if inner is None:
            tests.append(sql.SQL("ST_Intersects({g}, {box})").format(**named))
            continue
        # Most shapes lie within the box as a whole: the index says so, where GEOS would have to look at each.
        named["inner"] = _envelope(clause, inner, storage, storage)
        tests.append(sql.SQL("{g} && {box} AND ({g} @ {inner} OR ST_Intersects({g}, {box}))").format(**named))
    clause.parts.append(sql.SQL(" OR ").join(tests) if tests else sql.SQL("FALSE"))


def box_geometry(clause: Clause, layer: LayerEntry, text: str, crs: Crs) -> sql.Composable:
    """A box as one geometry in the storage CRS; empty when it is nowhere near the layer. Raises BadQuery."""
    boxes = _boxes(clause, layer, text, crs)
    if not boxes:
        return sql.SQL("ST_GeomFromText('POLYGON EMPTY', {})").format(clause.value(layer.srid or 4326))
    return boxes[0] if len(boxes) == 1 else sql.SQL("ST_Union({}, {})").format(*boxes)


def _boxes(clause: Clause, layer: LayerEntry, text: str, crs: Crs) -> list[sql.Composable]:
    return [_envelope(clause, bounds, crs.srid, layer.srid or 4326) for bounds in _bounds(layer, text, crs)]


def _bounds(layer: LayerEntry, text: str, crs: Crs) -> list[Bounds]:
    """The boxes of `bbox`, as far as the storage CRS can hold them."""
    boxes = parse_bbox(text, crs)
    if not crs.is_geographic or (layer.srid or 4326) == 4326:
        return boxes
    return [bounds for box in boxes if (bounds := _clamp(box, layer)) is not None]


SAME_DATUM = frozenset({4326, 4258, 6706, 3857, 32632, 25832, 6707, 7791})
"""Between these every version of PROJ does the same, to a small part of a metre."""


def inner_box(box: Bounds, srid: int, storage: int) -> Bounds | None:
    """A box in the storage CRS that lies whole within another one of `srid`; None where none is certain.

    Smaller than it could be by what indexes round boxes to, single precision.
    """
    inner = box if srid == storage else _within(box, srid, storage) if {srid, storage} <= SAME_DATUM else None
    if inner is None:
        return None
    rim = max(map(abs, inner)) / 2**21 + (0 if srid == storage else 1e-5 if epsg(storage).is_geographic else 1.0)
    west, south, east, north = inner[0] + rim, inner[1] + rim, inner[2] - rim, inner[3] - rim
    return (west, south, east, north) if west < east and south < north else None


def _within(box: Bounds, srid: int, storage: int) -> Bounds:
    """Between the innermost points of the bent sides; not a box when they cross."""
    west, south, east, north = box
    steps = [n / 16 for n in range(17)]
    across, up = [west + (east - west) * n for n in steps], [south + (north - south) * n for n in steps]
    turn = transformer(srid, storage).transform
    sides = [turn([x] * 17, up)[0] for x in (west, east)] + [turn(across, [y] * 17)[1] for y in (south, north)]
    return max(sides[0]), max(sides[2]), min(sides[1]), min(sides[3])


def _clamp(box: Bounds, layer: LayerEntry) -> Bounds | None:
    """The part of a box of degrees that a projected storage CRS can hold: where it is used, and where the data is."""
    areas = [epsg(layer.srid or 4326).area, *([layer.bbox] if layer.bbox else [])]
    west, south = min(area[0] for area in areas) - 1, min(area[1] for area in areas) - 1
    east, north = max(area[2] for area in areas) + 1, max(area[3] for area in areas) + 1
    found = max(box[0], west), max(box[1], south, -89.9), min(box[2], east), min(box[3], north, 89.9)
    return found if found[0] <= found[2] and found[1] <= found[3] else None


def _envelope(clause: Clause, box: Bounds, srid: int, storage: int) -> sql.Composable:
    corners = sql.SQL(", ").join([clause.value(number) for number in box])
    if srid == storage:
        return sql.SQL("ST_MakeEnvelope({}, {})").format(corners, clause.value(srid))
    # The straight sides of a box bend in another CRS: more points keep them where they are.
    step = max(box[2] - box[0], box[3] - box[1]) / 16 or 1.0
    return sql.SQL("ST_Transform(ST_Segmentize(ST_MakeEnvelope({}, {}), {}), {})").format(
        corners, clause.value(srid), clause.value(step), clause.value(storage)
    )


def during(clause: Clause, layer: LayerEntry, types: dict[str, str], text: str) -> None:
    """Features whose time meets `datetime`; a collection without time is not filtered (Part 1, 7.15.4)."""
    start, end = parse_datetime(text)
    if not layer.time_field:
        return
    name = column(layer.time_field)
    is_date = types.get(layer.time_field) == "date"
    if start is not None:
        value = clause.value(start.date() if is_date and isinstance(start, datetime) else start)
        clause.parts.append(sql.SQL("{} >= {}").format(name, value))
    if end is not None:
        if is_date:
            value = clause.value(end.date() if isinstance(end, datetime) else end)
            clause.parts.append(sql.SQL("{} <= {}").format(name, value))
        elif isinstance(end, datetime):
            clause.parts.append(sql.SQL("{} <= {}").format(name, clause.value(end)))
        else:  # a whole day
            clause.parts.append(sql.SQL("{} < {}").format(name, clause.value(end + timedelta(days=1))))


def parse_datetime(text: str) -> tuple[date | None, date | None]:
    """Start and end of an instant or interval; None is open. Days are dates, the rest aware times. Raises BadQuery."""
    ends = text.split("/")
    if len(ends) > 2 or all(end in {"", ".."} for end in ends):
        raise BadQuery("datetime", f"{text[:80]!r}: give an instant, or an interval start/end with .. for an open end.")
    found = [None if end in {"", ".."} and len(ends) == 2 else instant(end) for end in ends]
    start, end = found[0], found[-1]
    if start is not None and end is not None and _order(start) > _order(end):
        raise BadQuery("datetime", f"{text[:80]!r}: the interval ends before it starts.")
    return start, end


def instant(text: str, parameter: str = "datetime") -> date:
    """A date or an aware time by RFC 3339. Raises BadQuery."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        if re.match(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}", text):
            moment = datetime.fromisoformat(text.upper())
            if moment.tzinfo is not None:
                # PostgreSQL takes no offset of 16 hours or more, RFC 3339 allows 23:59.
                return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadQuery(parameter, f"{text[:80]!r}: write instants as RFC 3339, such as 2026-03-01 or 2026-03-01T08:00:00Z.")


def _order(moment: date) -> str:
    return (moment.isoformat() if not isinstance(moment, datetime) else moment.date().isoformat())[:10]
