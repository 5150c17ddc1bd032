"""Coordinate reference systems as the services name them: URI, axis order, sensible digits.

PostGIS keeps every geometry easting or longitude first. What a service hands out follows the order of the CRS
definition (OGC API Features Part 2, 6.2), so a CRS whose first axis points north is flipped on its way out and in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import pyproj
from pyproj.exceptions import CRSError

from layers.errors import UnknownCrs

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CRS84H = "http://www.opengis.net/def/crs/OGC/0/CRS84h"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"

SERVED_SRIDS = (4326, 3857, 4258, 6706, 6707, 7791, 32632, 25832, 3003)
"""What every layer is offered in, beside CRS84 and its own storage CRS."""

_EPSG_FORMS = re.compile(
    r"^(?:https?://www\.opengis\.net/def/crs/EPSG/(?:[0-9.]+)/|urn:ogc:def:crs:EPSG:[0-9.]*:|\[?EPSG:)([0-9]{1,6})\]?$",
    re.IGNORECASE,
)
_CRS84_FORMS = re.compile(
    r"^(?:https?://www\.opengis\.net/def/crs/OGC/(?:1\.3|0)/CRS84h?|urn:ogc:def:crs:OGC:(?:1\.3)?:CRS84h?|\[?(?:OGC|CRS):CRS?84h?\]?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Crs:
    """One CRS to hand out or take in. `north_first` says that its first axis is not easting or longitude."""

    uri: str
    srid: int
    north_first: bool
    is_geographic: bool
    area: tuple[float, float, float, float]
    """Area of use: west, south, east, north in degrees."""

    @property
    def digits(self) -> int:
        """Decimals that keep a point within a centimetre: degrees or metres."""
        return 7 if self.is_geographic else 3


@cache
def crs84() -> Crs:
    """Longitude, latitude in degrees: the default of every answer."""
    return Crs(CRS84, 4326, False, True, (-180.0, -90.0, 180.0, 90.0))


@lru_cache(maxsize=256)
def epsg(srid: int) -> Crs:
    """The CRS of an EPSG code. Raises UnknownCrs when there is none."""
    try:
        definition = pyproj.CRS.from_epsg(srid)
    except CRSError as error:
        raise UnknownCrs(f"EPSG:{srid}", served_names()) from error
    area = definition.area_of_use
    return Crs(
        uri=f"{EPSG}{srid}",
        srid=srid,
        north_first=bool(definition.axis_info) and definition.axis_info[0].direction == "north",
        is_geographic=definition.is_geographic,
        area=area.bounds if area else (-180.0, -90.0, 180.0, 90.0),
    )


@lru_cache(maxsize=128)
def transformer(source: int, target: int) -> pyproj.Transformer:
    """Between two EPSG codes, easting first on both sides."""
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def served(storage_srid: int | None) -> tuple[Crs, ...]:
    """Every CRS a layer is served in, the default first."""
    srids = dict.fromkeys((*SERVED_SRIDS, storage_srid or 4326))
    return (crs84(), *(epsg(srid) for srid in srids))


def served_names() -> str:
    return ", ".join(("CRS84", *(f"EPSG:{srid}" for srid in SERVED_SRIDS)))


def parse(text: str, storage_srid: int | None) -> Crs:
    """The CRS a request names by URI, URN or safe CURIE. Raises UnknownCrs when the layer is not served in it."""
    if _CRS84_FORMS.match(text):
        return crs84()
    match = _EPSG_FORMS.match(text)
    if match and int(match[1]) in (*SERVED_SRIDS, storage_srid):
        return epsg(int(match[1]))
    raise UnknownCrs(text, served_names())
