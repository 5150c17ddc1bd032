"""Metadata documents against the schemas and profiles they claim to follow."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from defusedxml import ElementTree
from django.conf import settings
from django.test import Client
from lxml import etree
from rdflib import DCAT, DCTERMS, FOAF, RDF, Graph, URIRef

from layers.catalogue import catalogue
from layers.metadata.completeness import completeness
from layers.metadata.dcat import DCATAPIT
from layers.models import Access, Field, Layer, Theme
from tests.geodata import forget_catalogue, make_layer

GMD, GCO = "{http://www.isotc211.org/2005/gmd}", "{http://www.isotc211.org/2005/gco}"
ROW = "INSERT INTO {table} (geom, nome) VALUES (ST_SetSRID(ST_MakePoint(580500, 4998200), 32632), 'a')"
FULL = {
    "title_en": "House numbers",
    "abstract_it": "I numeri civici della città, dal rilievo del 2012 aggiornato ogni mese.",
    "abstract_en": "The house numbers of the city, surveyed in 2012 and kept since.",
    "keywords": ["civici", "indirizzi & vie"],
    "steward_office": "Ufficio toponomastica", "contact_email": "toponomastica@example.org",
    "lineage": "Rilievo 2012 <aggiornato>", "update_frequency": "MONTHLY", "inspire_theme": "ad",
    "topic_category": "location", "accuracy_m": 0.6, "scale_denominator": 2000, "review_on": date(2027, 1, 1),
}  # fmt: skip


@pytest.fixture
def town(db: None) -> Iterator[SimpleNamespace]:
    theme = Theme.objects.create(slug="strade", title_it="Strade", title_en="Streets")
    full = make_layer(
        "civici", "POINT", 32632, {"nome": "string"}, ROW, theme=theme, title_it="Numeri civici",
        data_updated_at=datetime(2026, 5, 4, tzinfo=UTC), **FULL,
    )  # fmt: skip
    Field.objects.filter(layer=full).update(title_it="Nome della via", title_en="Street name")
    bare = make_layer("nudo", "POINT", 32632, {"nome": "string"}, ROW, attribution="")
    raster = Layer.objects.create(
        slug="dtm", kind="raster", raster_path="dtm.tif", srid=32632, title_it="Terreno", bbox=[10.0, 45.1, 10.1, 45.2],
        raster_info={"width": 10, "height": 20, "resolution": [5.0, 5.0], "bands": []},
    )  # fmt: skip
    closed = make_layer("riservato", "POINT", 32632, {"nome": "string"}, ROW, access=Access.INTERNAL)
    forget_catalogue()
    yield SimpleNamespace(full=full, bare=bare, raster=raster, closed=closed)
    forget_catalogue()


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """The schemas of ISO 19139 (gmx, which draws in gmd and gco), from a package that carries them."""
    found = importlib.util.find_spec("pycsw")
    if found is None or found.origin is None:
        pytest.skip("the ISO 19139 schemas are not installed: pip install --no-deps -r requirements/schemas.txt")
    root = Path(found.origin).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139/20060504/gmx/gmx.xsd"
    return etree.XMLSchema(etree.parse(str(root), etree.XMLParser(no_network=True)))


@pytest.mark.parametrize("slug", ["civici", "nudo", "dtm"])
def test_the_national_record_follows_the_schema(town: SimpleNamespace, schema: etree.XMLSchema, slug: str) -> None:
    body = Client().get(f"/livelli/{slug}/metadati.xml").content
    schema.assertValid(etree.fromstring(body))


def test_the_national_record_has_every_mandatory_element(town: SimpleNamespace) -> None:
    root = ElementTree.fromstring(Client().get("/livelli/civici/metadati.xml").content)

    def texts(*path: str) -> list[str]:
        found = root.findall("/".join(f"{GMD}{name}" for name in path))
        return ["".join(one.itertext()).strip() for one in found]

    about = ("identificationInfo", "MD_DataIdentification")
    assert texts("fileIdentifier") == ["c_d150:civici"]
    assert texts("language") == texts(*about, "language") == ["ita"]
    assert texts("hierarchyLevel") == ["dataset"]
    assert texts("metadataStandardName") == ["Linee Guida RNDT"]
    assert texts("dateStamp") != [""]
    assert texts("contact", "CI_ResponsibleParty", "organisationName") == ["Comune di Cremona - Ufficio toponomastica"]
    assert texts("referenceSystemInfo", "MD_ReferenceSystem", "referenceSystemIdentifier", "RS_Identifier", "code") == [
        "http://www.opengis.net/def/crs/EPSG/0/32632"
    ]
    assert texts(*about, "citation", "CI_Citation", "title") == ["Numeri civici"]
    assert texts(*about, "abstract") == [FULL["abstract_it"]]
    assert texts(*about, "topicCategory") == ["location"]
    assert texts(*about, "spatialRepresentationType") == ["vector"]
    assert texts(*about, "resourceMaintenance", "MD_MaintenanceInformation", "maintenanceAndUpdateFrequency") == [
        "monthly"
    ]
    words = texts(*about, "descriptiveKeywords", "MD_Keywords", "keyword")
    assert words == ["Indirizzi", "civici", "indirizzi & vie"]
    assert texts(*about, "spatialResolution", "MD_Resolution", "equivalentScale", "MD_RepresentativeFraction") == [
        "2000"
    ]
    box = texts(*about, "extent", "EX_Extent", "geographicElement", "EX_GeographicBoundingBox", "westBoundLongitude")
    assert box[0].startswith("10.0")
    legal = texts(*about, "resourceConstraints", "MD_LegalConstraints", "otherConstraints")
    assert legal[0] == "Nessuna limitazione" and legal[1].startswith("CC BY 4.0")
    quality = ("dataQualityInfo", "DQ_DataQuality")
    assert texts(*quality, "lineage", "LI_Lineage", "statement") == ["Rilievo 2012 <aggiornato>"]
    accuracy = (*quality, "report", "DQ_AbsoluteExternalPositionalAccuracy", "result", "DQ_QuantitativeResult", "value")
    assert texts(*accuracy) == ["0.6"]
    assert "GeoPackage" in " ".join(texts("distributionInfo", "MD_Distribution", "distributionFormat"))


def test_what_is_not_known_is_said_to_be_missing(town: SimpleNamespace) -> None:
    root = ElementTree.fromstring(Client().get("/livelli/nudo/metadati.xml").content)
    missing = [one.tag.removeprefix(GMD) for one in root.iter() if one.get(f"{GCO}nilReason") == "missing"]
    assert {"abstract", "topicCategory", "electronicMailAddress", "keyword", "statement"} <= set(missing)
    found = completeness(catalogue().layers["nudo"])
    assert not found.is_valid and found.percent < 30
    assert {"abstract_it", "keywords", "lineage", "inspire_theme"} <= {one.place for one in found.missing}
    whole = completeness(catalogue().layers["civici"])
    assert whole.percent == 100 and whole.missing == ()


@pytest.mark.parametrize("form", ["ttl", "rdf", "jsonld"])
def test_the_catalogue_is_dcat_ap_it(town: SimpleNamespace, form: str) -> None:
    answer = Client().get(f"/catalogo.{form}")
    graph = Graph().parse(data=answer.content, format={"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld"}[form])
    (whole,) = graph.subjects(RDF.type, DCATAPIT.Catalog)
    for name in (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCTERMS.modified, DCAT.dataset, FOAF.homepage):
        assert list(graph.objects(whole, name)), name
    datasets = [str(one) for one in graph.objects(whole, DCAT.dataset)]
    assert any("/livelli/civici/" in one for one in datasets)
    assert not any("riservato" in one for one in datasets)
    dataset = URIRef(next(one for one in datasets if "/livelli/civici/" in one))
    for name in (
        DCTERMS.identifier, DCTERMS.title, DCTERMS.description, DCTERMS.modified, DCAT.theme, DCTERMS.rightsHolder,
        DCTERMS.accrualPeriodicity, DCAT.distribution, DCAT.contactPoint,
    ):  # fmt: skip
        assert list(graph.objects(dataset, name)), name
    for distribution in graph.objects(dataset, DCAT.distribution):
        assert list(graph.objects(distribution, DCAT.accessURL)) and list(graph.objects(distribution, DCTERMS.license))
        address = str(next(iter(graph.objects(distribution, DCAT.accessURL)))).removeprefix("http://testserver")
        assert Client().get(address).status_code == 200, address
    (holder,) = graph.objects(dataset, DCTERMS.rightsHolder)
    assert str(next(iter(graph.objects(holder, DCTERMS.identifier)))) == settings.BODY["ipa"]


@pytest.mark.parametrize("form", ["ttl", "rdf", "jsonld"])
def test_a_layer_alone_is_written_too_and_a_closed_one_is_not_there(town: SimpleNamespace, form: str) -> None:
    assert b"Numeri civici" in Client().get(f"/livelli/civici/metadati.{form}").content
    assert Client().get(f"/livelli/riservato/metadati.{form}").status_code == 404
    assert Client().get("/livelli/riservato/metadati.xml").status_code == 404


def test_the_record_carries_the_same_and_links_to_them(town: SimpleNamespace) -> None:
    record = Client().get("/ogc/collections/metadata/items/civici?f=json").json()
    said = record["properties"]
    assert said["lineage"] == FULL["lineage"] and said["updateFrequency"] == "monthly"
    assert {"http://inspire.ec.europa.eu/theme"} <= {one["scheme"] for one in said["themes"]}
    links = [
        link["href"].removeprefix("http://testserver")
        for link in record["links"]
        if link["rel"] in {"about", "describedby"}
    ]
    assert len(links) == 5
    assert all(Client().get(link).status_code == 200 for link in links)
