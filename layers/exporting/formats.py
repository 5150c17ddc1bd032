"""The formats that features are handed out in, beside GeoJSON pages and pages for people."""

from __future__ import annotations

from dataclasses import dataclass

from layers.catalogue import LayerEntry


@dataclass(frozen=True, slots=True)
class Format:
    """One format. `streams`: the first bytes leave while the database still reads; else a file is made first."""

    name: str
    title: str
    media: str
    extension: str
    streams: bool
    crs84_only: bool = False
    needs_geometry: bool = False


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("geojson", "GeoJSON", "application/geo+json", "geojson", streams=True),
        Format("geojsonseq", "GeoJSON Text Sequence", "application/geo+json-seq", "geojsons", streams=True),
        Format("jsonfg", "JSON-FG", "application/vnd.ogc.fg+json", "fg.json", streams=True),
        Format("csv", "CSV", "text/csv; charset=utf-8", "csv", streams=True),
        Format("gpkg", "GeoPackage", "application/geopackage+sqlite3", "gpkg", streams=False),
        Format("shp", "Shapefile", "application/zip", "zip", streams=False, needs_geometry=True),
        Format("fgb", "FlatGeobuf", "application/flatgeobuf", "fgb", streams=False, needs_geometry=True),
        Format("parquet", "GeoParquet", "application/vnd.apache.parquet", "parquet", streams=False),
        Format(
            "kml",
            "KML",
            "application/vnd.google-earth.kml+xml",
            "kml",
            streams=False,
            crs84_only=True,
            needs_geometry=True,
        ),
    )
}


def offered(layer: LayerEntry) -> list[Format]:
    """The formats that can hold a layer: a table without geometry is no shapefile, FlatGeobuf or KML."""
    return [entry for entry in FORMATS.values() if layer.geometry_field or not entry.needs_geometry]
