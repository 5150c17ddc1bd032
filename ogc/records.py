"""The catalogue as records (OGC API Records 1.0, 20-004r1): one record a layer, searched in memory.

The records of one catalogue version, audience and language are made once; a search is a pass over them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from layers.catalogue import Catalogue, LayerEntry
from layers.crs import crs84
from layers.errors import BadQuery
from layers.filters import Bounds, parse_bbox, parse_datetime
from layers.metadata import codes
from layers.metadata.services import SERVICES, Service, newest, whole_box
from layers.rights import Audience
from ogc.config import LICENCES

CATALOGUE = "metadata"
"""Identifier of the collection of records; no layer can be reached under it."""
CORE = "http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
LIMIT_DEFAULT, LIMIT_MAX = 10, 1000
TITLES = {"it": "Catalogo dei livelli", "en": "Catalogue of the layers"}
TOPIC_SCHEME = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml#MD_TopicCategoryCode"
DOCUMENTS = (("xml", "application/xml"), ("ttl", "text/turtle"), ("rdf", "application/rdf+xml"),
             ("jsonld", "application/ld+json"))  # fmt: skip
"""Endings and media types of the metadata under a layer's page."""
SORTABLE = ("id", "title", "created", "updated", "type")

_FORMATS = {"vector": "GeoJSON", "raster": "GeoTIFF", "remote": "PNG"}


@dataclass(frozen=True, slots=True)
class Record:
    """One record and what it is searched by."""

    document: dict[str, Any]
    bbox: Bounds | None
    moment: datetime | None
    words: str


@dataclass(slots=True)
class RecordsQuery:
    """What is asked of the catalogue, as text."""

    limit: int = LIMIT_DEFAULT
    offset: int = 0
    bbox: str = ""
    datetime: str = ""
    q: str = ""
    type: str = ""
    ids: str = ""
    external_ids: str = ""
    sortby: str = ""


def description(base: str, language: str) -> dict[str, Any]:
    """The collection of records as a collection."""
    here = f"{base}/collections/{CATALOGUE}"
    return {
        "id": CATALOGUE,
        "type": "Catalog",
        "title": TITLES[language],
        "description": TITLES[language],
        "itemType": "record",
        "conformsTo": [CORE],
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "storageCrs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "links": [
            {"rel": "self", "type": "application/json", "href": f"{here}?f=json"},
            {"rel": "alternate", "type": "text/html", "href": f"{here}?f=html"},
            {"rel": f"{REL}/sortables", "type": "application/schema+json", "href": f"{here}/sortables"},
            {"rel": "items", "type": "application/geo+json", "href": f"{here}/items?f=json"},
        ],
    }


def sortables(base: str, language: str) -> dict[str, Any]:
    """What records can be sorted by, as a JSON Schema (20-004r1, /req/sorting/get-sortables-success)."""
    moment = {"type": "string", "format": "date-time"}
    kinds = {"created": moment, "updated": moment}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{CATALOGUE}/sortables",
        "type": "object",
        "title": TITLES[language],
        "properties": {name: {"title": name, **kinds.get(name, {"type": "string"})} for name in SORTABLE},
        "additionalProperties": False,
    }


@lru_cache(maxsize=64)
def records(held: Catalogue, audience: Audience, base: str, language: str) -> dict[str, Record]:
    """Every record an audience may see, by identifier, in display order; the services come last."""
    layers = tuple(held.visible(audience))
    found = {layer.slug: _record(layer, held, base, language) for layer in layers}
    for service in SERVICES:
        record = _service_record(service, tuple(filter(service.serves, layers)), base, language)
        found[record.document["id"]] = record
    return found


def search(known: dict[str, Record], query: RecordsQuery) -> tuple[list[dict[str, Any]], int]:
    """One page of records and how many match. Raises BadQuery."""
    found = list(known.values())
    if query.bbox:
        boxes = parse_bbox(query.bbox, crs84())
        found = [one for one in found if one.bbox and any(_meet(one.bbox, box) for box in boxes)]
    if query.datetime:
        start, end = _span(query.datetime)
        found = [one for one in found if one.moment is None or start <= one.moment <= end]
    if query.q:
        terms = [_plain(term) for term in query.q.split(",") if term.strip()]
        found = [one for one in found if any(term in one.words for term in terms)]
    if query.type:
        types = _listed(query.type)
        found = [one for one in found if one.document["properties"]["type"] in types]
    if query.ids:
        wanted = _listed(query.ids)
        found = [one for one in found if one.document["id"] in wanted]
    if query.external_ids:
        wanted = _listed(query.external_ids)
        found = [one for one in found if wanted & _external(one.document)]
    return [one.document for one in _sorted(found, query)[query.offset : query.offset + query.limit]], len(found)


def _sorted(found: list[Record], query: RecordsQuery) -> list[Record]:
    for part in reversed(query.sortby.split(",") if query.sortby else []):
        name = part.strip().lstrip("+-")
        if name not in SORTABLE:
            raise BadQuery("sortby", f"{name[:60]!r}: records are sorted by {', '.join(SORTABLE)}.")
        found = sorted(found, key=lambda one: _key(one, name), reverse=part.strip().startswith("-"))
    return found


def _key(record: Record, name: str) -> str:
    return _plain(str(record.document["id"] if name == "id" else record.document["properties"].get(name, "")))


def _listed(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


def _external(document: dict[str, Any]) -> set[str]:
    """An external identifier answers by value, by scheme:value, and by scheme alone."""
    held = document["properties"]["externalIds"]
    values, schemes = {one["value"] for one in held}, {one["scheme"] for one in held}
    return values | schemes | {f"{one['scheme']}:{one['value']}" for one in held}


def _meet(one: Bounds, other: Bounds) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _span(text: str) -> tuple[datetime, datetime]:
    start, end = parse_datetime(text)
    lowest, highest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    return _moment(start, time.min) if start else lowest, _moment(end, time.max) if end else highest


def _moment(day: date, of_day: time) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, of_day, UTC)


def _plain(text: str) -> str:
    """Lower case, without accents, with single spaces."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(bare.casefold().split())


def _record(layer: LayerEntry, held: Catalogue, base: str, language: str) -> Record:
    english = language == "en"
    title = layer.title_en if english else layer.title_it
    abstract = (layer.abstract_en if english else layer.abstract_it) or title
    theme = next((one for one in held.themes if one.slug == layer.theme), None)
    theme_title = (theme.title_en if english else theme.title_it) if theme else ""
    properties: dict[str, Any] = {
        "type": "dataset",
        "title": title,
        "description": abstract,
        "keywords": list(layer.keywords),
        "language": {"code": language},
        "languages": [{"code": "it", "name": "Italiano"}, {"code": "en", "name": "English"}],
        "formats": [{"name": _FORMATS[layer.kind]}],
        "contacts": _contacts(layer),
        "license": layer.licence if layer.licence in codes.SPDX else "other",
        "rights": layer.attribution,
        "externalIds": [{"scheme": base, "value": f"{base}/collections/{layer.slug}"}],
    }
    if layer.described.created_at is not None:
        properties["created"] = f"{layer.described.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    themes = _themes(layer, base, theme.slug if theme else "", theme_title, english)
    if themes:
        properties["themes"] = themes
    properties |= _said(layer)
    moment = layer.data_updated_at
    if moment is not None:
        properties["updated"] = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    document = {
        "id": layer.slug,
        "type": "Feature",
        "conformsTo": [CORE],
        "time": {"timestamp": properties["updated"]} if moment else None,
        "geometry": _polygon(layer.bbox),
        "properties": properties,
        "links": _links(layer, base),
    }
    # A phrase is looked for within one text, not across two.
    words = "|".join(map(_plain, (layer.slug, title, abstract, theme_title, layer.attribution, *layer.keywords)))
    return Record(document, layer.bbox, moment, words)


def _service_record(service: Service, layers: tuple[LayerEntry, ...], base: str, language: str) -> Record:
    """A service as a record. Its identifier has a colon, which no layer's slug has."""
    site, moment, bbox = base.removesuffix("/ogc"), newest(layers), whole_box(layers)
    title, abstract = service.title(language), service.abstract(language)
    here = f"{base}/collections/{CATALOGUE}"
    identifier = f"servizio:{service.name}"
    updated = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""
    links = [
        ("self", "application/geo+json", f"{here}/items/{identifier}"),
        ("collection", "application/json", here),
        ("service-desc", "application/json" if service.name == "ogcapi" else "text/xml", service.entry(site)),
        ("describedby", "application/xml", service.record(site)),
    ]
    document = {
        "id": identifier,
        "type": "Feature",
        "conformsTo": [CORE],
        "time": {"timestamp": updated} if updated else None,
        "geometry": _polygon(bbox),
        "properties": {
            "type": "service",
            "title": title,
            "description": abstract,
            "keywords": [service.protocol, service.category],
            "language": {"code": language},
            "languages": [{"code": "it", "name": "Italiano"}, {"code": "en", "name": "English"}],
            "externalIds": [{"scheme": base, "value": service.identifier}],
            **({"updated": updated} if updated else {}),
        },
        "links": [{"rel": rel, "type": media, "href": href} for rel, media, href in links],
    }
    words = "|".join(map(_plain, (identifier, title, abstract, service.protocol)))
    return Record(document, bbox, moment, words)


def _themes(layer: LayerEntry, base: str, slug: str, title: str, english: bool) -> list[dict[str, Any]]:
    """The branch of our own tree, the INSPIRE theme and the topic of ISO 19115."""
    said, text = layer.described, 1 if english else 0
    found = []
    if slug:
        found.append({"scheme": f"{base}/collections", "concepts": [{"id": slug, "title": title}]})
    if said.inspire_theme in codes.INSPIRE:
        concept = {"id": said.inspire_theme, "title": codes.INSPIRE[said.inspire_theme][text],
                   "url": codes.inspire_address(said.inspire_theme)}  # fmt: skip
        found.append({"scheme": "http://inspire.ec.europa.eu/theme", "concepts": [concept]})
    if said.topic_category in codes.TOPICS:
        concept = {"id": said.topic_category, "title": codes.TOPICS[said.topic_category][text]}
        found.append({"scheme": TOPIC_SCHEME, "concepts": [concept]})
    return found


def _said(layer: LayerEntry) -> dict[str, Any]:
    """What is known beyond the standard's own properties, under the names of ISO 19115."""
    said = layer.described
    found = {
        "lineage": layer.lineage,
        "updateFrequency": codes.ISO_FREQUENCIES[layer.update_frequency] if layer.update_frequency else "",
        "positionalAccuracyMetres": said.accuracy_m,
        "scaleDenominator": said.scale_denominator,
        "useLimitation": said.use_limitation,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _contacts(layer: LayerEntry) -> list[dict[str, Any]]:
    contact: dict[str, Any] = {"organization": layer.steward_office or layer.attribution or "Comune di Cremona"}
    if layer.contact_email:
        contact["emails"] = [{"value": layer.contact_email}]
    return [contact | {"roles": ["pointOfContact"]}]


def _polygon(bbox: Bounds | None) -> dict[str, Any] | None:
    if bbox is None:
        return None
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _links(layer: LayerEntry, base: str) -> list[dict[str, Any]]:
    here = f"{base}/collections/{layer.slug}"
    json, geojson = "application/json", "application/geo+json"
    made = [
        ("self", geojson, f"{base}/collections/{CATALOGUE}/items/{layer.slug}"),
        ("alternate", "text/html", f"{base}/collections/{CATALOGUE}/items/{layer.slug}?f=html"),
        ("collection", json, f"{base}/collections/{CATALOGUE}"),
        ("item", json, here),
        ("preview", "text/html", f"{base.removesuffix('/ogc')}/?layers={layer.slug}"),
    ]
    if layer.kind == "vector":
        made += [("items", geojson, f"{here}/items"), (f"{REL}/schema", "application/schema+json", f"{here}/schema")]
        if layer.geometry_field:
            made.append((f"{REL}/tilesets-vector", json, f"{here}/tiles"))
    else:
        made += [(f"{REL}/tilesets-map", json, f"{here}/map/tiles")]
    if layer.kind == "raster":
        made += [(f"{REL}/coverage", "image/tiff; application=geotiff", f"{here}/coverage")]
    page = f"{base.removesuffix('/ogc')}/livelli/{layer.slug}/"
    made.append(("about", "text/html", page))
    made += [("describedby", media, f"{page}metadati.{end}") for end, media in DOCUMENTS]
    # What has no code of SPDX is told in full where this link leads (20-004r1, /req/record-core/license).
    made.append(("license", "text/html", LICENCES.get(layer.licence, page)))
    return [{"rel": rel, "type": media, "href": href} for rel, media, href in made]
