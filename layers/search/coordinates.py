"""Coordinates as people write or paste them: what they may mean, the likeliest first.

Degrees with decimals (point or Italian comma), degrees-minutes-seconds, UTM and Gauss-Boaga metres in either order,
with or without the name of the CRS. What is not said is guessed from where the point would fall.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyproj
from pyproj.exceptions import ProjError

from layers.crs import SERVED_SRIDS, epsg
from layers.errors import UnknownCrs

CENTRE = (10.0252, 45.1337)
"""Longitude and latitude of Cremona: of several readings the one nearest to the city is meant."""
_METRIC = (32632, 3003, 3857, 32633, 3004)
"""Where metres of unknown origin may come from, besides the CRS that are within a metre of the first."""
_FAR_KM = 600.0
"""A reading of unsaid CRS beyond this is noise: Italy is no longer."""

_NUMBER = r"[-+]?\d+(?:[.,]\d+)?"
_PAIR = re.compile(
    rf"^(?P<a>{_NUMBER})\s*°?\s*(?P<ah>[NSEOW]?)(?:\s*[;/|]\s*|\s*,\s+|\s+|,(?=[^,]*$))(?P<b>{_NUMBER})\s*°?\s*(?P<bh>[NSEOW]?)$",
    re.IGNORECASE,
)
_POINTS = re.compile(r"^(?P<a>[-+]?\d+\.\d+),(?P<b>[-+]?\d+\.\d+)$")
_ANGLE = (
    r"(?P<{0}h>[NSEOW])?\s*(?P<{0}d>\d{{1,3}})\s*[°º:d ]\s*(?P<{0}m>\d{{1,2}}(?:[.,]\d+)?)\s*['′’:m ]?\s*"
    r"(?:(?P<{0}s>\d{{1,2}}(?:[.,]\d+)?)\s*(?:\"|″|''|’’|s)?)?\s*(?P<{0}e>[NSEOW])?"
)
_SEXAGESIMAL = re.compile(rf"^{_ANGLE.format('a')}\s*[,;/ ]\s*{_ANGLE.format('b')}$", re.IGNORECASE)
_NAMED_CRS = re.compile(r"\b(?:EPSG|SRID)\s*[:=]?\s*(\d{4,5})\b", re.IGNORECASE)
_LABELS = re.compile(r"\b(?:lat(?:itudine)?|lon(?:gitudine|g)?|est|nord|x|y|e|n)\s*[:=]\s*", re.IGNORECASE)
_WKT = re.compile(r"^\s*(?:SRID=(\d+);)?\s*POINT\s*Z?\s*\(\s*(\S+)\s+(\S+).*\)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One meaning of the text. `reading` names the order and CRS it was read in."""

    lon: float
    lat: float
    srid: int
    order: str
    """"lat, lon", "lon, lat", "E, N" or "N, E"."""
    distance_km: float
    """From the middle of the city."""


def read_coordinates(text: str) -> list[Reading]:
    """Every meaning of a text that is nothing but coordinates, the likeliest first; empty when it is something else."""
    text = " ".join(text.split())[:200]
    said = _NAMED_CRS.search(text)
    if said:
        text = _NAMED_CRS.sub(" ", text).strip(" ,;:()")
    srid = int(said[1]) if said else None
    wkt = _WKT.match(text)
    if wkt:
        text, srid = f"{wkt[2]} {wkt[3]}", srid or (int(wkt[1]) if wkt[1] else None)
    text = _LABELS.sub("", text).strip()
    sexagesimal = _SEXAGESIMAL.match(text) if re.search(r"[°º'′’:]|[NSEOW]", text, re.IGNORECASE) else None
    pair = _POINTS.match(text) or _PAIR.match(text)
    if pair:
        found = list(_of_pair(pair, srid))
    elif sexagesimal:
        found = list(_of_degrees(*_angles(sexagesimal), srid or 4326))
    else:
        return []
    best: dict[tuple[int, int], Reading] = {}
    for reading in sorted(found, key=lambda one: one.distance_km):
        # Readings within a metre of each other are one answer.
        best.setdefault((round(reading.lon * 1e5), round(reading.lat * 1e5)), reading)
    return list(best.values())[:5]


def _of_pair(pair: re.Match[str], srid: int | None) -> Iterator[Reading]:
    a, b = (float(pair[name].replace(",", ".")) for name in "ab")
    parts = pair.groupdict()
    ah, bh = (parts.get("ah") or "").upper(), (parts.get("bh") or "").upper()
    is_metres = max(abs(a), abs(b)) > 360
    if is_metres:
        yield from _of_metres(a, b, ah, srid)
    elif srid is None or epsg_is_geographic(srid):
        yield from _of_degrees((a, ah), (b, bh), srid or 4326)


def epsg_is_geographic(srid: int) -> bool:
    try:
        return epsg(srid).is_geographic
    except UnknownCrs:
        return False


def _of_degrees(a: tuple[float, str], b: tuple[float, str], srid: int) -> Iterator[Reading]:
    (first, first_side), (second, second_side) = a, b
    first, second = (-first if first_side == "S" else first), (-second if second_side == "S" else second)
    first, second = (-first if first_side in {"W", "O"} else first), (-second if second_side in {"W", "O"} else second)
    said_first = {"N": "lat", "S": "lat", "E": "lon", "W": "lon", "O": "lon"}.get(first_side)
    if said_first != "lon" and abs(first) <= 90 and abs(second) <= 180:
        yield from _reading(second, first, srid, "lat, lon", said_first is not None)
    if said_first != "lat" and abs(second) <= 90 and abs(first) <= 180:
        yield from _reading(first, second, srid, "lon, lat", said_first is not None)


def _of_metres(a: float, b: float, side: str, srid: int | None) -> Iterator[Reading]:
    for one in (srid,) if srid else _METRIC:
        if side != "N":
            yield from _reading(a, b, one, "E, N", srid is not None)
        if side not in {"E", "W", "O"}:
            yield from _reading(b, a, one, "N, E", srid is not None)


def _reading(x: float, y: float, srid: int, order: str, is_said: bool) -> Iterator[Reading]:
    """The place of an easting (or longitude) and northing, when there is one and it is not absurdly far."""
    try:
        lon, lat = to_degrees(srid).transform(x, y, errcheck=True)
    except (ProjError, UnknownCrs):
        return
    if not (math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        return
    distance = _distance_km(lon, lat)
    if is_said or distance <= _FAR_KM:
        yield Reading(round(lon, 7), round(lat, 7), srid, order, round(distance, 1))


@lru_cache(maxsize=64)
def to_degrees(srid: int) -> pyproj.Transformer:
    """From a CRS, easting or longitude first, to longitude and latitude. Raises UnknownCrs."""
    epsg(srid)
    return pyproj.Transformer.from_crs(srid, 4326, always_xy=True)


def from_degrees(lon: float, lat: float) -> dict[str, tuple[float, float]]:
    """A place in every projected CRS of the services in whose area it is: "EPSG:32632" → (easting, northing)."""
    found = {}
    for srid in SERVED_SRIDS:
        crs = epsg(srid)
        west, south, east, north = crs.area
        if not crs.is_geographic and west <= lon <= east and south <= lat <= north:
            x, y = pyproj.Transformer.from_crs(4326, srid, always_xy=True).transform(lon, lat)
            found[f"EPSG:{srid}"] = (round(x, 2), round(y, 2))
    return found


def _angles(match: re.Match[str]) -> tuple[tuple[float, str], tuple[float, str]]:
    def angle(which: str) -> tuple[float, str]:
        minutes = float(match[f"{which}m"].replace(",", "."))
        seconds = float((match[f"{which}s"] or "0").replace(",", "."))
        side = (match[f"{which}h"] or match[f"{which}e"] or "").upper()
        return float(match[f"{which}d"]) + minutes / 60 + seconds / 3600, side

    return angle("a"), angle("b")


def _distance_km(lon: float, lat: float) -> float:
    metres: float = pyproj.Geod(ellps="GRS80").inv(*CENTRE, lon, lat)[2]
    return metres / 1000
