"""Answers that are lists of links and some facts (tilesets, grids, styles, jobs): as JSON, and as a page for people."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from ogc.door import HTML, JSON, Ask
from ogc.pages import page

FORMS = {"json": JSON, "html": HTML}
LISTS = ("tilesets", "styles", "tileMatrixSets", "jobs")
REL = "http://www.opengis.net/def/rel/ogc/1.0/"


def answered(ask: Ask, document: dict[str, Any], heading: str, subject: str = "") -> HttpResponse:
    """The document in the form asked for; `subject` says of what the heading speaks: the title of a layer."""
    if ask.format != "html":
        return HttpResponse(json.dumps(document, ensure_ascii=False), content_type=JSON)
    entries = [_entry(one) for name in LISTS for one in document.get(name, [])]
    is_list = any(name in document for name in LISTS)
    return page(ask, "document", document, heading=heading, subject=subject, entries=entries, is_list=is_list,
                whole=_entry(document))  # fmt: skip


def _entry(one: dict[str, Any]) -> dict[str, Any]:
    links = [_link(link) for link in one.get("links", [])]
    grid = str(one.get("tileMatrixSetURI", "")).rpartition("/")[2]
    return {
        "title": grid or str(one.get("title") or one.get("id") or one.get("jobID") or ""),
        "facts": [(label, one[name]) for name, label in _labels().items() if one.get(name) not in (None, "", [])],
        "links": [link for link in links if not link["templated"] and not link["is_itself"]],
        "templates": [link for link in links if link["templated"]],
        "address": next((link["href"] for link in links if link["is_itself"]), ""),
    }


def _link(link: dict[str, Any]) -> dict[str, Any]:
    href, media = link["href"], link.get("type", "")
    rel = link["rel"].removeprefix(REL)
    return {
        "title": link.get("title") or _named().get(media) or _named().get(rel, rel),
        "media": media,
        # Who reads a page goes on to pages.
        "href": href.replace("f=json", "f=html") if media == JSON and "tilejson" not in href else href,
        "templated": bool(link.get("templated")) or "{tileMatrix}" in href,
        "is_itself": rel == "self",
    }


def _named() -> dict[str, str]:
    """What links without a title lead to, by media type or relation."""
    return {
        "application/vnd.mapbox.style+json": _("Stile MapLibre"),
        "application/vnd.ogc.sld+xml;version=1.0": "SLD 1.0",
        "application/vnd.ogc.sld+xml;version=1.1": "SLD 1.1",
        "application/x-qgis-layer-settings": "QGIS (QML)",
        "map": _("Mappa, come immagine"),
        "preview": _("Legenda"),
        "results": _("Risultati"),
        "next": _("Pagina seguente"),
        "geodata": _("Livello"),
    }


def _labels() -> dict[str, str]:
    """What is told to people, in this order."""
    return {
        "id": _("Identificatore"),
        "jobID": _("Identificatore"),
        "processID": _("Elaborazione"),
        "status": _("Stato"),
        "progress": _("Avanzamento (%)"),
        "message": _("Messaggio"),
        "created": _("Creato"),
        "finished": _("Finito"),
        "default": _("Stile predefinito"),
        "dataType": _("Tipo di dati"),
        "crs": _("Sistema di riferimento"),
        "tileMatrixSetURI": _("Griglia"),
    }
