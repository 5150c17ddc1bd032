"""Rasters as OGC API Coverages describes them: schema, domain, CoverageJSON (OGC 19-087, 21-069)."""

from __future__ import annotations

import re
from typing import Any

from layers.catalogue import LayerEntry
from layers.coverage import Box, Coverage, CoverageQuery, data_bands, numbers
from layers.crs import Crs, crs84, epsg
from layers.crs import parse as parse_crs
from layers.filters import parse_bbox
from layers.raster import OpenRaster
from ogc.door import Ask
from ogc.errors import InvalidParameter

AXES = {"e": 0, "x": 0, "lon": 0, "long": 0, "longitude": 0, "n": 1, "y": 1, "lat": 1, "latitude": 1}
_SUBSET = re.compile(r"(\w+)\(([^:(),]+)(?::([^:(),]+))?\)")
_SIZE = re.compile(r"(\w+)\((\d{1,9})\)")
_FACTOR = re.compile(r"(\w+)\(([\d.]{1,12})\)")
FACTORS = 0.1, 100_000
_EXTREMES = (("minimum", "min"), ("maximum", "max"))
KINDS = {"f": "number", "i": "integer", "u": "integer"}


def band_names(layer: LayerEntry, held: OpenRaster) -> dict[str, int]:
    """Number of each band by name: its description when it has one that can be a name, else band1, band2 …"""
    names: dict[str, int] = {}
    for at in data_bands(held):
        said = re.sub(r"\W+", "_", (held.source.descriptions[at - 1] or "").strip()).strip("_").lower()
        names[said if said and said not in names else f"band{at}"] = at
    return names


def schema(layer: LayerEntry, held: OpenRaster, base: str, language: str) -> dict[str, Any]:
    """The fields of a coverage as a JSON Schema."""
    known = layer.raster_info.get("bands") or []
    properties: dict[str, Any] = {}
    for place, (name, at) in enumerate(band_names(layer, held).items(), 1):
        facts: dict[str, Any] = known[at - 1] if len(known) >= at else {}
        kind = held.source.dtypes[at - 1]
        properties[name] = {
            "title": facts.get("description") or name,
            "type": KINDS.get(kind[0], "number"),
            "x-ogc-propertySeq": place,
            "x-ogc-dataType": kind,
            **{
                key: facts[held_as]
                for key, held_as in (("minimum", "min"), ("maximum", "max"))
                if facts.get(held_as) is not None
            },
            **({"x-ogc-nodata": held.source.nodata} if held.source.nodata is not None else {}),
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{layer.slug}/schema",
        "type": "object",
        "title": layer.title_en if language == "en" else layer.title_it,
        "properties": properties,
    }


def grid_extent(held: OpenRaster) -> dict[str, Any]:
    """Extent, cells and resolution of the raster in its own CRS."""
    source = held.source
    return {
        "bbox": [list(source.bounds)],
        "grid": [
            {"cellsCount": source.width, "resolution": source.transform.a},
            {"cellsCount": source.height, "resolution": -source.transform.e},
        ],
    }


def read_query(ask: Ask, layer: LayerEntry, names: dict[str, int]) -> CoverageQuery:
    """The query of a request. Raises InvalidParameter, BadQuery, UnknownCrs."""
    given = ask.request.GET
    query = CoverageQuery()
    if "crs" in given:
        query.crs = parse_crs(ask.param("crs"), layer.srid)
    if "properties" in given:
        query.bands = tuple(_band(name.strip(), names) for name in ask.param("properties").split(","))
    named = {name: parse_crs(ask.param(name), layer.srid) for name in ("bbox-crs", "subset-crs") if name in given}
    if "bbox" in given and "subset" in given:
        raise InvalidParameter("bbox and subset exclude each other; give one of them.")
    if "bbox" in given:
        query.box_crs = named.get("bbox-crs", crs84())
        boxes = parse_bbox(ask.param("bbox"), query.box_crs)
        query.box = boxes[0] if len(boxes) == 1 else (boxes[1][0] + 360, *boxes[0][1:])
    if "subset" in given:
        query.box_crs, query.box = _subset(ask, layer, named.get("subset-crs"))
    _scale(ask, query)
    return query


def _band(name: str, names: dict[str, int]) -> int:
    if name not in names:
        raise InvalidParameter(f"properties: {name[:60]!r} is not a band of this coverage; it has {', '.join(names)}.")
    return names[name]


def _subset(ask: Ask, layer: LayerEntry, crs: Crs | None) -> tuple[Crs, Box]:
    """A box from subset=Lat(45.1:45.2),Lon(10:10.1), or E(…),N(…) in the storage CRS; a missing axis is whole.

    Several parameters are as one; Lat(45.1) is a slice, one cell thick.
    """
    own = epsg(layer.srid) if layer.srid else crs84()
    text = _short(",".join(ask.request.GET.getlist("subset")), "subset")
    parts = _SUBSET.findall(text)
    if not parts or re.sub(r"[\s,]", "", _SUBSET.sub("", text)):
        raise InvalidParameter(f"subset={text[:80]!r}: write Lat(45.1:45.2),Lon(10.0:10.1) or E(…:…),N(…:…).")
    if len({AXES.get(axis.lower(), axis) for axis, _low, _high in parts}) < len(parts):
        raise InvalidParameter(f"subset={text[:80]!r}: an axis is given twice; give it once.")
    degrees = {axis.lower()[:2] in {"la", "lo"} for axis, _low, _high in parts}
    if len(degrees) > 1:
        raise InvalidParameter("subset: axes of degrees and of metres do not go together.")
    crs = crs or (crs84() if degrees == {True} else own)
    low, high = [-1e9, -1e9], [1e9, 1e9]
    if crs.is_geographic:
        low, high = list(crs.area[:2]), list(crs.area[2:])
    elif layer.storage_bbox and crs.srid == layer.srid:
        low, high = list(layer.storage_bbox[:2]), list(layer.storage_bbox[2:])
    for axis, first, last in parts:
        if axis.lower() not in AXES:
            raise InvalidParameter(
                f"subset: {axis[:40]!r} is not an axis of this coverage; it has E and N, Lon and Lat."
            )
        at = AXES[axis.lower()]
        if not last and first.strip() == "*":
            raise InvalidParameter(f"subset: {axis}(*) is no place; write {axis}(*:*) for the whole axis.")
        low[at], high[at] = _bound(first, low[at]), _bound(last or first, high[at])
        if low[at] > high[at]:
            raise InvalidParameter(f"subset: {axis} ends before it starts.")
    return crs, (low[0], low[1], high[0], high[1])


def _short(text: str, name: str) -> str:
    if len(text) > 500:
        raise InvalidParameter(f"{name} has {len(text)} characters; 500 are more than its axes need.")
    return text


def _bound(text: str, otherwise: float) -> float:
    if text.strip() == "*":
        return otherwise
    try:
        number = float(text)
    except ValueError as error:
        raise InvalidParameter(f"subset: {text[:40]!r} is not a number.") from error
    if not abs(number) < 1e12:
        raise InvalidParameter(f"subset: {text[:40]!r} is not a finite number.")
    return number


def _scale(ask: Ask, query: CoverageQuery) -> None:
    given = [name for name in ("scale-factor", "scale-axes", "scale-size") if name in ask.request.GET]
    if len(given) > 1:
        raise InvalidParameter(f"{' and '.join(given)} exclude each other; give one of them.")
    if given == ["scale-factor"]:
        query.factors = (_factor(ask.param("scale-factor"), "scale-factor"),) * 2
    elif given == ["scale-axes"]:
        factors = [1.0, 1.0]
        for at, number in _by_axis(ask, "scale-axes", _FACTOR, "Lon(2),Lat(3) or E(2),N(3)"):
            factors[at] = _factor(number, "scale-axes")
        query.factors = factors[0], factors[1]
    elif given:
        for at, size in _by_axis(ask, "scale-size", _SIZE, "Lon(400),Lat(300) or E(400),N(300)"):
            if int(size) < 1:
                raise InvalidParameter("scale-size: a side has one cell at least.")
            if at == 0:
                query.width = int(size)
            else:
                query.height = int(size)


def _factor(text: str, name: str) -> float:
    try:
        factor = float(text)
    except ValueError as error:
        raise InvalidParameter(f"{name}={text[:20]!r}: give a number, 2 for half as many cells a side.") from error
    if not FACTORS[0] <= factor <= FACTORS[1]:
        raise InvalidParameter(f"{name}={text[:20]!r}: give a number from {FACTORS[0]} to {FACTORS[1]}.")
    return factor


def _by_axis(ask: Ask, name: str, form: re.Pattern[str], example: str) -> list[tuple[int, str]]:
    """What is said of each axis: its number and the text in its brackets."""
    text = _short(ask.param(name), name)
    parts = form.findall(text)
    if not parts or re.sub(r"[\s,]", "", form.sub("", text)) or any(axis.lower() not in AXES for axis, _ in parts):
        raise InvalidParameter(f"{name}={text[:80]!r}: write {example}.")
    return [(AXES[axis.lower()], number) for axis, number in parts]


def coverage_json(layer: LayerEntry, found: Coverage, names: dict[str, int], language: str) -> dict[str, Any]:
    """CoverageJSON: a grid whose axes give the centres of cells, north to south."""
    grid = found.grid
    crs = epsg(grid.srid)
    x0, y0 = grid.transform @ (0.5, 0.5)
    x1, y1 = grid.transform @ (grid.width - 0.5, grid.height - 0.5)
    title = layer.title_en if language == "en" else layer.title_it
    by_number = {at: name for name, at in names.items()}
    system = {"type": "GeographicCRS" if crs.is_geographic else "ProjectedCRS", "id": crs.uri}
    parameters, ranges = {}, {}
    for place, at in enumerate(found.bands):
        name = by_number[at]
        values = found.values[place]
        parameters[name] = {
            "type": "Parameter",
            "description": {language: title},
            "observedProperty": {"label": {language: name}},
        }
        ranges[name] = {
            "type": "NdArray",
            "dataType": "float" if values.dtype.kind == "f" else "integer",
            "axisNames": ["y", "x"],
            "shape": [grid.height, grid.width],
            "values": numbers(values),
        }
    return {
        "type": "Coverage",
        "domain": {
            "type": "Domain",
            "domainType": "Grid",
            "axes": {"x": _axis(x0, x1, grid.width), "y": _axis(y0, y1, grid.height)},
            "referencing": [{"coordinates": ["x", "y"], "system": system}],
        },
        "parameters": parameters,
        "ranges": ranges,
    }


def _axis(start: float, stop: float, count: int) -> dict[str, Any]:
    return {"start": start, "stop": stop, "num": count}
