"""The formats that features are handed out in, beside GeoJSON pages and pages for people."""

from __future__ import annotations

from dataclasses import dataclass

from layers.catalogue import LayerEntry


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    name: str
    title: str
    media: str
    extension: str
    crs84_only: bool = False
    needs_geometry: bool = False


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("geojson", "GeoJSON", "application/geo+json", "geojson"),
        Format("geojsonseq", "GeoJSON Text Sequence", "application/geo+json-seq", "geojsons"),
        Format("jsonfg", "JSON-FG", "application/vnd.ogc.fg+json", "fg.json"),
        Format("csv", "CSV", "text/csv; charset=utf-8", "csv"),
        Format("gpkg", "GeoPackage", "application/geopackage+sqlite3", "gpkg"),
        Format("shp", "Shapefile", "application/zip", "zip", needs_geometry=True),
        Format("fgb", "FlatGeobuf", "application/flatgeobuf", "fgb", needs_geometry=True),
        Format("parquet", "GeoParquet", "application/vnd.apache.parquet", "parquet"),
        Format(
            "kml",
            "KML",
            "application/vnd.google-earth.kml+xml",
            "kml",
            crs84_only=True,
            needs_geometry=True,
        ),
    )
}


def offered(layer: LayerEntry) -> list[Format]:
    """The formats that can hold a layer: a table without geometry is no shapefile, FlatGeobuf or KML."""
    return [entry for entry in FORMATS.values() if layer.geometry_field or not entry.needs_geometry]
