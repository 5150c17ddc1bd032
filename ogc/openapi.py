"""The OpenAPI 3.0 document: self-contained, exact, of what one audience may ask. Nothing in it points elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layers.catalogue import Catalogue, FieldEntry, LayerEntry
from layers.crs import served
from layers.exporting.formats import FORMATS, offered
from layers.items import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX
from layers.observations import parameters
from layers.rights import Audience, may_edit
from layers.tile_grids import GRIDS, MAX_ZOOM, WEB_MERCATOR
from ogc import (
    openapi_coverages,
    openapi_editing,
    openapi_edr,
    openapi_legacy,
    openapi_maps,
    openapi_processes,
    openapi_records,
)
from ogc.config import DESCRIPTION, JSON_TYPES, TITLE
from ogc.pictures import can_be_drawn

VERSION = "1.0.0"
_MOMENT = (
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"([Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?"
)
DATETIME = rf"^({_MOMENT}|({_MOMENT}|\.\.)?/{_MOMENT}|{_MOMENT}/(\.\.)?)$"
"""RFC 3339, or an interval of which one end may be open."""


def build(held: Catalogue, audience: Audience, base: str, language: str) -> dict[str, Any]:
    """Every path, parameter and answer."""
    slugs = [layer.slug for layer in held.visible(audience) if layer.kind == "vector" and layer.geometry_field]
    names = {"type": "string", "enum": slugs} if slugs else {"type": "string"}
    tiled = _query("collections", {"type": "array", "items": names}, "Only these collections.")
    paths: dict[str, Any] = {
        "/": _get("getLandingPage", "Landing page", ["f"], "Page"),
        "/conformance": _get("getConformance", "Conformance classes", ["f"], "Conformance"),
        "/openapi": _get("getApi", "This document", ["f"], "Page"),
        "/collections": _get("getCollections", "Collections", ["f"], "Collections"),
        "/tiles": _get(".dataset.vector.getTileSetsList", "Tilesets of the dataset", ["f", tiled], "Page"),
        **_tiles("/tiles", ".dataset.vector", "server", [tiled], []),
        "/tileMatrixSets": _get("getTileMatrixSetsList", "Tile matrix sets", ["f"], "Page"),
    }
    paths |= openapi_maps.shared_paths(_get)
    drawable = [layer.slug for layer in held.visible(audience) if can_be_drawn(layer)]
    for layer in held.visible(audience):
        paths |= _layer(layer, audience, language)
    paths |= openapi_processes.paths(language) | openapi_records.paths() | openapi_legacy.paths(drawable)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": TITLE[language],
            "description": DESCRIPTION[language],
            "version": VERSION,
            "contact": {"name": "Comune di Cremona", "url": base.removesuffix("/ogc") + "/"},
            "license": {"name": "CC-BY-4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
        },
        "servers": [{"url": base}],
        "tags": [
            {"name": "server"},
            {"name": "processes"},
            *({"name": layer.slug} for layer in held.visible(audience)),
        ],
        "paths": paths,
        "components": {
            "parameters": _parameters()
            | openapi_maps.parameters(_query, _path, drawable)
            | openapi_records.parameters(),
            "responses": _responses(),
            "schemas": _schemas(),
        },
    }


def _layer(layer: LayerEntry, audience: Audience, language: str) -> dict[str, Any]:
    slug, here = layer.slug, f"/collections/{layer.slug}"
    name = "".join(part.title() for part in slug.split("-"))
    paths = {here: _get(f"describe{name}", "Collection", ["f"], "Page", tag=slug)}
    paths |= openapi_maps.layer_paths(layer, _get, name)
    paths |= openapi_edr.paths(layer, name, parameters(layer, audience))
    if layer.kind != "vector":
        return paths | (openapi_coverages.paths(layer, name) if layer.kind == "raster" else {})
    fields = layer.visible_fields(audience)
    paths[f"{here}/queryables"] = _get(f"queryables{name}", "Queryables", ["f"], "Page", tag=slug)
    paths[f"{here}/schema"] = _get(f"schema{name}", "Schema", ["f"], "Page", tag=slug)
    paths[f"{here}/items"] = _items(layer, fields, name, language)
    paths[f"{here}/export"] = _export(layer, fields, name, language)
    paths[f"{here}/items/{{featureId}}"] = _get(
        f"item{name}",
        "One feature",
        ["featureId", _crs_parameter("crs", layer), "datetime", "fItems"],
        "Feature",
        tag=slug,
    )
    if may_edit(audience, layer):
        paths[f"{here}/items"] |= openapi_editing.creation(layer, fields, name)
        paths[f"{here}/items/{{featureId}}"] |= openapi_editing.changes(layer, fields, name)
    if layer.geometry_field:
        tiles = f"{here}/tiles"
        kind = f"{name}.collection.vector"
        paths[tiles] = _get(f"{kind}.getTileSetsList", "Vector tilesets", ["f"], "Page", tag=slug)
        chosen = _query(
            "properties", _names([entry.name for entry in fields]), "These attributes; else those of the style."
        )
        paths |= _tiles(tiles, kind, slug, [], [chosen, "datetime"])
    return paths


def _tiles(
    root: str, kind: str, tag: str, both: list[dict[str, Any]], tile: list[str | dict[str, Any]]
) -> dict[str, Any]:
    """Tileset and tiles of every tile matrix set, named as OGC 20-057 has it; TileJSON knows one of them."""
    paths = {}
    for grid in GRIDS.values():
        form = "fTileset" if grid is WEB_MERCATOR else "f"
        named: list[str | dict[str, Any]] = [form, *both]
        paths[f"{root}/{grid.id}"] = _get(f"{grid.id}{kind}.getTileSet", "Vector tileset", named, "Page", tag=tag)
        address = f"{root}/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
        asked: list[str | dict[str, Any]] = [*_ADDRESS, "mvt", "v", *both, *tile]
        paths[address] = _get(f"{grid.id}{kind}.getTile", "Vector tile", asked, "Tile", tag=tag)
    return paths


def _items(layer: LayerEntry, fields: tuple[FieldEntry, ...], name: str, language: str) -> dict[str, Any]:
    paging: list[str | dict[str, Any]] = ["limit", "offset", "after"]
    forms = ["json", "geojson", "html", *(entry.name for entry in offered(layer) if entry.name != "geojson")]
    parameters = [*paging, *_narrowing(layer, fields, language), _format(forms)]
    return _get(f"items{name}", "Features", parameters, "Features", tag=layer.slug)


def _export(layer: LayerEntry, fields: tuple[FieldEntry, ...], name: str, language: str) -> dict[str, Any]:
    forms = [entry.name for entry in offered(layer)]
    parameters = [*_narrowing(layer, fields, language), _format(forms)]
    return _get(f"export{name}", "All features in one file", parameters, "Export", tag=layer.slug)


def _format(names: list[str]) -> dict[str, Any]:
    return _query("f", {"type": "string", "enum": names}, "Format; else by Accept.")


def _narrowing(layer: LayerEntry, fields: tuple[FieldEntry, ...], language: str) -> list[str | dict[str, Any]]:
    known, sortable = [entry.name for entry in fields], [entry.name for entry in fields if entry.is_filterable]
    signed = [f"{sign}{name}" for name in sortable for sign in ("", "-", "+")]
    parameters: list[str | dict[str, Any]] = [
        "datetime",
        _query("properties", _names(known), "Only these attributes."),
        "skipGeometry",
        _query("sortby", _names(signed), "Attributes to sort by; - before a name turns the order round."),
        "filter",
        "filter-lang",
    ]
    if layer.geometry_field:
        parameters += ["bbox", _crs_parameter("bbox-crs", layer), _crs_parameter("crs", layer)]
        parameters.append(_crs_parameter("filter-crs", layer))
    if any(entry.is_searchable for entry in fields):
        parameters.append("q")
    for entry in fields:
        if entry.is_filterable and entry.type != "json":
            title = entry.title_en if language == "en" else entry.title_it
            parameters.append(_query(entry.name, JSON_TYPES[entry.type], title))
    return parameters


def _names(known: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", **({"enum": list(known)} if known else {})}}


def _crs_parameter(name: str, layer: LayerEntry) -> dict[str, Any]:
    uris = [crs.uri for crs in served(layer.srid)]
    return _query(name, {"type": "string", "format": "uri", "enum": uris, "default": uris[0]}, "CRS")


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    made = {"name": name, "in": "query", "required": False, "description": description, "schema": dict(schema)}
    return made | {"style": "form", "explode": False}


def _get(
    operation: str, summary: str, parameters: Sequence[str | dict[str, Any]], answer: str, tag: str = "server"
) -> dict[str, Any]:
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": [tag],
            "parameters": [
                {"$ref": f"#/components/parameters/{one}"} if isinstance(one, str) else one for one in parameters
            ],
            "responses": {
                "200": {"$ref": f"#/components/responses/{answer}"},
                "304": {"description": "The copy the client holds is still right."},
                "400": {"$ref": "#/components/responses/Problem"},
                "404": {"$ref": "#/components/responses/Problem"},
                "500": {"$ref": "#/components/responses/Problem"},
                "503": {"$ref": "#/components/responses/Problem"},
            },
        }
    }


DATETIME_TEXT = (
    "An instant or interval, RFC 3339; .. is an open end. Features of a collection with times of their own meet it; "
    "any other collection is shown as it was at the moment, or at the end of the interval."
)
_ADDRESS = ["tileMatrix", "tileRow", "tileCol"]


def _path(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _parameters() -> dict[str, Any]:
    numbers = {"type": "number"}
    bbox = {
        "type": "array",
        "minItems": 4,
        "maxItems": 6,
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
    }
    return {
        "f": _query("f", {"type": "string", "enum": ["json", "html"]}, "Format; else by Accept."),
        "fJson": _query("f", {"type": "string", "enum": ["json"], "default": "json"}, "Format."),
        "fTileset": _query("f", {"type": "string", "enum": ["json", "tilejson", "html"]}, "Format."),
        "fItems": _query("f", {"type": "string", "enum": ["json", "geojson", "html"]}, "Format; else by Accept."),
        "limit": _query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT},
            "How many features at most.",
        ),
        "offset": _query(
            "offset",
            {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0},
            "How many features to skip; the link `next` of a page is cheaper.",
        ),
        "after": _query("after", {"type": "string"}, "Where a page starts: only from the link `next`."),
        "bbox": _query("bbox", {**bbox, "items": numbers}, "Features that meet this box."),
        "datetime": _query("datetime", {"type": "string", "pattern": DATETIME}, DATETIME_TEXT),
        "skipGeometry": _query("skipGeometry", {"type": "boolean", "default": False}, "Without geometry."),
        "q": _query("q", {"type": "string"}, "Words that stand in the searchable attributes."),
        "filter": _query("filter", {"type": "string"}, "A CQL2 condition."),
        "filter-lang": _query(
            "filter-lang",
            {"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"},
            "How the condition is written.",
        ),
        "featureId": _path("featureId", {"type": "string"}, "Identifier of a feature."),
        "tileMatrix": _path("tileMatrix", {"type": "integer", "minimum": 0, "maximum": MAX_ZOOM}, "Zoom."),
        "tileRow": _path("tileRow", {"type": "integer", "minimum": 0}, "Row from the top."),
        "tileCol": _path("tileCol", {"type": "integer", "minimum": 0}, "Column from the left."),
        "v": _query("v", {"type": "string"}, "Data version of the tileset: makes the answer cacheable for ever."),
        "mvt": _query("f", {"type": "string", "enum": ["mvt"], "default": "mvt"}, "Mapbox Vector Tile."),
        "tileFormat": _query("f", {"type": "string", "enum": ["png", "webp", "jpeg"], "default": "png"}, "Format."),
    }


def _content(media: dict[str, str]) -> dict[str, Any]:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}} for kind, schema in media.items()}


def _responses() -> dict[str, Any]:
    crs = {"description": "CRS of the coordinates.", "schema": {"type": "string"}}
    page = {"text/html": "Html"}
    documents = {"application/json": "Any", "application/schema+json": "Any"}
    documents["application/vnd.oai.openapi+json;version=3.0"] = "Any"
    files = {
        entry.media.split(";")[0]: "Any" if entry.media.split(";")[0].endswith("json") else "Bytes"
        for entry in FORMATS.values()
        if entry.name != "geojson"
    }
    features = _content({"application/geo+json": "Features"} | files | page)
    return {
        "Page": {"description": "The document.", "content": _content(documents | page)},
        "Conformance": {"description": "Classes.", "content": _content({"application/json": "Conformance"} | page)},
        "Collections": {"description": "Collections.", "content": _content({"application/json": "Collections"} | page)},
        "Features": {"description": "Features.", "headers": {"Content-Crs": crs}, "content": features},
        "Export": {
            "description": "The features.",
            "headers": {"Content-Crs": crs},
            "content": _content({"application/geo+json": "Features"} | files),
        },
        "Feature": {
            "description": "A feature.",
            "headers": {"Content-Crs": crs},
            "content": _content({"application/geo+json": "Feature"} | page),
        },
        "Tile": {
            "description": "A vector tile; empty when there is nothing in it.",
            "content": _content({"application/vnd.mapbox-vector-tile": "Bytes"}),
        },
        "Picture": {
            "description": "A picture.",
            "content": _content({"image/png": "Bytes", "image/webp": "Bytes", "image/jpeg": "Bytes"}),
        },
        "Style": {
            "description": "A MapLibre style or a Styled Layer Descriptor.",
            "content": {
                "application/vnd.mapbox.style+json": {"schema": {"type": "object"}},
                "application/json": {"schema": {"type": "object"}},
                "application/vnd.ogc.sld+xml;version=1.0": {"schema": {"type": "string"}},
                "application/vnd.ogc.sld+xml;version=1.1": {"schema": {"type": "string"}},
            },
        },
        "Problem": {
            "description": "What is wrong and what to do.",
            "content": _content({"application/json": "Exception"} | page),
        },
    }


def _schemas() -> dict[str, Any]:
    link = {"$ref": "#/components/schemas/Link"}
    text, whole = {"type": "string"}, {"type": "integer", "minimum": 0}
    links = {"type": "array", "items": link}
    return {
        "Any": {"type": "object"},
        "Html": {"type": "string"},
        "Bytes": {"type": "string", "format": "binary"},
        "Exception": {
            "type": "object",
            "required": ["code"],
            "properties": {"code": text, "description": text},
        },
        "Link": {
            "type": "object",
            "required": ["href", "rel"],
            "properties": dict.fromkeys(("href", "rel", "type", "title", "hreflang"), text),
        },
        "Conformance": {
            "type": "object",
            "required": ["conformsTo"],
            "properties": {"conformsTo": {"type": "array", "items": text}},
        },
        "Collections": {
            "type": "object",
            "required": ["links", "collections"],
            "properties": {"links": links, "collections": {"type": "array", "items": {"type": "object"}}},
        },
        "Features": {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": {"type": "string", "enum": ["FeatureCollection"]},
                "features": {"type": "array", "items": {"$ref": "#/components/schemas/Feature"}},
                "links": links,
                "timeStamp": {"type": "string", "format": "date-time"},
                "numberMatched": whole,
                "numberReturned": whole,
            },
        },
        "Feature": {
            "type": "object",
            "required": ["type", "geometry", "properties"],
            "properties": {
                "type": {"type": "string", "enum": ["Feature"]},
                "id": {"oneOf": [text, {"type": "integer"}]},
                "geometry": {"type": "object", "nullable": True},
                "properties": {"type": "object", "nullable": True},
                "links": links,
            },
        },
    }
