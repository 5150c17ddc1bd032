"""The catalogue, or one layer, as DCAT-AP_IT (cremona.md 4.4): Turtle, RDF/XML or JSON-LD. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from rdflib import DCAT, DCTERMS, FOAF, RDF, XSD, BNode, Graph, Literal, Namespace, URIRef

from layers.catalogue import LayerEntry
from layers.metadata.codes import EU_FREQUENCIES, EU_LICENCES, LICENCES, eu_theme
from layers.metadata.rndt import identifier_of
from layers.metadata.services import SERVICES

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
DCATAPIT = Namespace("http://dati.gov.it/onto/dcatapit#")
FILE_TYPES = "http://publications.europa.eu/resource/authority/file-type"
THEMES = URIRef("http://publications.europa.eu/resource/authority/data-theme")
FORMS = {
    "ttl": ("turtle", "text/turtle"),
    "rdf": ("xml", "application/rdf+xml"),
    "jsonld": ("json-ld", "application/ld+json"),
}
"""Ending: serializer and media type."""
VECTOR_FILES = (("geojson", "GEOJSON"), ("gpkg", "GPKG"), ("csv", "CSV"), ("shp", "SHP"), ("kml", "KML"))
TABLE_FILES = (("geojson", "GEOJSON"), ("csv", "CSV"))


def layer_graph(layer: LayerEntry, base: str) -> Graph:
    """One dataset with its distributions, contact and owner."""
    graph = _graph()
    _dataset(graph, layer, base, _body(graph))
    return graph


def catalogue_graph(layers: Iterable[LayerEntry], base: str, titles: dict[str, str], texts: dict[str, str]) -> Graph:
    """The catalogue and every layer given. `titles` and `texts` are by language."""
    graph = _graph()
    body = _body(graph)
    here = URIRef(f"{base}/catalogo")
    for kind in (DCAT.Catalog, DCATAPIT.Catalog):
        graph.add((here, RDF.type, kind))
    for language, text in titles.items():
        graph.add((here, DCTERMS.title, Literal(text, lang=language)))
    for language, text in texts.items():
        graph.add((here, DCTERMS.description, Literal(text, lang=language)))
    graph.add((here, DCTERMS.publisher, body))
    graph.add((here, FOAF.homepage, URIRef(f"{base}/livelli/")))
    graph.add((here, DCAT.themeTaxonomy, THEMES))
    for code in ("ITA", "ENG"):
        graph.add((here, DCTERMS.language, URIRef(f"http://publications.europa.eu/resource/authority/language/{code}")))
    newest: datetime | None = None
    layers = tuple(layers)
    _services(graph, here, layers, base, body)
    for layer in layers:
        graph.add((here, DCAT.dataset, _dataset(graph, layer, base, body)))
        moments = [moment for moment in (newest, layer.data_updated_at, layer.described.updated_at) if moment]
        newest = max(moments, default=None)
    if newest is not None:
        graph.add((here, DCTERMS.modified, Literal(newest.date(), datatype=XSD.date)))
    return graph


def written(graph: Graph, form: str) -> bytes:
    """The graph as one of FORMS."""
    text: str = graph.serialize(format=FORMS[form][0])
    return text.encode()


def _graph() -> Graph:
    graph = Graph()
    for prefix, space in (("dcatapit", DCATAPIT), ("dcat", DCAT), ("dct", DCTERMS), ("foaf", FOAF), ("vcard", VCARD)):
        graph.bind(prefix, space)
    return graph


def _dataset(graph: Graph, layer: LayerEntry, base: str, body: URIRef) -> URIRef:
    here = URIRef(f"{base}/livelli/{layer.slug}/")
    for made in (DCAT.Dataset, DCATAPIT.Dataset):
        graph.add((here, RDF.type, made))
    graph.add((here, DCTERMS.identifier, Literal(identifier_of(layer))))
    texts: tuple[tuple[URIRef, str, str], ...] = (
        (DCTERMS.title, layer.title_it, layer.title_en),
        (DCTERMS.description, layer.abstract_it or layer.title_it, layer.abstract_en or layer.title_en),
    )
    for name, italian, english in texts:
        graph.add((here, name, Literal(italian, lang="it")))
        if english and english != italian:
            graph.add((here, name, Literal(english, lang="en")))
    modified = layer.data_updated_at or layer.described.updated_at or layer.described.created_at
    if modified is not None:
        graph.add((here, DCTERMS.modified, Literal(modified.date(), datatype=XSD.date)))
    if layer.described.created_at is not None:
        graph.add((here, DCTERMS.issued, Literal(layer.described.created_at.date(), datatype=XSD.date)))
    said = layer.described
    graph.add((here, DCAT.theme, URIRef(eu_theme(said.inspire_theme, said.topic_category))))
    graph.add((here, DCTERMS.rightsHolder, body))
    graph.add((here, DCTERMS.publisher, body))
    graph.add((here, DCTERMS.accrualPeriodicity, URIRef(EU_FREQUENCIES[layer.update_frequency])))
    graph.add((here, DCAT.landingPage, here))
    for word in layer.keywords:
        graph.add((here, DCAT.keyword, Literal(word, lang="it")))
    _contact(graph, here, layer)
    _place(graph, here, layer)
    for form, kind in _files(layer):
        graph.add((here, DCAT.distribution, _distribution(graph, layer, base, form, kind)))
    return here


def _services(graph: Graph, catalogue: URIRef, layers: tuple[LayerEntry, ...], base: str, body: URIRef) -> None:
    """The services and the data sets that each serves (DCAT 2, which DCAT-AP_IT builds on)."""
    for service in SERVICES:
        here = URIRef(f"{base}/{service.path}")
        graph.add((catalogue, DCAT.service, here))
        graph.add((here, RDF.type, DCAT.DataService))
        graph.add((here, DCTERMS.identifier, Literal(service.identifier)))
        for language in ("it", "en"):
            graph.add((here, DCTERMS.title, Literal(service.title(language), lang=language)))
            graph.add((here, DCTERMS.description, Literal(service.abstract(language), lang=language)))
        graph.add((here, DCTERMS.publisher, body))
        graph.add((here, DCTERMS.conformsTo, URIRef(service.standard)))
        graph.add((here, DCAT.endpointURL, here))
        graph.add((here, DCAT.endpointDescription, URIRef(service.entry(base))))
        graph.add((here, FOAF.isPrimaryTopicOf, URIRef(service.record(base))))
        for layer in layers:
            if service.serves(layer):
                graph.add((here, DCAT.servesDataset, URIRef(f"{base}/livelli/{layer.slug}/")))


def _files(layer: LayerEntry) -> tuple[tuple[str, str], ...]:
    if layer.kind != "vector":
        return (("geotiff", "TIFF"),) if layer.kind == "raster" else (("png", "PNG"),)
    return VECTOR_FILES if layer.geometry_field else TABLE_FILES


def _distribution(graph: Graph, layer: LayerEntry, base: str, form: str, kind: str) -> URIRef:
    place = {"raster": "coverage", "vector": "export"}.get(layer.kind, "map")
    address = URIRef(f"{base}/ogc/collections/{layer.slug}/{place}?f={form}")
    for made in (DCAT.Distribution, DCATAPIT.Distribution):
        graph.add((address, RDF.type, made))
    graph.add((address, DCTERMS["format"], URIRef(f"{FILE_TYPES}/{kind}")))
    graph.add((address, DCAT.accessURL, address))
    graph.add((address, DCTERMS.title, Literal(f"{layer.title_it} ({kind})", lang="it")))
    licence = EU_LICENCES.get(layer.licence) or LICENCES.get(layer.licence, ("", ""))[1]
    graph.add((address, DCTERMS.license, URIRef(licence) if licence else Literal(layer.licence)))
    return address


def _contact(graph: Graph, dataset: URIRef, layer: LayerEntry) -> None:
    email = layer.contact_email or settings.BODY["email"]
    point = BNode()
    graph.add((dataset, DCAT.contactPoint, point))
    for kind in (VCARD.Organization, DCATAPIT.Organization):
        graph.add((point, RDF.type, kind))
    graph.add((point, VCARD.fn, Literal(layer.steward_office or settings.BODY["name"])))
    if email:
        graph.add((point, VCARD.hasEmail, URIRef(f"mailto:{email}")))


def _place(graph: Graph, dataset: URIRef, layer: LayerEntry) -> None:
    if layer.bbox is None:
        return
    west, south, east, north = (f"{number:.6f}" for number in layer.bbox)
    ring = f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"
    place = BNode()
    graph.add((dataset, DCTERMS.spatial, place))
    graph.add((place, RDF.type, DCTERMS.Location))
    wkt = URIRef("http://www.opengis.net/ont/geosparql#wktLiteral")
    graph.add((place, DCAT.bbox, Literal(ring, datatype=wkt)))


def _body(graph: Graph) -> URIRef:
    body = settings.BODY
    here = URIRef(f"https://w3id.org/italia/data/public-organization/{body['ipa'].upper()}")
    for kind in (FOAF.Agent, DCATAPIT.Agent):
        graph.add((here, RDF.type, kind))
    graph.add((here, DCTERMS.identifier, Literal(body["ipa"])))
    graph.add((here, FOAF.name, Literal(body["name"], lang="it")))
    return here
