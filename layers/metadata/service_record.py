"""Metadata of a service as ISO 19139 XML (ISO 19119, RNDT and INSPIRE profiles, cremona.md 4.4). Pure.

The layers that it serves are coupled to it by the addresses of their own records; who asks is told of those that they
may see and of no other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from layers.catalogue import LayerEntry
from layers.metadata import iso
from layers.metadata.codes import LICENCES
from layers.metadata.rndt import identifier_of
from layers.metadata.services import Service, newest, whole_box

NETWORK_RULES = "Regolamento (CE) n. 976/2009 della Commissione, del 19 ottobre 2009"
CATEGORY_RULES = "Regolamento (CE) n. 1205/2008 della Commissione, del 3 dicembre 2008"
CATEGORIES = "http://inspire.ec.europa.eu/metadata-codelist/SpatialDataServiceCategory"


def service_document(service: Service, layers: tuple[LayerEntry, ...], base: str) -> bytes:
    """The whole record. `layers` are those that the service serves to who asks; `base` is the site's address."""
    changed_at = newest(layers)
    root = iso.record(service.identifier, "service")
    iso.text(root, "hierarchyLevelName", "servizio")
    iso.responsible(root, "contact", "pointOfContact")
    iso.date(root, "dateStamp", changed_at)
    iso.standard(root)
    found = Xml.SubElement(iso.under(root, "identificationInfo"), f"{{{iso.SRV}}}SV_ServiceIdentification")
    _identification(found, service, changed_at)
    _service(found, service, layers, base)
    _distribution(root, service, base)
    quality = iso.under(root, "dataQualityInfo", "DQ_DataQuality")
    scope = iso.under(quality, "scope", "DQ_Scope")
    iso.code(scope, "level", "MD_ScopeCode", "service")
    iso.text(iso.under(scope, "levelDescription", "MD_ScopeDescription"), "other", "servizio")
    iso.not_evaluated(quality, NETWORK_RULES, datetime(2009, 10, 20, tzinfo=UTC))
    return iso.document(root)


def _identification(found: Xml.Element, service: Service, changed_at: datetime | None) -> None:
    citation = iso.under(found, "citation", "CI_Citation")
    iso.text(citation, "title", service.title("it"))
    if changed_at is None:
        iso.under(citation, "date").set(f"{{{iso.GCO}}}nilReason", "missing")
    else:
        iso.dated(citation, changed_at, "revision")
    iso.text(iso.under(citation, "identifier", "MD_Identifier"), "code", service.identifier)
    iso.responsible(citation, "citedResponsibleParty", "owner")
    iso.text(found, "abstract", service.abstract("it"))
    iso.responsible(found, "pointOfContact", "pointOfContact")
    words = iso.under(found, "descriptiveKeywords", "MD_Keywords")
    iso.anchor(words, "keyword", service.category, f"{CATEGORIES}/{service.category}")
    thesaurus = iso.under(words, "thesaurusName", "CI_Citation")
    iso.text(thesaurus, "title", CATEGORY_RULES)
    iso.dated(thesaurus, datetime(2008, 12, 4, tzinfo=UTC), "publication")
    access = iso.under(found, "resourceConstraints", "MD_LegalConstraints")
    iso.code(access, "accessConstraints", "MD_RestrictionCode", "otherRestrictions")
    iso.access_limits(access, is_open=True)
    use = iso.under(found, "resourceConstraints", "MD_LegalConstraints")
    iso.code(use, "useConstraints", "MD_RestrictionCode", "otherRestrictions")
    name, address = LICENCES["CC-BY-4.0"]
    iso.anchor(use, "otherConstraints", f"{name}, salvo quanto dice la scheda di ciascun livello", address)


def _service(found: Xml.Element, service: Service, layers: tuple[LayerEntry, ...], base: str) -> None:
    """What a service has beyond what data have: type, operations, and the layers coupled to it."""
    kind = Xml.SubElement(_srv(found, "serviceType"), f"{{{iso.GCO}}}LocalName")
    kind.set("codeSpace", "http://inspire.ec.europa.eu/metadata-codelist/SpatialDataServiceType")
    kind.text = service.kind
    _said(found, "serviceTypeVersion", f"{service.protocol} {service.version}")
    iso.extent(found, whole_box(layers), iso.SRV)
    for layer in layers:
        coupled = _srv(found, "coupledResource", "SV_CoupledResource")
        _said(coupled, "operationName", service.reads)
        _said(coupled, "identifier", identifier_of(layer))
        Xml.SubElement(coupled, f"{{{iso.GCO}}}ScopedName").text = layer.slug
    coupling = "tight" if layers else "loose"
    _listed(found, "couplingType", "SV_CouplingType", coupling)
    for operation in service.operations:
        held = _srv(found, "containsOperations", "SV_OperationMetadata")
        _said(held, "operationName", operation.name)
        _listed(held, "DCP", "DCPList", "WebServices")
        point = Xml.SubElement(_srv(held, "connectPoint"), f"{{{iso.GMD}}}CI_OnlineResource")
        iso.link(point, f"{base}/{operation.path}")
    for layer in layers:
        operates = _srv(found, "operatesOn")
        operates.set("uuidref", identifier_of(layer))
        operates.set(f"{{{iso.XLINK}}}href", f"{base}/livelli/{layer.slug}/metadati.xml")


def _distribution(root: Xml.Element, service: Service, base: str) -> None:
    found = iso.under(root, "distributionInfo", "MD_Distribution")
    iso.responsible(iso.under(found, "distributor", "MD_Distributor"), "distributorContact", "distributor")
    resource = iso.under(found, "transferOptions", "MD_DigitalTransferOptions", "onLine", "CI_OnlineResource")
    # With INSPIRE's own parameter, so that who comes from the record finds the extension (ADR 0250).
    language = "" if service.name == "ogcapi" else "&LANGUAGE=ita"
    iso.link(resource, service.entry(base) + language)
    iso.anchor(resource, "protocol", service.protocol, service.standard)
    iso.text(resource, "name", service.title("it"))
    iso.code(resource, "function", "CI_OnLineFunctionCode", "information")


def _srv(parent: Xml.Element, *names: str) -> Xml.Element:
    for name in names:
        parent = Xml.SubElement(parent, f"{{{iso.SRV}}}{name}")
    return parent


def _said(parent: Xml.Element, name: str, said: str) -> None:
    Xml.SubElement(_srv(parent, name), f"{{{iso.GCO}}}CharacterString").text = iso.plain(said)


def _listed(parent: Xml.Element, name: str, listed: str, value: str) -> None:
    made = _srv(parent, name, listed)
    made.set("codeList", f"{iso.CODES}#{listed}")
    made.set("codeListValue", value)
    made.text = value
