"""Systems that a file describes without a code: which they are, by their parameters where the datum is unknown.

A `.prj` of a CAD program says `D_Unknown` or `D_User_Defined`; PROJ knows no way from there to another datum and takes
the degrees for the same, some 80 m beside the place in Italy. The projection's own numbers tell which system it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from pyproj import CRS
from pyproj.transformer import AreaOfInterest, Transformer, TransformerGroup

_ITALIAN = (
    3003, 3004, 23032, 23033, 32632, 32633, 25832, 25833, 7794, 6876, 3857, 4265, 4230, 4326, 4258,
)  # fmt: skip
"""What the offices use, one of each pair that differs by centimetres only."""
RETIRED = {26591: 3003, 26592: 3004}
"""With longitudes from Rome, which PROJ 9 places 12° too far east: the numbers of the plane are those of the newer."""
_CERTAIN = 60
"""Confidence of PROJ in percent: the name or all parameters are the same."""
_NEAR = 1e-6
_AXIS_M, _FLATTENING = 1.0, 0.01


@dataclass(frozen=True, slots=True)
class Match:
    """What a described system is."""

    crs: CRS
    srid: int | None
    is_guess: bool = False
    """By its parameters, although its datum has no name that PROJ knows."""


def matched(crs: CRS) -> Match:
    """The EPSG system that a description means, or the description itself where there is none."""
    crs = _without_empty_shift(crs)
    code = crs.to_epsg(min_confidence=_CERTAIN)
    if code in RETIRED:
        return Match(_epsg(RETIRED[code]), RETIRED[code])
    if crs.is_bound:
        return Match(crs, code)
    is_known = has_known_datum(crs)
    if is_known and code and _difference(crs, _epsg(code)) is not None:
        return Match(crs, code)
    differences = {one: _difference(crs, _epsg(one)) for one in _ITALIAN}
    alike = [(value, one) for one, value in differences.items() if value is not None]
    if not alike:
        return Match(crs, code if is_known else None)
    best = min(alike, key=lambda pair: pair[0])[1]
    return Match(_epsg(best), best, is_guess=not is_known)


def has_known_datum(crs: CRS) -> bool:
    """Whether PROJ knows how the datum lies to that of the world, and does not only take them for the same."""
    return not any(is_ballpark(one) for one in ways(crs, 4326)[0][:1])


def ways(crs: CRS, srid: int, area: AreaOfInterest | None = None) -> tuple[list[Transformer], list[Any]]:
    """The transformations to an EPSG system, best first, and those of which a grid is missing here."""
    try:
        group = TransformerGroup(crs, _epsg(srid), always_xy=True, area_of_interest=area)
    except IndexError:
        # pyproj falls over an operation that PROJ cannot do and that wants no grid: parameters that make no sense.
        return [], []
    return list(group.transformers), list(group.unavailable_operations)


def is_ballpark(transformer: Transformer) -> bool:
    """Whether a transformation leaves the datum out of account, as PROJ's names for such tell."""
    return "ballpark" in transformer.description.lower()


@cache
def _epsg(code: int) -> CRS:
    return CRS.from_epsg(code)


def _without_empty_shift(crs: CRS) -> CRS:
    """Seven zeros are what a program writes that does not know the shift; between ellipsoids they are not true."""
    if not crs.is_bound or crs.coordinate_operation is None or crs.source_crs is None:
        return crs
    ellipsoid = crs.source_crs.ellipsoid
    shifts = any(abs(float(one.value)) > 0 for one in crs.coordinate_operation.params)
    is_global = ellipsoid is not None and abs(ellipsoid.semi_major_metre - 6_378_137.0) < _AXIS_M
    return crs if shifts or is_global else crs.source_crs


def _difference(crs: CRS, other: CRS) -> float | None:
    """How far the ellipsoids' flattenings are apart; None where ellipsoid, projection or its numbers are others.

    Meridians may be counted from anywhere.
    """
    some, others = crs.ellipsoid, other.ellipsoid
    if some is None or others is None or not _close(_numbers(crs), _numbers(other)):
        return None
    apart = abs(some.inverse_flattening - others.inverse_flattening)
    is_near = abs(some.semi_major_metre - others.semi_major_metre) < _AXIS_M and apart < _FLATTENING
    return apart if is_near else None


def _numbers(crs: CRS) -> dict[str, float] | None:
    """The projection's method and parameters, meridians from Greenwich; None for what has neither."""
    from_greenwich = crs.prime_meridian.longitude if crs.prime_meridian else 0.0
    if crs.is_geographic:
        return {"degrees": from_greenwich}
    operation = crs.coordinate_operation
    if operation is None:
        return None
    found = {operation.method_name.lower().replace("gauss kruger", "transverse mercator"): 0.0}
    for one in operation.params:
        value = float(one.value) * one.unit_conversion_factor
        name = one.name.lower()
        if name.startswith("longitude"):
            value = float(one.value) + from_greenwich
        found[name] = value
    return found | {"unit": crs.axis_info[0].unit_conversion_factor}


def _close(some: dict[str, float] | None, others: dict[str, float] | None) -> bool:
    if some is None or others is None or some.keys() != others.keys():
        return False
    return all(abs(value - others[name]) <= _NEAR * max(1.0, abs(value)) for name, value in some.items())
