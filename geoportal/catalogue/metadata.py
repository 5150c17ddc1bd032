"""Metadata as documents: ISO 19139 in the national profile, DCAT-AP_IT in three writings."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geoportal.catalogue.asking import layer_of, site_base
from layers.catalogue import catalogue
from layers.exporting.formats import offered
from layers.metadata.dcat import FORMS, catalogue_graph, layer_graph, written
from layers.metadata.rndt import rndt_document
from layers.metadata.service_record import service_document
from layers.metadata.services import BY_NAME
from layers.rights import Audience, audience_of
from ogc.config import DESCRIPTION, TITLE


@require_safe
def rndt(request: HttpRequest, slug: str) -> HttpResponse:
    """/livelli/{slug}/metadati.xml"""
    layer, audience = layer_of(request, slug, "metadata")
    others = ("GeoTIFF",) if layer.kind == "raster" else ("PNG",)
    formats = tuple(form.title for form in offered(layer)) if layer.kind == "vector" else others
    return _document(rndt_document(layer, site_base(request), formats), "application/xml", audience)


@require_safe
def of_service(request: HttpRequest, name: str) -> HttpResponse:
    """/servizi/{name}/metadati.xml: a service with the layers that the asker may have from it."""
    service = BY_NAME.get(name)
    if service is None:
        raise Http404(_("Non c'è un servizio con questo nome: ci sono %(names)s.") % {"names": ", ".join(BY_NAME)})
    audience = audience_of(request.user)
    layers = tuple(layer for layer in catalogue().visible(audience) if service.serves(layer))
    return _document(service_document(service, layers, site_base(request)), "application/xml", audience)


@require_safe
def of_layer(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """/livelli/{slug}/metadati.{ttl|rdf|jsonld}"""
    layer, audience = layer_of(request, slug, "metadata")
    return _document(written(layer_graph(layer, site_base(request)), form), FORMS[form][1], audience)


@require_safe
def of_all(request: HttpRequest, form: str) -> HttpResponse:
    """/catalogo.{ttl|rdf|jsonld}: every layer the asker may see."""
    audience = audience_of(request.user)
    layers = list(catalogue().visible(audience))
    graph = catalogue_graph(layers, site_base(request), TITLE, DESCRIPTION)
    return _document(written(graph, form), FORMS[form][1], audience)


def _document(body: bytes, media: str, audience: Audience) -> HttpResponse:
    response = HttpResponse(body, content_type=f"{media}; charset=utf-8")
    response["Vary"] = "Cookie"
    response["Access-Control-Allow-Origin"] = "*"
    patch_cache_control(response, private=not audience.is_public, public=audience.is_public, no_cache=True)
    return response
