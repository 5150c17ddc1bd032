"""The services that serve the layers, each with what metadata say of it. Pure; one home for the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from layers.catalogue import LayerEntry

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a service and the address it answers at, below the site's."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Service:
    """A service. `path` is below the site's address; `kind` is INSPIRE's type of spatial data service."""

    name: str
    kind: str
    protocol: str
    version: str
    standard: str
    """Address of the specification."""
    category: str
    """Code of Regulation (EC) 1205/2008, part D 4."""
    path: str
    titles: tuple[str, str]
    abstracts: tuple[str, str]
    """Italian and English."""
    operations: tuple[Operation, ...]
    reads: str
    """The operation that gives the data of a layer."""

    def title(self, language: str) -> str:
        return self.titles[language == "en"]

    def abstract(self, language: str) -> str:
        return self.abstracts[language == "en"]

    def serves(self, layer: LayerEntry) -> bool:
        """Whether a layer can be had from it: maps need geometry, WFS needs features."""
        if self.name == "wfs":
            return layer.kind == "vector"
        return self.name == "ogcapi" or layer.kind != "vector" or bool(layer.geometry_field)

    def entry(self, base: str) -> str:
        """Where a program begins: the capabilities or the landing page."""
        return f"{base}/{self.operations[0].path}"

    def record(self, base: str) -> str:
        """The address of its metadata in ISO 19139."""
        return f"{base}/servizi/{self.name}/metadati.xml"

    @property
    def identifier(self) -> str:
        """In the national catalogue; no layer's can be the same, since theirs have no colon after the first."""
        return f"{settings.BODY['ipa']}:servizio:{self.name}"


def _kvp(path: str, service: str, names: tuple[str, ...]) -> tuple[Operation, ...]:
    return tuple(Operation(name, f"{path}?SERVICE={service}&REQUEST={name}") for name in names)


SERVICES: tuple[Service, ...] = (
    Service(
        "wms", "view", "OGC:WMS", "1.3.0", "http://www.opengis.net/def/serviceType/ogc/wms", "infoMapAccessService",
        "ogc/wms", ("Geoportale di Cremona: servizio di consultazione WMS", "Cremona geoportal: WMS view service"),
        ("Mappe dei livelli del Comune di Cremona come immagini, con legende e informazioni sui punti, secondo OGC "
         "WMS 1.3.0 e 1.1.1.",
         "Maps of the layers of the city of Cremona as pictures, with legends and what is at a point, by OGC WMS "
         "1.3.0 and 1.1.1."),
        _kvp("ogc/wms", "WMS", ("GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic")), "GetMap",
    ),
    Service(
        "wmts", "view", "OGC:WMTS", "1.0.0", "http://www.opengis.net/def/serviceType/ogc/wmts", "infoMapAccessService",
        "ogc/wmts", ("Geoportale di Cremona: servizio di consultazione WMTS", "Cremona geoportal: WMTS view service"),
        ("Mappe dei livelli del Comune di Cremona in tessere pronte, secondo OGC WMTS 1.0.0.",
         "Maps of the layers of the city of Cremona as ready tiles, by OGC WMTS 1.0.0."),
        _kvp("ogc/wmts", "WMTS", ("GetCapabilities", "GetTile", "GetFeatureInfo")), "GetTile",
    ),
    Service(
        "wfs", "download", "OGC:WFS", "2.0.0", "http://www.opengis.net/def/serviceType/ogc/wfs",
        "infoFeatureAccessService", "ogc/wfs",
        ("Geoportale di Cremona: servizio di scaricamento WFS", "Cremona geoportal: WFS download service"),
        ("Elementi e attributi dei livelli vettoriali del Comune di Cremona, in GML e GeoJSON, secondo OGC WFS 2.0.",
         "Features and attributes of the vector layers of the city of Cremona, in GML and GeoJSON, by OGC WFS 2.0."),
        _kvp("ogc/wfs", "WFS", ("GetCapabilities", "DescribeFeatureType", "ListStoredQueries", "DescribeStoredQueries",
                                "GetFeature")), "GetFeature",
    ),
    Service(
        "ogcapi", "download", "OGC API", "1.0", "http://www.opengis.net/spec/ogcapi-features-1/1.0",
        "infoFeatureAccessService", "ogc",
        ("Geoportale di Cremona: servizio di scaricamento OGC API", "Cremona geoportal: OGC API download service"),
        ("Elementi, coperture, mappe e tessere dei livelli del Comune di Cremona, secondo OGC API - Features, "
         "Coverages, Maps e Tiles.",
         "Features, coverages, maps and tiles of the layers of the city of Cremona, by OGC API - Features, Coverages, "
         "Maps and Tiles."),
        (Operation("landingPage", "ogc/?f=json"), Operation("apiDefinition", "ogc/openapi?f=json"),
         Operation("conformanceDeclaration", "ogc/conformance?f=json"),
         Operation("collections", "ogc/collections?f=json")), "collections",
    ),
)  # fmt: skip
"""The first operation of each is where a program begins."""
BY_NAME = {one.name: one for one in SERVICES}


def whole_box(layers: Iterable[LayerEntry]) -> Box | None:
    """The extent of layers together, in degrees."""
    boxes = [layer.bbox for layer in layers if layer.bbox]
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def newest(layers: Iterable[LayerEntry]) -> datetime | None:
    """When what they serve, or what is said of it, changed last."""
    moments = (moment for layer in layers for moment in (layer.data_updated_at, layer.described.updated_at) if moment)
    return max(moments, default=None)
