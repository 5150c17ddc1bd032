"""What a renderer draws for a geometry type."""

from typing import Literal

Drawn = Literal["point", "line", "polygon"]

_BY_TYPE: dict[str, Drawn] = {"POINT": "point", "LINESTRING": "line", "CURVE": "line", "POLYGON": "polygon"}
_OTHERS: dict[str, Drawn] = {"COMPOUNDCURVE": "line", "CIRCULARSTRING": "line", "CURVEPOLYGON": "polygon"}


def drawn_as(geometry_type: str) -> tuple[Drawn, ...]:
    """The kinds of mark that a column of this PostGIS type may need, polygons first as they are drawn first.

    Empty for a table without geometry; all three for GEOMETRY and GEOMETRYCOLLECTION.
    """
    if not geometry_type:
        return ()
    name = geometry_type.upper().removesuffix("ZM").removesuffix("Z").removesuffix("M").strip()
    name = "POLYGON" if name in {"MULTISURFACE", "SURFACE", "TIN", "POLYHEDRALSURFACE"} else name.removeprefix("MULTI")
    kind = _BY_TYPE.get(name) or _OTHERS.get(name)
    return (kind,) if kind else ("polygon", "line", "point")
