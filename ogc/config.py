"""pygeoapi's configuration, made from the catalogue for one audience. It holds no secret and opens nothing."""

from __future__ import annotations

from typing import Any

from layers.catalogue import Catalogue, FieldEntry, LayerEntry
from layers.crs import CRS84, EPSG, served
from layers.metadata import codes
from layers.models import Field
from layers.rights import Audience

TITLE = {"it": "Geoportale di Cremona", "en": "Cremona geoportal"}
DESCRIPTION = {
    "it": "Dati geografici del Comune di Cremona, secondo gli standard OGC API.",
    "en": "Geographic data of the city of Cremona, by the OGC API standards.",
}

LICENCES = {code: address for code, (_name, address) in codes.LICENCES.items()}

JSON_TYPES: dict[str, dict[str, str]] = {
    Field.Type.STRING: {"type": "string"},
    Field.Type.INTEGER: {"type": "integer"},
    Field.Type.NUMBER: {"type": "number"},
    Field.Type.BOOLEAN: {"type": "boolean"},
    Field.Type.DATE: {"type": "string", "format": "date"},
    Field.Type.DATETIME: {"type": "string", "format": "date-time"},
    Field.Type.JSON: {"type": "object"},
}


def build(held: Catalogue, audience: Audience, base: str) -> dict[str, Any]:
    """The configuration of every collection this audience may see; `base` is the absolute address of /ogc."""
    return {
        "server": {
            "url": base,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["it", "en"],
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": "", "attribution": ""},
            "api_rules": {"strict_slashes": True},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": TITLE,
                "description": DESCRIPTION,
                "keywords": {"it": ["geoportale", "Cremona"], "en": ["geoportal", "Cremona"]},
                "keywords_type": "theme",
                "terms_of_service": LICENCES["CC-BY-4.0"],
                "url": base.removesuffix("/ogc") + "/",
            },
            "license": {"name": "CC-BY-4.0", "url": LICENCES["CC-BY-4.0"]},
            "provider": {"name": "Comune di Cremona", "url": "https://www.comune.cremona.it"},
            "contact": {"name": "Comune di Cremona"},
        },
        "resources": {layer.slug: _resource(layer, audience) for layer in held.visible(audience)},
    }


def _resource(layer: LayerEntry, audience: Audience) -> dict[str, Any]:
    return {
        "type": "collection",
        "title": {"it": layer.title_it, "en": layer.title_en},
        "description": {"it": layer.abstract_it or layer.title_it, "en": layer.abstract_en or layer.title_en},
        "keywords": list(layer.keywords),
        "links": _links(layer),
        "extents": {"spatial": {"bbox": list(layer.bbox or (-180.0, -90.0, 180.0, 90.0)), "crs": CRS84}},
        "providers": _providers(layer, audience),
    }


def _links(layer: LayerEntry) -> list[dict[str, str]]:
    licence = LICENCES.get(layer.licence)
    if licence is None:
        return []
    return [{"type": "text/html", "rel": "license", "title": layer.licence, "href": licence}]


def _providers(layer: LayerEntry, audience: Audience) -> list[dict[str, Any]]:
    if layer.kind != "vector":
        return [_tiles(layer, "map", {"name": "png", "mimetype": "image/png"})]
    features = {
        "type": "feature",
        "name": "ogc.provider.LayerFeatures",
        "data": layer.slug,
        "id_field": layer.id_field,
        "crs": [crs.uri for crs in served(layer.srid)],
        "storage_crs": f"{EPSG}{layer.srid}" if layer.srid else CRS84,
        "options": {"fields": {entry.name: _schema(entry) for entry in layer.visible_fields(audience)}},
    }
    if layer.time_field in features["options"]["fields"]:  # type: ignore[index]
        features["time_field"] = layer.time_field
    if not layer.geometry_field:
        return [features]
    mvt = {"name": "pbf", "mimetype": "application/vnd.mapbox-vector-tile"}
    return [features, _tiles(layer, "vector", mvt)]


def _tiles(layer: LayerEntry, tile_type: str, form: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "tile",
        "name": "ogc.provider.LayerTiles",
        "data": layer.slug,
        "format": form,
        "options": {"tile_type": tile_type, "schemes": ["WebMercatorQuad"]},
    }


def _schema(entry: FieldEntry) -> dict[str, Any]:
    return dict(JSON_TYPES[entry.type])
