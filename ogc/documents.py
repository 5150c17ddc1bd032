"""The small documents of the services: from pygeoapi where it is right, put right where it is not; made once a version.

pygeoapi links to representations and resources that are not served here (JSON-LD, processes) and does not know ours
(tile matrix sets in their standard spelling, capped paging, titles and units of attributes).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pygeoapi.api import describe_collections, get_collection_schema, landing_page
from pygeoapi.api.itemtypes import get_collection_queryables

from layers.catalogue import FieldEntry, LayerEntry
from layers.columns import has_integer_id
from layers.crs import EPSG
from layers.exporting.formats import offered
from layers.observations import parameters
from layers.tile_cache import TileCache
from layers.tile_grids import GRIDS
from ogc import edr, extents, openapi, records
from ogc.api import api_for, ask_pygeoapi
from ogc.conformance import CONFORMS_TO
from ogc.door import GEOJSON, Ask
from ogc.pictures import can_be_drawn

REL = "http://www.opengis.net/def/rel/ogc/1.0"
OFFERED = {"application/json", "application/schema+json", GEOJSON, "text/html"}
"""Media types of links that pygeoapi may give: it also names some that are not served here."""
SPATIAL = {"format": "geometry-any", "x-ogc-role": "primary-geometry"}

_made = TileCache(32 * 2**20)


def document(ask: Ask, name: str, make: Callable[[], dict[str, Any]]) -> bytes:
    """JSON bytes of a document, made once per catalogue version, audience, address and language."""
    return held(ask, name, lambda: json.dumps(make(), ensure_ascii=False, separators=(",", ":")).encode())


def held(ask: Ask, name: str, make: Callable[[], bytes]) -> bytes:
    """Bytes of any document, made once in the same way."""
    return _made.get((ask.catalogue.version, ask.audience, ask.base, ask.language, name), make)


def landing(ask: Ask) -> dict[str, Any]:
    """The landing page."""
    made = ask_pygeoapi(landing_page, api_for(ask.catalogue, ask.audience, ask.base), ask.language)
    home = made["links"][0]["href"]
    made["links"] = [
        {"rel": "self", "type": "application/json", "title": made["title"], "href": f"{ask.base}/?f=json"},
        {"rel": "alternate", "type": "text/html", "title": made["title"], "href": f"{ask.base}/?f=html"},
        {"rel": "about", "type": "text/html", "title": made["title"], "href": home},
        *(link for link in made["links"] if link["rel"] in {"service-desc", "service-doc", "conformance", "data"}),
        {
            "rel": f"{REL}/tilesets-vector",
            "type": "application/json",
            "title": "Vector tiles",
            "href": f"{ask.base}/tiles?f=json",
        },
        {
            "rel": f"{REL}/tiling-schemes",
            "type": "application/json",
            "title": "Tile matrix sets",
            "href": f"{ask.base}/tileMatrixSets?f=json",
        },
        {"rel": f"{REL}/map", "type": "image/png", "title": "Map", "href": f"{ask.base}/map?f=png"},
        {"rel": f"{REL}/styles", "type": "application/json", "title": "Styles", "href": f"{ask.base}/styles?f=json"},
        {
            "rel": f"{REL}/ogc-catalog",
            "type": "application/json",
            "title": "Records",
            "href": f"{ask.base}/collections/metadata",
        },
        {"rel": f"{REL}/processes", "type": "application/json", "title": "Processes", "href": f"{ask.base}/processes"},
        {"rel": f"{REL}/job-list", "type": "application/json", "title": "Jobs", "href": f"{ask.base}/jobs"},
    ]
    return made | extents.dataset(layer for layer in ask.catalogue.visible(ask.audience) if can_be_drawn(layer))


def conformance() -> dict[str, Any]:
    """The conformance declaration."""
    return {"conformsTo": list(CONFORMS_TO)}


def api_definition(ask: Ask) -> dict[str, Any]:
    """The OpenAPI 3.0 document of what this audience may ask."""
    return openapi.build(ask.catalogue, ask.audience, ask.base, ask.language)


def collections(ask: Ask) -> dict[str, Any]:
    """Every collection this audience may see."""
    made = ask_pygeoapi(describe_collections, api_for(ask.catalogue, ask.audience, ask.base), ask.language)
    made["collections"] = [_collection(ask, one, ask.catalogue.layers[one["id"]]) for one in made["collections"]]
    made["collections"].append(records.description(ask.base, ask.language))
    made["links"] = _self_links(f"{ask.base}/collections")
    return made


def collection(ask: Ask, layer: LayerEntry) -> dict[str, Any]:
    """One collection."""
    api = api_for(ask.catalogue, ask.audience, ask.base)
    return _collection(ask, ask_pygeoapi(describe_collections, api, ask.language, layer.slug), layer)


GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"


def _self_links(address: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "type": "application/json", "href": f"{address}?f=json"},
        {"rel": "alternate", "type": "text/html", "href": f"{address}?f=html"},
    ]


def _collection(ask: Ask, made: dict[str, Any], layer: LayerEntry) -> dict[str, Any]:
    address = f"{ask.base}/collections/{layer.slug}"
    if layer.bbox is None:
        made.pop("extent", None)
    made |= {"attribution": layer.attribution, "license": layer.licence}
    if layer.kind == "vector":
        made["itemType"] = "feature"
    else:
        # GDAL takes every collection for features unless this member, which it alone knows, says otherwise.
        made["layerDataType"] = "Raster"
    links = [
        link
        for link in made["links"]
        if link["type"].split(";")[0] in OFFERED
        and link["rel"] not in {"root", "self", "alternate"}
        and not link["rel"].startswith(f"{REL}/tilesets")
    ]
    made["links"] = [*_self_links(address), *_items_first(links), *_tile_links(layer, address)]
    if layer.kind == "raster":
        made["links"] += _coverage_links(address)
    elif layer.kind == "vector":
        made["links"] += _export_links(layer, address)
    known = parameters(layer, ask.audience)
    made["links"] += edr.links(known, address)
    made |= edr.described(layer, known, ask.base, ask.language)
    extents.completed(made, layer)
    if known and "extent" in made:
        # Measures come in all the time and go when they are too old: no end is said that would soon be wrong.
        made["extent"].setdefault("temporal", {"interval": [[None, None]], "trs": GREGORIAN})
    if layer.data_updated_at is not None:
        made["updated"] = layer.data_updated_at.isoformat().replace("+00:00", "Z")
    return made


def _coverage_links(address: str) -> list[dict[str, str]]:
    forms = {"tif": "image/tiff; application=geotiff", "covjson": "application/vnd.cov+json"}
    here = f"{address}/coverage"
    schema = {"rel": f"{REL}/schema", "type": "application/schema+json", "href": f"{address}/schema?f=json"}
    return [schema, *({"rel": f"{REL}/coverage", "type": media, "href": f"{here}?f={f}"} for f, media in forms.items())]


def _items_first(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Clients that take the first `items` link mean GeoJSON."""
    return sorted(links, key=lambda link: (link["rel"] != "items", link["type"] != GEOJSON))


def _tile_links(layer: LayerEntry, address: str) -> list[dict[str, str]]:
    if layer.kind == "vector" and not layer.geometry_field:
        return []
    json_ = "application/json"
    found = [
        {"rel": f"{REL}/tilesets-map", "type": json_, "title": "Map tiles", "href": f"{address}/map/tiles?f=json"},
        {"rel": f"{REL}/map", "type": "image/png", "title": "Map", "href": f"{address}/map?f=png"},
        {"rel": f"{REL}/styles", "type": json_, "title": "Styles", "href": f"{address}/styles?f=json"},
        {"rel": f"{REL}/legend", "type": "image/png", "title": "Legend", "href": f"{address}/styles/default/legend"},
    ]
    if layer.kind == "vector":
        vector = {"rel": f"{REL}/tilesets-vector", "type": json_, "title": "Vector tiles"}
        found.insert(0, {**vector, "href": f"{address}/tiles?f=json"})
    return found


def _export_links(layer: LayerEntry, address: str) -> list[dict[str, str]]:
    """The whole collection in every format, and pages of it in those that are not GeoJSON."""
    found = []
    for entry in offered(layer):
        media, title = entry.media.split(";")[0], entry.title
        found.append({"rel": "enclosure", "type": media, "title": title, "href": f"{address}/export?f={entry.name}"})
        if entry.name != "geojson":
            found.append({"rel": "items", "type": media, "title": title, "href": f"{address}/items?f={entry.name}"})
    return found


def queryables(ask: Ask, layer: LayerEntry) -> dict[str, Any]:
    """What the items of a collection can be filtered by (Features Part 3, 6.2)."""
    api = api_for(ask.catalogue, ask.audience, ask.base)
    made = ask_pygeoapi(get_collection_queryables, api, ask.language, layer.slug)
    open_to = {entry.name: entry for entry in layer.visible_fields(ask.audience)}
    properties = {
        name: _titled(schema, open_to[name], ask.language)
        for name, schema in made["properties"].items()
        if name in open_to and open_to[name].is_filterable
    }
    if layer.geometry_field:
        properties = {"geometry": _geometry(layer), **properties}
    address = f"{ask.base}/collections/{layer.slug}/queryables"
    draft = "https://json-schema.org/draft/2020-12/schema"
    return made | {"$schema": draft, "$id": address, "properties": properties, "additionalProperties": False}


def schema(ask: Ask, layer: LayerEntry) -> dict[str, Any]:
    """The schema of a collection's features, with roles, titles and units (Features Part 5)."""
    api = api_for(ask.catalogue, ask.audience, ask.base)
    made = ask_pygeoapi(get_collection_schema, api, ask.language, layer.slug)
    open_to = {entry.name: entry for entry in layer.visible_fields(ask.audience)}
    properties: dict[str, Any] = {}
    identity = {"x-ogc-role": "id", "readOnly": True, "type": "integer" if has_integer_id(layer) else "string"}
    if layer.id_field not in open_to:
        properties[layer.id_field] = {"title": layer.id_field, **identity}
    if layer.geometry_field:
        properties["geometry"] = _geometry(layer)
    for name, one in made["properties"].items():
        if name in open_to:
            properties[name] = _titled(one, open_to[name], ask.language)
            if name == layer.id_field:
                properties[name] |= identity
    draft = "https://json-schema.org/draft/2020-12/schema"
    return made | {
        "$schema": draft,
        "$id": f"{ask.base}/collections/{layer.slug}/schema",
        "properties": {name: one | {"x-ogc-propertySeq": at} for at, (name, one) in enumerate(properties.items(), 1)},
        # A write that names another is refused (Features Part 4, /req/features/schema).
        "additionalProperties": False,
    }


def _titled(schema: dict[str, Any], entry: FieldEntry, language: str) -> dict[str, Any]:
    titled = {**schema, "title": entry.title_en if language == "en" else entry.title_it}
    if entry.unit:
        titled["x-ogc-unit"] = entry.unit
    if entry.codes:
        named = [(one.code, one.title_en if language == "en" else one.title_it) for one in entry.codes]
        titled["enum"] = [code for code, _title in named]
        titled["oneOf"] = [{"const": code, "title": title} for code, title in named]
    return titled


def _geometry(layer: LayerEntry) -> dict[str, str]:
    kinds = {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON"}
    kind = layer.geometry_type.upper().removesuffix("ZM").removesuffix("Z").strip()
    return SPATIAL | {"format": f"geometry-{kind.lower()}"} if kind in kinds else SPATIAL


def tile_matrix_sets(ask: Ask) -> dict[str, Any]:
    """The list of tile matrix sets."""
    here = f"{ask.base}/tileMatrixSets"
    sets = []
    for grid in GRIDS.values():
        link = {"rel": "self", "type": "application/json", "href": f"{here}/{grid.id}?f=json"}
        uri = {"uri": grid.uri} if grid.uri else {}
        sets.append({"id": grid.id, "title": grid.title, **uri, "crs": f"{EPSG}{grid.srid}", "links": [link]})
    return {"links": [{"rel": "self", "type": "application/json", "href": f"{here}?f=json"}], "tileMatrixSets": sets}
