"""One cell read as a number, a pair of numbers or a shape: decimal commas, thousands, degrees and minutes, WKT, WKB."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import shapely

_NUMBER = r"[+-]?\d[\d.,]*"
_GROUP_MARKS = re.compile(r"(?<=\d)[\s'’\u00a0\u202f](?=\d{3}(?:\D|$))")
_DIRECTIONS = ("N", "S", "E", "W", "O")
_DEGREE, _MINUTE, _SECOND = "[°º]", "['’′]", "(?:\"|''|’’|″|”|′′)"
_ANGLE = re.compile(
    rf"^([+-]?\d{{1,3}}(?:[.,]\d+)?)\s*{_DEGREE}"
    rf"(?:\s*(\d{{1,2}}(?:[.,]\d+)?)\s*{_MINUTE}(?:\s*(\d{{1,2}}(?:[.,]\d+)?)\s*{_SECOND}?)?)?$"
)
_SPACED_ANGLE = re.compile(r"^([+-]?\d{1,3})\s+(\d{1,2})\s+(\d{1,2}(?:[.,]\d+)?)$")
_PAIRS = (
    re.compile(r"^([+-]?\d+\.\d+|[+-]?\d+)\s*[,;/|]\s*([+-]?\d+\.\d+|[+-]?\d+)$"),
    re.compile(r"^([+-]?\d+(?:[.,]\d+)?)(?:\s+|\s*[;/|-]\s*)([+-]?\d+(?:[.,]\d+)?)$"),
)
"""With a decimal point a comma may part the two; with a decimal comma it may not."""
_WKT = re.compile(
    r"^\s*+(?:SRID=\d+;\s*+)?(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)(?:\s*ZM?|\s*M)?\s*(?:\(|EMPTY)",
    re.IGNORECASE,
)
_SRID = re.compile(r"^\s*SRID=(\d+);", re.IGNORECASE)
_WKB = re.compile(r"^\s*(?:\\x|0x)?(0[01][0-9a-f]{16,})\s*$", re.IGNORECASE)
_GEOJSON = re.compile(r'^\s*\{.{0,80}"(?:type|coordinates)"', re.DOTALL)


def number_of(cell: str) -> float:
    """The number a cell shows, NaN for none: `45.13`, `45,13`, `4.998.123,50`, `580 209`, `45° 7' 48" N`."""
    text = cell.strip()
    try:
        return float(text)
    except ValueError:
        return _shown(text[1:-1].strip() if text[:1] == text[-1:] in ("'", '"') else text)


def _shown(text: str) -> float:
    first = text[:1].upper() if text.upper().startswith(_DIRECTIONS) else ""
    rest = text[len(first) :]
    last = rest[-1:].upper() if rest.upper().endswith(_DIRECTIONS) else ""
    middle = rest[: len(rest) - len(last)].strip()
    value = _angle(middle)
    if value is None:
        value = _grouped(_GROUP_MARKS.sub("", middle))
    return -value if (first or last) in ("S", "W", "O") else value


def _angle(text: str) -> float | None:
    match = _ANGLE.match(text) or _SPACED_ANGLE.match(text)
    if match is None:
        return None
    degrees, minutes, seconds = (float((part or "0").replace(",", ".")) for part in match.groups())
    size = abs(degrees) + minutes / 60 + seconds / 3600
    return -size if text.startswith("-") else size


def _grouped(text: str) -> float:
    """A number whose commas and points are decimals or thousands: the last kind of mark, used once, is the decimal."""
    if not re.fullmatch(_NUMBER, text):
        return float("nan")
    last = max(text.rfind(","), text.rfind("."))
    mark = text[last] if last >= 0 else ""
    if mark and text.count(mark) == 1:
        whole, decimals = text[:last], text[last + 1 :]
        return float(f"{re.sub(r'[.,]', '', whole)}.{decimals}")
    groups = text.lstrip("+-").split(mark) if mark else [text]
    good = len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    return float(re.sub(r"[.,]", "", text)) if good or not mark else float("nan")


def pair_of(cell: str) -> tuple[float, float] | None:
    """Two numbers in one cell, in their order: `45.13, 10.02`, `45,13 10,02`, `(45.13, 10.02)`."""
    text = cell.strip().strip("()[]{} ")
    for pattern in _PAIRS:
        if match := pattern.match(text):
            first, second = match.groups()
            return float(first.replace(",", ".")), float(second.replace(",", "."))
    return None


def is_geometry_text(cell: str) -> bool:
    """Whether a cell is well-known text or binary, or the geometry of a GeoJSON."""
    return bool(_WKT.match(cell) or _WKB.match(cell) or _GEOJSON.match(cell))


def shapes_of(cells: list[str]) -> tuple[np.ndarray[Any, Any], set[int], np.ndarray[Any, Any]]:
    """A geometry or None for each cell, the SRIDs that some of them state, and which cells hold text that is none."""
    texts: dict[str, list[tuple[int, str]]] = {"wkt": [], "wkb": [], "geojson": []}
    srids: set[int] = set()
    filled = np.array([bool(cell.strip()) for cell in cells])
    for place, cell in enumerate(cells):
        if srid := _SRID.match(cell):
            srids.add(int(srid.group(1)))
        if packed := _WKB.match(cell):
            texts["wkb"].append((place, packed.group(1)))
        elif _GEOJSON.match(cell):
            texts["geojson"].append((place, cell))
        elif filled[place]:
            texts["wkt"].append((place, _SRID.sub("", cell).strip()))
    shapes = np.full(len(cells), None, dtype=object)
    for kind, read in (("wkt", shapely.from_wkt), ("wkb", shapely.from_wkb), ("geojson", shapely.from_geojson)):
        if texts[kind]:
            places, raw = zip(*texts[kind], strict=True)
            shapes[list(places)] = read(np.array(raw, dtype=object), on_invalid="ignore")
    srids |= {int(srid) for srid in np.unique(shapely.get_srid(shapes)) if srid > 0}
    return shapely.set_srid(shapes, 0), srids, filled & shapely.is_missing(shapes)
