"""Measures of devices as OGC API EDR 1.1 describes them: parameters, queries, CoverageJSON and GeoJSON."""

from __future__ import annotations

from typing import Any

import pyproj

from layers.catalogue import LayerEntry
from layers.observations import Parameter, Series

COVJSON, GEOJSON = "application/vnd.cov+json", "application/geo+json"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WKT = pyproj.CRS("OGC:CRS84").to_wkt()
QUERIES = {"position": "Position query", "area": "Area query", "locations": "Location query"}


def described(layer: LayerEntry, known: dict[str, Parameter], base: str, language: str) -> dict[str, Any]:
    """The members that a collection with measures has beside its own."""
    if not known:
        return {}
    here = f"{base}/collections/{layer.slug}"
    queries = {
        name: {
            "link": {
                "href": f"{here}/{name}",
                "rel": "data",
                "variables": {
                    "title": title,
                    "query_type": name,
                    "output_formats": ["CoverageJSON", "GeoJSON"],
                    "default_output_format": "GeoJSON" if name == "locations" else "CoverageJSON",
                    "crs_details": [{"crs": "CRS84", "wkt": WKT}],
                },
            }
        }
        for name, title in QUERIES.items()
    }
    return {
        "data_queries": queries,
        "output_formats": ["CoverageJSON", "GeoJSON"],
        "parameter_names": {name: parameter(one, language) for name, one in known.items()},
    }


def links(known: dict[str, Parameter], collection: str) -> list[dict[str, str]]:
    """Where a collection with measures is asked for them: what OWSLib tells such collections by."""
    asked = [(name, title) for name, title in QUERIES.items() if known]
    return [
        {
            "rel": "data",
            "type": GEOJSON if name == "locations" else COVJSON,
            "title": title,
            "href": f"{collection}/{name}",
        }
        for name, title in asked
    ]


def parameter(one: Parameter, language: str) -> dict[str, Any]:
    """A measured quantity."""
    title = one.title_en if language == "en" else one.title_it
    symbol = {"value": one.unit, "type": "http://www.opengis.net/def/uom/UCUM/"}
    return {
        "type": "Parameter",
        "id": one.name,
        "description": {language: title},
        "unit": {"label": {language: one.unit}, "symbol": symbol},
        "observedProperty": {"id": one.name, "label": {language: title}},
    }


def coverages(found: list[Series], known: dict[str, Parameter], language: str) -> dict[str, Any]:
    """One PointSeries, or a collection of several."""
    parameters = {name: parameter(one, language) for name, one in known.items()}
    referencing = [
        {"coordinates": ["x", "y"], "system": {"type": "GeographicCRS", "id": CRS84}},
        {"coordinates": ["t"], "system": {"type": "TemporalRS", "calendar": "Gregorian"}},
    ]
    made = [_coverage(one, known) for one in found]
    if len(made) == 1:
        made[0]["domain"]["referencing"] = referencing
        return {**made[0], "parameters": parameters}
    return {
        "type": "CoverageCollection",
        "domainType": "PointSeries",
        "parameters": parameters,
        "referencing": referencing,
        "coverages": made,
    }


def _coverage(one: Series, known: dict[str, Parameter]) -> dict[str, Any]:
    axes = {"x": {"values": [one.x]}, "y": {"values": [one.y]}, "t": {"values": one.times}}
    ranges = {
        name: {
            "type": "NdArray",
            "dataType": "float",
            "axisNames": ["t"],
            "shape": [len(one.times)],
            "values": one.values[name],
        }
        for name in known
    }
    domain = {"type": "Domain", "domainType": "PointSeries", "axes": axes}
    return {"type": "Coverage", "id": one.id, "domain": domain, "ranges": ranges}


def features(found: list[Series], known: dict[str, Parameter], language: str) -> dict[str, Any]:
    """One feature a place, its measures as parallel lists."""
    return {
        "type": "FeatureCollection",
        "parameters": [parameter(one, language) for one in known.values()],
        "features": [
            {
                "type": "Feature",
                "id": one.id,
                "geometry": {"type": "Point", "coordinates": [one.x, one.y]},
                "properties": {"datetime": one.times, **{name: one.values[name] for name in known}},
            }
            for one in found
        ],
    }
