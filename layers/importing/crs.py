"""Where coordinates lie: the CRS a file declares or, where it declares none, the one its numbers speak for.

Every found CRS comes with how it was found, for the report. Coordinates are always easting or longitude first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

from django.db import connection
from django.utils.translation import gettext as _
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest

from layers.importing.crs_matching import RETIRED, is_ballpark, matched, ways
from layers.importing.errors import ImportRefused

KEPT_SRIDS = frozenset({32632, 7791, 25832})
"""Stored as they come (ARCHITECTURE §5); the rest is transformed to STORAGE_SRID where it fits that zone."""
STORAGE_SRID = 32632
GEOGRAPHIC_SRID = 4326
_ZONE_32 = (3.0, 30.0, 15.0, 70.0)
"""west, south, east, north within which UTM 32N is still a sensible store (its central meridian is 9° E)."""

Bounds = tuple[float, float, float, float]
"""minx, miny, maxx, maxy in the stated CRS, easting or longitude first."""

_METRIC_GUESSES: tuple[tuple[int, Bounds], ...] = (
    (3003, (1_250_000, 3_900_000, 1_850_000, 5_250_000)),
    (3004, (2_200_000, 3_900_000, 2_900_000, 5_250_000)),
    (32632, (250_000, 3_900_000, 950_000, 5_250_000)),
    (3857, (650_000, 4_200_000, 2_100_000, 5_990_000)),
)
"""False eastings of the systems Italian offices use: each range of eastings belongs to one of them."""

_ITALY_DEGREES: Bounds = (6.0, 35.0, 19.0, 48.0)
"""As longitude and latitude; as metres of a projection these numbers are a few steps off the equator."""


@dataclass(frozen=True, slots=True)
class FoundCrs:
    """A CRS and how it was found."""

    crs: CRS
    srid: int | None
    """EPSG code, None for a system that has none."""
    how: str
    is_guess: bool = False
    """Whether a person should look at the map before believing it."""

    @property
    def name(self) -> str:
        return f"EPSG:{self.srid}" if self.srid else str(self.crs.name)


NOWHERE = FoundCrs(CRS.from_epsg(4326), None, "")
"""Of a table without places."""


@dataclass(frozen=True, slots=True)
class StoragePlan:
    """The CRS a layer is stored in, and the way there (None: as it is)."""

    srid: int
    transformer: Transformer | None
    note: str = ""
    is_ballpark: bool = False
    """Whether the datum is left out of account, since no way from it is known."""


def declared(text: str, how: str) -> FoundCrs:
    """A CRS from an EPSG code, a WKT or a PROJJSON. Raises ImportRefused when it cannot be understood."""
    try:
        crs = CRS.from_user_input(text)
    except CRSError as error:
        raise ImportRefused(_("Sistema di riferimento non comprensibile (%(error)s).") % {"error": error}) from error
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    if len(crs.axis_info) > 2:
        crs = crs.to_2d()
    if crs.is_engineering:
        raise ImportRefused(
            _("Il sistema di riferimento è locale (%(name)s): indicare un codice EPSG.") % {"name": crs.name}
        )
    found = matched(crs)
    if found.is_guess:
        how = _("supposto dai parametri: il datum «%(datum)s» del file non è noto") % {
            "datum": crs.datum.name if crs.datum else "-"
        }
    elif found.crs.is_bound:
        how = _("%(how)s, con i suoi parametri TOWGS84") % {"how": how}
    return FoundCrs(found.crs, found.srid, how, _is_old(found.crs) and found.is_guess)


def _is_old(crs: CRS) -> bool:
    """Before satellites: datums of one ellipsoid lie some 100 m apart there, and less than two metres since."""
    return crs.ellipsoid is None or abs(crs.ellipsoid.semi_major_metre - 6_378_137.0) > 1.0


def chosen(srid: int) -> FoundCrs:
    """The CRS the person importing asked for."""
    kept = RETIRED.get(srid, srid)
    how = _("indicato da chi importa")
    if kept != srid:
        how = _("%(how)s: EPSG:%(srid)s è ritirato, i numeri sono gli stessi") % {"how": how, "srid": srid}
    try:
        return FoundCrs(CRS.from_epsg(kept), kept, how)
    except CRSError as error:
        raise ImportRefused(_("EPSG:%(srid)s non esiste.") % {"srid": srid}) from error


def guessed(bounds: Bounds | None) -> FoundCrs:
    """A CRS from the extent alone. Raises ImportRefused when no system used here fits it."""
    if bounds is None or not all(math.isfinite(value) for value in bounds):
        raise ImportRefused(
            _("Nessun sistema di riferimento dichiarato e nessuna coordinata: indicare un codice EPSG.")
        )
    west, south, east, north = bounds
    if west >= -180.0 and east <= 180.0 and south >= -90.0 and north <= 90.0:
        return FoundCrs(CRS.from_epsg(4326), 4326, _("supposto: coordinate nell'intervallo di gradi lon/lat"), True)
    if (srid := metres_guess(bounds)) is not None:
        how = _("supposto: coordinate in metri nell'intervallo di EPSG:%(srid)s in Italia") % {"srid": srid}
        return FoundCrs(CRS.from_epsg(srid), srid, how, True)
    raise ImportRefused(
        _("Nessun sistema di riferimento dichiarato, né suggerito dall'estensione %(bounds)s: indicare un codice EPSG.")
        % {"bounds": tuple(round(value, 2) for value in bounds)}
    )


def metres_guess(bounds: Bounds) -> int | None:
    """The EPSG code of the metric system in whose Italian range of numbers an extent lies."""
    return next((srid for srid, most in _METRIC_GUESSES if _inside(bounds, most)), None)


def checked(found: FoundCrs, bounds: Bounds | None) -> FoundCrs:
    """The declared CRS, or a guess where the extent contradicts it: metres in a file that claims degrees, or degrees
    in one that claims metres."""
    if bounds is None or not all(math.isfinite(value) for value in bounds):
        return found
    if found.crs.is_geographic:
        if abs(bounds[0]) <= 540 and abs(bounds[2]) <= 540 and bounds[1] >= -90.01 and bounds[3] <= 90.01:
            return found
        claim = _("%(how)s (il file dichiara %(claimed)s, ma i numeri sono metri)")
    elif _inside(bounds, _ITALY_DEGREES):
        claim = _("%(how)s (il file dichiara %(claimed)s, ma i numeri sono gradi)")
    else:
        return found
    guess = guessed(bounds)
    return replace(guess, how=claim % {"how": guess.how, "claimed": found.name})


def storage_plan(found: FoundCrs, bounds: Bounds | None, known_srids: frozenset[int]) -> StoragePlan:
    """Where to store data of this CRS and extent (in that CRS). `known_srids`: what the database has."""
    if found.srid in KEPT_SRIDS:
        return StoragePlan(found.srid, None)
    degrees = degrees_bounds(found.crs, bounds) if bounds else None
    if degrees is None or _inside(degrees, _ZONE_32):
        return _plan(found, STORAGE_SRID, degrees)
    if found.srid and found.srid in known_srids:
        note = _("tenuto in %(name)s: l'estensione esce dal fuso 32N") % {"name": found.name}
        return StoragePlan(found.srid, None, note)
    return _plan(found, GEOGRAPHIC_SRID, degrees)


def degrees_bounds(crs: CRS, bounds: Bounds) -> Bounds | None:
    """The extent in OGC:CRS84 degrees, None where it cannot be said (coordinates outside the system's domain)."""
    if not all(math.isfinite(value) for value in bounds):
        return None
    try:
        west, south, east, north = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform_bounds(*bounds)
    except ProjError as error:
        raise ImportRefused(_("Coordinate fuori dal sistema di riferimento: %(error)s") % {"error": error}) from error
    values = (float(west), float(south), float(east), float(north))
    return values if all(math.isfinite(value) for value in values) else None


def _inside(inner: Bounds, outer: Bounds) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _plan(found: FoundCrs, srid: int, degrees: Bounds | None) -> StoragePlan:
    # PROJ knows five ways from Monte Mario to WGS 84, up to 44 m apart: the area of the data picks the right one.
    area = AreaOfInterest(*degrees) if degrees else None
    found_ways, missing = ways(found.crs, srid, area)
    if not found_ways:
        raise ImportRefused(
            _("Nessuna trasformazione da %(name)s a EPSG:%(srid)s.") % {"name": found.name, "srid": srid}
        )
    best = found_ways[0]
    ballpark = is_ballpark(best) and _is_old(found.crs)
    accuracy = ""
    if best.accuracy > 0:
        accuracy = _(", accuratezza %(metres)s m") % {"metres": f"{best.accuracy:g}"}
    if ballpark:
        accuracy = _(", senza passaggio di datum: può sbagliare di qualche centinaio di metri")
    note = _("trasformato in EPSG:%(srid)s (%(name)s%(accuracy)s)") % {
        "srid": srid,
        "name": best.description.partition(" (with axis order")[0],
        "accuracy": accuracy,
    }
    better = missing[0] if missing else None
    if better and 0 <= better.accuracy < (best.accuracy if best.accuracy >= 0 else math.inf):
        note += _("; più accurata sarebbe «%(name)s» (%(metres)s m), di cui manca la griglia") % {
            "name": better.name,
            "metres": f"{better.accuracy:g}",
        }
    return StoragePlan(srid, best, note, ballpark)


@cache
def known_srids() -> frozenset[int]:
    """The codes PostGIS has in spatial_ref_sys: only these may stand in a geometry column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT srid FROM spatial_ref_sys WHERE auth_name = 'EPSG'")
        return frozenset(int(srid) for (srid,) in cursor.fetchall())
