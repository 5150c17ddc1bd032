"""Metadata of a layer as ISO 19139 XML, in the national profile (RNDT, AgID guidelines 2.0, cremona.md 4.4). Pure.

What the catalogue does not know is written as `gco:nilReason="missing"`, never invented. Built as a tree, so that no
text can become markup.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from django.conf import settings

from layers.catalogue import LayerEntry
from layers.metadata.codes import INSPIRE, ISO_FREQUENCIES, LICENCES, inspire_address
from layers.models import Access

GMD, GCO, GMX = (
    "http://www.isotc211.org/2005/gmd",
    "http://www.isotc211.org/2005/gco",
    "http://www.isotc211.org/2005/gmx",
)
XLINK, XSI, GML = (
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.opengis.net/gml",
)
CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
EPSG = "http://www.opengis.net/def/crs/EPSG/0"
SERVICES = {"vector": "OGC API - Features", "raster": "OGC API - Coverages"}
INSPIRE_RULES = "Regolamento (UE) n. 1089/2010 della Commissione, del 23 novembre 2010"
LIMITS = "http://inspire.ec.europa.eu/metadata-codelist/LimitationsOnPublicAccess"

for _prefix, _uri in (("gmd", GMD), ("gco", GCO), ("gmx", GMX), ("xlink", XLINK), ("xsi", XSI), ("gml", GML)):
    Xml.register_namespace(_prefix, _uri)


def identifier_of(layer: LayerEntry) -> str:
    """The identifier in the national catalogue: the body's iPA code, then ours."""
    return f"{settings.BODY['ipa']}:{layer.slug}"


def rndt_document(layer: LayerEntry, base: str, formats: tuple[str, ...]) -> bytes:
    """The whole record. `base` is the absolute address of the site; `formats` are the names of what can be taken."""
    root = Xml.Element(f"{{{GMD}}}MD_Metadata")
    root.set(f"{{{XSI}}}schemaLocation", f"{GMD} http://schemas.opengis.net/iso/19139/20060504/gmd/gmd.xsd")
    _text(root, "fileIdentifier", identifier_of(layer))
    _code(root, "language", "LanguageCode", "ita", "http://www.loc.gov/standards/iso639-2/")
    _code(root, "characterSet", "MD_CharacterSetCode", "utf8")
    _code(root, "hierarchyLevel", "MD_ScopeCode", "dataset")
    _responsible(root, "contact", layer, "pointOfContact")
    _date(root, "dateStamp", layer.described.updated_at)
    _text(root, "metadataStandardName", "Linee Guida RNDT")
    _text(root, "metadataStandardVersion", "2.0")
    if layer.kind == "raster":
        _grid(root, layer)
    if layer.srid:
        system = _under(root, "referenceSystemInfo", "MD_ReferenceSystem", "referenceSystemIdentifier", "RS_Identifier")
        _text(system, "code", f"{EPSG}/{layer.srid}")
    _identification(root, layer)
    _distribution(root, layer, base, formats)
    _quality(root, layer)
    Xml.indent(root)
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _identification(root: Xml.Element, layer: LayerEntry) -> None:
    found = _under(root, "identificationInfo", "MD_DataIdentification")
    citation = _under(found, "citation", "CI_Citation")
    _text(citation, "title", layer.title_it)
    for moment, kind in ((layer.described.created_at, "publication"), (layer.data_updated_at, "revision")):
        if moment is not None:
            _dated(citation, moment, kind)
    _text(_under(citation, "identifier", "MD_Identifier"), "code", identifier_of(layer))
    _responsible(citation, "citedResponsibleParty", layer, "owner")
    _code(citation, "presentationForm", "CI_PresentationFormCode",
          "mapDigital" if layer.kind == "vector" else "imageDigital")  # fmt: skip
    _text(found, "abstract", layer.abstract_it)
    _responsible(found, "pointOfContact", layer, "pointOfContact")
    kept = _under(found, "resourceMaintenance", "MD_MaintenanceInformation")
    _code(kept, "maintenanceAndUpdateFrequency", "MD_MaintenanceFrequencyCode", ISO_FREQUENCIES[layer.update_frequency])
    _keywords(found, layer)
    _constraints(found, layer)
    _code(found, "spatialRepresentationType", "MD_SpatialRepresentationTypeCode", _representation(layer))
    _resolution(found, layer)
    _code(found, "language", "LanguageCode", "ita", "http://www.loc.gov/standards/iso639-2/")
    _code(found, "characterSet", "MD_CharacterSetCode", "utf8")
    topic = _under(found, "topicCategory")
    if layer.described.topic_category:
        Xml.SubElement(topic, f"{{{GMD}}}MD_TopicCategoryCode").text = layer.described.topic_category
    else:
        topic.set(f"{{{GCO}}}nilReason", "missing")
    _extent(found, layer)


def _keywords(found: Xml.Element, layer: LayerEntry) -> None:
    theme = layer.described.inspire_theme
    if theme:
        held = _under(found, "descriptiveKeywords", "MD_Keywords")
        _anchor(held, "keyword", INSPIRE[theme][0], inspire_address(theme))
        _code(held, "type", "MD_KeywordTypeCode", "theme")
        thesaurus = _under(held, "thesaurusName", "CI_Citation")
        _text(thesaurus, "title", "GEMET - INSPIRE themes, version 1.0")
        _dated(thesaurus, datetime(2008, 6, 1, tzinfo=UTC), "publication")
    held = _under(found, "descriptiveKeywords", "MD_Keywords")
    for word in layer.keywords or ("",):
        _text(held, "keyword", word)


def _constraints(found: Xml.Element, layer: LayerEntry) -> None:
    _text(_under(found, "resourceConstraints", "MD_Constraints"), "useLimitation",
          layer.described.use_limitation or "Nessun limite d'uso noto")  # fmt: skip
    access = _under(found, "resourceConstraints", "MD_LegalConstraints")
    _code(access, "accessConstraints", "MD_RestrictionCode", "otherRestrictions")
    is_open = layer.access == Access.PUBLIC and not layer.within
    text = "Nessuna limitazione" if is_open else "Accesso riservato a chi ne ha titolo presso l'ente"
    _anchor(
        access, "otherConstraints", text, f"{LIMITS}/{'noLimitations' if is_open else 'INSPIRE_Directive_Article13_1a'}"
    )
    use = _under(found, "resourceConstraints", "MD_LegalConstraints")
    _code(use, "useConstraints", "MD_RestrictionCode", "otherRestrictions")
    name, address = LICENCES.get(layer.licence, (layer.licence, ""))
    text = f"{name}. Attribuzione: {layer.attribution}" if layer.attribution else name
    if address:
        _anchor(use, "otherConstraints", text, address)
    else:
        _text(use, "otherConstraints", text)


def _resolution(found: Xml.Element, layer: LayerEntry) -> None:
    said, cell = layer.described, (layer.raster_info.get("resolution") or [None])[0]
    if said.scale_denominator:
        fraction = _under(found, "spatialResolution", "MD_Resolution", "equivalentScale", "MD_RepresentativeFraction")
        Xml.SubElement(_under(fraction, "denominator"), f"{{{GCO}}}Integer").text = str(said.scale_denominator)
    elif cell:
        distance = Xml.SubElement(_under(found, "spatialResolution", "MD_Resolution", "distance"), f"{{{GCO}}}Distance")
        distance.set("uom", "m")
        distance.text = f"{float(cell):g}"


def _extent(found: Xml.Element, layer: LayerEntry) -> None:
    extent = _under(found, "extent", "EX_Extent")
    if layer.bbox is None:
        return
    box = _under(extent, "geographicElement", "EX_GeographicBoundingBox")
    west, south, east, north = layer.bbox
    for name, value in (("westBoundLongitude", west), ("eastBoundLongitude", east), ("southBoundLatitude", south),
                        ("northBoundLatitude", north)):  # fmt: skip
        Xml.SubElement(_under(box, name), f"{{{GCO}}}Decimal").text = f"{value:.6f}"


def _grid(root: Xml.Element, layer: LayerEntry) -> None:
    grid = _under(root, "spatialRepresentationInfo", "MD_GridSpatialRepresentation")
    Xml.SubElement(_under(grid, "numberOfDimensions"), f"{{{GCO}}}Integer").text = "2"
    resolution = layer.raster_info.get("resolution") or [None, None]
    for name, size, cell in (("row", "height", resolution[1]), ("column", "width", resolution[0])):
        axis = _under(grid, "axisDimensionProperties", "MD_Dimension")
        _code(axis, "dimensionName", "MD_DimensionNameTypeCode", name)
        Xml.SubElement(_under(axis, "dimensionSize"), f"{{{GCO}}}Integer").text = str(layer.raster_info.get(size, 0))
        if cell:
            measure = Xml.SubElement(_under(axis, "resolution"), f"{{{GCO}}}Length", uom="m")
            measure.text = f"{float(cell):g}"
    _code(grid, "cellGeometry", "MD_CellGeometryCode", "area")
    Xml.SubElement(_under(grid, "transformationParameterAvailability"), f"{{{GCO}}}Boolean").text = "true"


def _distribution(root: Xml.Element, layer: LayerEntry, base: str, formats: tuple[str, ...]) -> None:
    found = _under(root, "distributionInfo", "MD_Distribution")
    for name in formats:
        made = _under(found, "distributionFormat", "MD_Format")
        _text(made, "name", name)
        version = _under(made, "version")
        version.set(f"{{{GCO}}}nilReason", "unknown")
    _responsible(_under(found, "distributor", "MD_Distributor"), "distributorContact", layer, "distributor")
    options = _under(found, "transferOptions", "MD_DigitalTransferOptions")
    here = f"{base}/ogc/collections/{layer.slug}"
    addresses = [
        (f"{base}/livelli/{layer.slug}/", "WWW:LINK-1.0-http--link", "information"),
        (here, SERVICES.get(layer.kind, "OGC API - Maps"), "download"),
        (f"{base}/ogc/wms?SERVICE=WMS&REQUEST=GetCapabilities", "OGC:WMS", "search"),
    ]
    for address, protocol, function in addresses:
        resource = _under(options, "onLine", "CI_OnlineResource")
        Xml.SubElement(_under(resource, "linkage"), f"{{{GMD}}}URL").text = address
        _text(resource, "protocol", protocol)
        _text(resource, "name", layer.title_it)
        _code(resource, "function", "CI_OnLineFunctionCode", function)


def _quality(root: Xml.Element, layer: LayerEntry) -> None:
    found = _under(root, "dataQualityInfo", "DQ_DataQuality")
    scope = _under(found, "scope", "DQ_Scope")
    _code(scope, "level", "MD_ScopeCode", "dataset")
    if layer.described.accuracy_m is not None:
        report = _under(found, "report", "DQ_AbsoluteExternalPositionalAccuracy", "result", "DQ_QuantitativeResult")
        unit = _under(report, "valueUnit")
        unit.set(f"{{{XLINK}}}href", "http://www.opengis.net/def/uom/OGC/1.0/metre")
        value = Xml.SubElement(_under(report, "value"), f"{{{GCO}}}Record")
        value.text = f"{layer.described.accuracy_m:g}"
    conformity = _under(found, "report", "DQ_DomainConsistency", "result", "DQ_ConformanceResult")
    rules = _under(conformity, "specification", "CI_Citation")
    _text(rules, "title", INSPIRE_RULES)
    _dated(rules, datetime(2010, 12, 8, tzinfo=UTC), "publication")
    _text(conformity, "explanation", "Conformità non valutata")
    # Nobody has measured it: the profile has this state for that.
    _under(conformity, "pass").set(f"{{{GCO}}}nilReason", "unknown")
    _text(_under(found, "lineage", "LI_Lineage"), "statement", layer.lineage)


def _representation(layer: LayerEntry) -> str:
    if layer.kind != "vector":
        return "grid"
    return "vector" if layer.geometry_field else "textTable"


def _responsible(parent: Xml.Element, name: str, layer: LayerEntry, role: str) -> None:
    body = settings.BODY
    party = _under(parent, name, "CI_ResponsibleParty")
    office = layer.steward_office
    _text(
        party, "organisationName", f"{body['name']} - {office}" if office and office != body["name"] else body["name"]
    )
    contact = _under(party, "contactInfo", "CI_Contact")
    address = _under(contact, "address", "CI_Address")
    _text(address, "electronicMailAddress", layer.contact_email or body["email"])
    if body["url"]:
        resource = _under(contact, "onlineResource", "CI_OnlineResource")
        Xml.SubElement(_under(resource, "linkage"), f"{{{GMD}}}URL").text = body["url"]
    _code(party, "role", "CI_RoleCode", role)


def _under(parent: Xml.Element, *names: str) -> Xml.Element:
    for name in names:
        parent = Xml.SubElement(parent, f"{{{GMD}}}{name}")
    return parent


def _text(parent: Xml.Element, name: str, text: str) -> None:
    made = _under(parent, name)
    if text:
        Xml.SubElement(made, f"{{{GCO}}}CharacterString").text = _plain(text)
    else:
        made.set(f"{{{GCO}}}nilReason", "missing")


def _anchor(parent: Xml.Element, name: str, text: str, address: str) -> None:
    made = Xml.SubElement(_under(parent, name), f"{{{GMX}}}Anchor")
    made.set(f"{{{XLINK}}}href", address)
    made.text = _plain(text)


def _code(parent: Xml.Element, name: str, listed: str, value: str, codes: str = "") -> None:
    made = Xml.SubElement(_under(parent, name), f"{{{GMD}}}{listed}")
    made.set("codeList", codes or f"{CODES}#{listed}")
    made.set("codeListValue", value)
    made.text = value


def _date(parent: Xml.Element, name: str, moment: datetime | None) -> None:
    made = _under(parent, name)
    if moment is None:
        made.set(f"{{{GCO}}}nilReason", "missing")
    else:
        Xml.SubElement(made, f"{{{GCO}}}Date").text = f"{moment:%Y-%m-%d}"


def _dated(citation: Xml.Element, moment: datetime, kind: str) -> None:
    made = _under(citation, "date", "CI_Date")
    _date(made, "date", moment)
    _code(made, "dateType", "CI_DateTypeCode", kind)


def _plain(text: str) -> str:
    """Without the control characters that XML has no way to write."""
    return "".join(char for char in text if char in "\t\n\r" or char >= " ")
