"""Metadata of a layer as ISO 19139 XML, in the national profile (RNDT, AgID guidelines 2.0, cremona.md 4.4). Pure.

What the catalogue does not know is written as `gco:nilReason="missing"`, never invented. Built as a tree, so that no
text can become markup.
"""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree as Xml

from django.conf import settings

from layers.catalogue import LayerEntry
from layers.metadata import iso
from layers.metadata.codes import INSPIRE, ISO_FREQUENCIES, LICENCES, inspire_address
from layers.metadata.services import SERVICES
from layers.models import Access

EPSG = "http://www.opengis.net/def/crs/EPSG/0"
INTERFACES = {"vector": "OGC API - Features", "raster": "OGC API - Coverages"}
INSPIRE_RULES = "Regolamento (UE) n. 1089/2010 della Commissione, del 23 novembre 2010"


def identifier_of(layer: LayerEntry) -> str:
    """The identifier in the national catalogue: the body's iPA code, then ours."""
    return f"{settings.BODY['ipa']}:{layer.slug}"


def rndt_document(layer: LayerEntry, base: str, formats: tuple[str, ...]) -> bytes:
    """The whole record. `base` is the absolute address of the site; `formats` are the names of what can be taken."""
    root = iso.record(identifier_of(layer), "dataset")
    iso.responsible(root, "contact", "pointOfContact", layer.steward_office, layer.contact_email)
    iso.date(root, "dateStamp", layer.described.updated_at)
    iso.standard(root)
    if layer.kind == "raster":
        _grid(root, layer)
    if layer.srid:
        system = iso.under(
            root, "referenceSystemInfo", "MD_ReferenceSystem", "referenceSystemIdentifier", "RS_Identifier"
        )
        iso.text(system, "code", f"{EPSG}/{layer.srid}")
    _identification(root, layer)
    _distribution(root, layer, base, formats)
    _quality(root, layer)
    return iso.document(root)


def _identification(root: Xml.Element, layer: LayerEntry) -> None:
    found = iso.under(root, "identificationInfo", "MD_DataIdentification")
    citation = iso.under(found, "citation", "CI_Citation")
    iso.text(citation, "title", layer.title_it)
    for moment, kind in ((layer.described.created_at, "publication"), (layer.data_updated_at, "revision")):
        if moment is not None:
            iso.dated(citation, moment, kind)
    iso.text(iso.under(citation, "identifier", "MD_Identifier"), "code", identifier_of(layer))
    iso.responsible(citation, "citedResponsibleParty", "owner", layer.steward_office, layer.contact_email)
    iso.code(citation, "presentationForm", "CI_PresentationFormCode",
          "mapDigital" if layer.kind == "vector" else "imageDigital")  # fmt: skip
    iso.text(found, "abstract", layer.abstract_it)
    iso.responsible(found, "pointOfContact", "pointOfContact", layer.steward_office, layer.contact_email)
    kept = iso.under(found, "resourceMaintenance", "MD_MaintenanceInformation")
    iso.code(
        kept, "maintenanceAndUpdateFrequency", "MD_MaintenanceFrequencyCode", ISO_FREQUENCIES[layer.update_frequency]
    )
    _keywords(found, layer)
    _constraints(found, layer)
    iso.code(found, "spatialRepresentationType", "MD_SpatialRepresentationTypeCode", _representation(layer))
    _resolution(found, layer)
    iso.code(found, "language", "LanguageCode", "ita", iso.LANGUAGES)
    iso.code(found, "characterSet", "MD_CharacterSetCode", "utf8")
    topic = iso.under(found, "topicCategory")
    if layer.described.topic_category:
        Xml.SubElement(topic, f"{{{iso.GMD}}}MD_TopicCategoryCode").text = layer.described.topic_category
    else:
        topic.set(f"{{{iso.GCO}}}nilReason", "missing")
    iso.extent(found, layer.bbox)


def _keywords(found: Xml.Element, layer: LayerEntry) -> None:
    theme = layer.described.inspire_theme
    if theme:
        held = iso.under(found, "descriptiveKeywords", "MD_Keywords")
        iso.anchor(held, "keyword", INSPIRE[theme][0], inspire_address(theme))
        iso.code(held, "type", "MD_KeywordTypeCode", "theme")
        thesaurus = iso.under(held, "thesaurusName", "CI_Citation")
        iso.text(thesaurus, "title", "GEMET - INSPIRE themes, version 1.0")
        iso.dated(thesaurus, datetime(2008, 6, 1, tzinfo=UTC), "publication")
    held = iso.under(found, "descriptiveKeywords", "MD_Keywords")
    for word in layer.keywords or ("",):
        iso.text(held, "keyword", word)


def _constraints(found: Xml.Element, layer: LayerEntry) -> None:
    iso.text(iso.under(found, "resourceConstraints", "MD_Constraints"), "useLimitation",
          layer.described.use_limitation or "Nessun limite d'uso noto")  # fmt: skip
    access = iso.under(found, "resourceConstraints", "MD_LegalConstraints")
    iso.code(access, "accessConstraints", "MD_RestrictionCode", "otherRestrictions")
    is_open = layer.access == Access.PUBLIC and not layer.within
    iso.access_limits(access, is_open=is_open)
    use = iso.under(found, "resourceConstraints", "MD_LegalConstraints")
    iso.code(use, "useConstraints", "MD_RestrictionCode", "otherRestrictions")
    name, address = LICENCES.get(layer.licence, (layer.licence, ""))
    text = f"{name}. Attribuzione: {layer.attribution}" if layer.attribution else name
    if address:
        iso.anchor(use, "otherConstraints", text, address)
    else:
        iso.text(use, "otherConstraints", text)


def _resolution(found: Xml.Element, layer: LayerEntry) -> None:
    said, cell = layer.described, (layer.raster_info.get("resolution") or [None])[0]
    if said.scale_denominator:
        fraction = iso.under(
            found, "spatialResolution", "MD_Resolution", "equivalentScale", "MD_RepresentativeFraction"
        )
        Xml.SubElement(iso.under(fraction, "denominator"), f"{{{iso.GCO}}}Integer").text = str(said.scale_denominator)
    elif cell:
        distance = Xml.SubElement(
            iso.under(found, "spatialResolution", "MD_Resolution", "distance"), f"{{{iso.GCO}}}Distance"
        )
        distance.set("uom", "m")
        distance.text = f"{float(cell):g}"


def _grid(root: Xml.Element, layer: LayerEntry) -> None:
    grid = iso.under(root, "spatialRepresentationInfo", "MD_GridSpatialRepresentation")
    Xml.SubElement(iso.under(grid, "numberOfDimensions"), f"{{{iso.GCO}}}Integer").text = "2"
    resolution = layer.raster_info.get("resolution") or [None, None]
    for name, size, cell in (("row", "height", resolution[1]), ("column", "width", resolution[0])):
        axis = iso.under(grid, "axisDimensionProperties", "MD_Dimension")
        iso.code(axis, "dimensionName", "MD_DimensionNameTypeCode", name)
        Xml.SubElement(iso.under(axis, "dimensionSize"), f"{{{iso.GCO}}}Integer").text = str(
            layer.raster_info.get(size, 0)
        )
        if cell:
            measure = Xml.SubElement(iso.under(axis, "resolution"), f"{{{iso.GCO}}}Length", uom="m")
            measure.text = f"{float(cell):g}"
    iso.code(grid, "cellGeometry", "MD_CellGeometryCode", "area")
    Xml.SubElement(iso.under(grid, "transformationParameterAvailability"), f"{{{iso.GCO}}}Boolean").text = "true"


def _distribution(root: Xml.Element, layer: LayerEntry, base: str, formats: tuple[str, ...]) -> None:
    found = iso.under(root, "distributionInfo", "MD_Distribution")
    for name in formats:
        made = iso.under(found, "distributionFormat", "MD_Format")
        iso.text(made, "name", name)
        version = iso.under(made, "version")
        version.set(f"{{{iso.GCO}}}nilReason", "unknown")
    iso.responsible(
        iso.under(found, "distributor", "MD_Distributor"),
        "distributorContact",
        "distributor",
        layer.steward_office,
        layer.contact_email,
    )
    options = iso.under(found, "transferOptions", "MD_DigitalTransferOptions")
    here = f"{base}/ogc/collections/{layer.slug}"
    addresses = [
        (f"{base}/livelli/{layer.slug}/", "WWW:LINK-1.0-http--link", "information"),
        (here, INTERFACES.get(layer.kind, "OGC API - Maps"), "download"),
        *((one.entry(base), one.protocol, "information") for one in SERVICES if one.serves(layer)),
    ]
    for address, protocol, function in addresses:
        resource = iso.under(options, "onLine", "CI_OnlineResource")
        iso.link(resource, address)
        iso.text(resource, "protocol", protocol)
        iso.text(resource, "name", layer.title_it)
        iso.code(resource, "function", "CI_OnLineFunctionCode", function)


def _quality(root: Xml.Element, layer: LayerEntry) -> None:
    found = iso.under(root, "dataQualityInfo", "DQ_DataQuality")
    scope = iso.under(found, "scope", "DQ_Scope")
    iso.code(scope, "level", "MD_ScopeCode", "dataset")
    if layer.described.accuracy_m is not None:
        report = iso.under(found, "report", "DQ_AbsoluteExternalPositionalAccuracy", "result", "DQ_QuantitativeResult")
        unit = iso.under(report, "valueUnit")
        unit.set(f"{{{iso.XLINK}}}href", "http://www.opengis.net/def/uom/OGC/1.0/metre")
        value = Xml.SubElement(iso.under(report, "value"), f"{{{iso.GCO}}}Record")
        value.text = f"{layer.described.accuracy_m:g}"
    iso.not_evaluated(found, INSPIRE_RULES, datetime(2010, 12, 8, tzinfo=UTC))
    iso.text(iso.under(found, "lineage", "LI_Lineage"), "statement", layer.lineage)


def _representation(layer: LayerEntry) -> str:
    if layer.kind != "vector":
        return "grid"
    return "vector" if layer.geometry_field else "textTable"
