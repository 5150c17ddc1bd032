"""The pages for people of processes, records, coverages and measures; those of collections are in `pages`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.observations import Parameter
from ogc.door import Ask
from ogc.pages import page, title


def process(ask: Ask, document: dict[str, Any]) -> HttpResponse:
    """One process: what it asks, what it gives, a command that runs it."""
    inputs = [
        {
            "name": name,
            "title": one["title"],
            "type": _type(one["schema"]),
            "required": one.get("minOccurs", 1) > 0,
        }
        for name, one in document["inputs"].items()
    ]
    wanted = {one["name"]: "…" for one in inputs if one["required"]}
    body = json.dumps({"inputs": wanted}, ensure_ascii=False)
    address = f"{ask.base}/processes/{document['id']}/execution"
    command = f"curl -X POST {address} -H 'Content-Type: application/json' -d '{body}'"
    return page(ask, "process", document, inputs=inputs, command=command)


def _type(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "")
    name = " / ".join(kind) if isinstance(kind, list) else str(kind)
    return ", ".join(map(str, schema["enum"])) if "enum" in schema else name


def records(ask: Ask, document: dict[str, Any]) -> HttpResponse:
    """Records that match, with a search over them."""
    rows = [{"id": one["id"], **one["properties"]} for one in document["features"]]
    links = {link["rel"]: link["href"] for link in document["links"]}
    return page(
        ask,
        "records",
        document,
        rows=rows,
        words=ask.param("q"),
        matched=document["numberMatched"],
        next=links.get("next"),
        previous=links.get("prev"),
    )


def record(ask: Ask, document: dict[str, Any]) -> HttpResponse:
    """One record as a list of facts."""
    said = document["properties"]
    links = [
        {**one, "word": one.get("title") or one["rel"].rpartition("/")[2]} for one in document["links"] if "href" in one
    ]
    moments = {name: parse_datetime(said.get(name, "")) for name in ("created", "updated")}
    return page(ask, "record", document, record=said, links=links, moments=moments)


def coverage(ask: Ask, layer: LayerEntry, schema: dict[str, Any], crs: str) -> HttpResponse:
    """A raster's values: bands, a picture, a form to take a part of it away."""
    bands = [
        {
            "name": name,
            "title": one["title"],
            "type": one.get("x-ogc-dataType", one["type"]),
            "unit": one.get("x-ogc-unit", ""),
        }
        for name, one in schema["properties"].items()
    ]
    address = f"{ask.base}/collections/{layer.slug}/coverage?f=tif"
    return page(
        ask,
        "coverage",
        schema,
        layer=layer,
        layer_title=title(layer, ask.language),
        bands=bands,
        crs=crs,
        bbox=",".join(f"{number:.5f}" for number in layer.bbox or ()),
        tif_address=address,
        json_address="",
    )


def locations(ask: Ask, layer: LayerEntry, known: dict[str, Parameter], places: dict[str, Any]) -> HttpResponse:
    """Where there are measures, and of what."""
    english = ask.language == "en"
    rows = [
        {
            "id": one["id"],
            "name": one["properties"]["name"] or _("senza nome"),
            "place": ", ".join(f"{number:.5f}" for number in one["geometry"]["coordinates"][:2]),
        }
        for one in places["features"]
    ]
    said = [
        {
            "name": one.name,
            "title": one.title_en if english else one.title_it,
            "unit": one.unit if one.unit != "1" else "",
        }
        for one in known.values()
    ]
    west, south, east, north = layer.bbox or (10.0, 45.1, 10.1, 45.2)
    ring = f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"
    area = f"{ask.base}/collections/{layer.slug}/area?{urlencode({'coords': ring, 'f': 'GeoJSON'})}"
    return page(
        ask,
        "locations",
        places,
        layer=layer,
        layer_title=title(layer, ask.language),
        parameters=said,
        places=rows,
        area_address=area,
    )
