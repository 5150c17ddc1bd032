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

from geoportal.models import User
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
    """The schemas of ISO 19139 (gmx, which draws in gmd and gco) and of services (srv), from a package with them."""
    found = importlib.util.find_spec("pycsw")
    if found is None or found.origin is None:
        pytest.skip("the ISO 19139 schemas are not installed: pip install --no-deps -r requirements/schemas.txt")
    root = Path(found.origin).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139/20060504"
    both = "".join(
        f'<import namespace="http://www.isotc211.org/2005/{name}" schemaLocation="{root.as_uri()}/{name}/{name}.xsd"/>'
        for name in ("gmx", "srv")
    )
    whole = f'<schema xmlns="http://www.w3.org/2001/XMLSchema">{both}</schema>'
    return etree.XMLSchema(etree.fromstring(whole, etree.XMLParser(no_network=True)))


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


SRV, XLINK = "{http://www.isotc211.org/2005/srv}", "{http://www.w3.org/1999/xlink}"


@pytest.mark.parametrize("name", ["wms", "wmts", "wfs", "ogcapi"])
def test_the_record_of_a_service_follows_the_schema_and_couples_what_it_serves(
    town: SimpleNamespace, schema: etree.XMLSchema, name: str
) -> None:
    body = Client().get(f"/servizi/{name}/metadati.xml").content
    schema.assertValid(etree.fromstring(body))
    root = ElementTree.fromstring(body)
    about = root.find(f"{GMD}identificationInfo/{SRV}SV_ServiceIdentification")
    assert about is not None
    assert root.findtext(f"{GMD}hierarchyLevel/{GMD}MD_ScopeCode") == "service"
    kind = about.findtext(f"{SRV}serviceType/{GCO}LocalName")
    assert kind == ("view" if name in {"wms", "wmts"} else "download")
    coupled = {one.get("uuidref"): one.get(f"{XLINK}href") for one in about.findall(f"{SRV}operatesOn")}
    rasters = set() if name == "wfs" else {"c_d150:dtm"}
    assert set(coupled) >= {"c_d150:civici", "c_d150:nudo"} | rasters and "c_d150:riservato" not in coupled
    assert ("c_d150:dtm" in coupled) == bool(rasters)
    for identifier, address in coupled.items():
        record = ElementTree.fromstring(Client().get(str(address)).content)
        assert record.findtext(f"{GMD}fileIdentifier/{GCO}CharacterString") == identifier
    points = about.findall(f"{SRV}containsOperations/{SRV}SV_OperationMetadata/{SRV}connectPoint//{GMD}URL")
    assert Client().get(str(points[0].text)).status_code == 200
    entry = root.findtext(f"{GMD}distributionInfo//{GMD}URL")
    assert Client().get(str(entry)).status_code == 200
    assert {"wms": "OGC:WMS", "wmts": "OGC:WMTS", "wfs": "OGC:WFS", "ogcapi": "OGC API"}[name] in body.decode()


def test_a_service_with_nothing_to_serve_is_still_described(db: None, schema: etree.XMLSchema) -> None:
    Layer.objects.all().delete()
    forget_catalogue()
    body = Client().get("/servizi/wms/metadati.xml").content
    schema.assertValid(etree.fromstring(body))
    assert b"loose" in body and b"operatesOn" not in body
    assert Client().get("/servizi/nessuno/metadati.xml").status_code == 404


def test_who_may_see_more_is_told_of_more_coupled_layers(town: SimpleNamespace) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("capo"))
    assert b"c_d150:riservato" in client.get("/servizi/wms/metadati.xml").content
    assert b"riservato" not in Client().get("/servizi/wms/metadati.xml").content


@pytest.mark.parametrize(
    ("address", "language"),
    [("/ogc/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0", "ResponseLanguage"),
     ("/ogc/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.1.1", ""),
     ("/ogc/wmts?SERVICE=WMTS&REQUEST=GetCapabilities", "ResponseLanguage"),
     ("/ogc/wfs?SERVICE=WFS&REQUEST=GetCapabilities", "ResponseLanguage")],
)  # fmt: skip
def test_capabilities_name_the_records(town: SimpleNamespace, address: str, language: str) -> None:
    plain = Client().get(address).content.decode()
    assert "/livelli/civici/metadati.xml" in plain and "ExtendedCapabilities" not in plain.replace("Vendor", "")
    for code, title in (("eng", "House numbers"), ("ita", "Numeri civici"), ("fra", "Numeri civici")):
        held = Client(headers={"Accept-Language": "en"}).get(f"{address}&LANGUAGE={code}").content.decode()
        assert f"Title>{title}<" in held
        if language:
            root = ElementTree.fromstring(held)
            said = [one for one in root.iter() if one.tag.endswith("}ExtendedCapabilities")][-1]
            texts = {one.tag.rpartition("}")[2]: "".join(one.itertext()).strip() for one in said}
            assert texts["ResponseLanguage"] == ("eng" if code == "eng" else "ita")
            assert "ita" in texts["SupportedLanguages"] and "eng" in texts["SupportedLanguages"]
            record = next(one.text for one in said.iter() if one.tag.endswith("}URL"))
            assert record is not None and Client().get(record).status_code == 200


def test_the_catalogue_names_the_services_and_what_they_serve(town: SimpleNamespace) -> None:
    graph = Graph().parse(data=Client().get("/catalogo.ttl").content, format="turtle")
    services = set(graph.subjects(RDF.type, DCAT.DataService))
    (whole,) = graph.subjects(RDF.type, DCATAPIT.Catalog)
    assert services == set(graph.objects(whole, DCAT.service)) and len(services) == 4
    wfs = URIRef("http://testserver/ogc/wfs")
    served = {str(one) for one in graph.objects(wfs, DCAT.servesDataset)}
    assert served >= {"http://testserver/livelli/civici/", "http://testserver/livelli/nudo/"}
    assert not any("dtm" in one or "riservato" in one for one in served)
    datasets = set(graph.objects(whole, DCAT.dataset))
    for service in services:
        assert set(graph.objects(service, DCAT.servesDataset)) <= datasets
        assert Client().get(str(next(graph.objects(service, DCAT.endpointDescription)))).status_code == 200
    page = Client().get("/livelli/").content.decode()
    assert all(f"/servizi/{name}/metadati.xml" in page for name in ("wms", "wmts", "wfs", "ogcapi"))


def test_the_services_are_records_too(town: SimpleNamespace) -> None:
    found = Client().get("/ogc/collections/metadata/items?type=service").json()
    assert [one["id"] for one in found["features"]] == [
        "servizio:wms", "servizio:wmts", "servizio:wfs", "servizio:ogcapi"
    ]  # fmt: skip
    for link in (link for one in found["features"] for link in one["links"]):
        assert Client().get(link["href"]).status_code == 200, link
    page = Client().get("/ogc/collections/metadata/items/servizio:wms?f=html")
    assert page.status_code == 200 and b"metadati.xml" in page.content
