"""Elements of ISO 19139 XML, made as a tree so that no text can become markup; and who answers for what it tells."""

from __future__ import annotations

from datetime import datetime
from xml.etree import ElementTree as Xml

from django.conf import settings

GMD, GCO, GMX, SRV = (
    "http://www.isotc211.org/2005/gmd",
    "http://www.isotc211.org/2005/gco",
    "http://www.isotc211.org/2005/gmx",
    "http://www.isotc211.org/2005/srv",
)
XLINK, XSI, GML = (
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.opengis.net/gml",
)
CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
LANGUAGES = "http://www.loc.gov/standards/iso639-2/"
LIMITS = "http://inspire.ec.europa.eu/metadata-codelist/LimitationsOnPublicAccess"

for _prefix, _uri in (
    ("gmd", GMD),
    ("gco", GCO),
    ("gmx", GMX),
    ("srv", SRV),
    ("xlink", XLINK),
    ("xsi", XSI),
    ("gml", GML),
):
    Xml.register_namespace(_prefix, _uri)


def record(identifier: str, level: str) -> Xml.Element:
    """A new record: its identifier, language and what it is of ("dataset" or "service")."""
    root = Xml.Element(f"{{{GMD}}}MD_Metadata")
    root.set(f"{{{XSI}}}schemaLocation", f"{GMD} http://schemas.opengis.net/iso/19139/20060504/gmd/gmd.xsd")
    text(root, "fileIdentifier", identifier)
    code(root, "language", "LanguageCode", "ita", LANGUAGES)
    code(root, "characterSet", "MD_CharacterSetCode", "utf8")
    code(root, "hierarchyLevel", "MD_ScopeCode", level)
    return root


def standard(root: Xml.Element) -> None:
    """The profile that the record follows."""
    text(root, "metadataStandardName", "Linee Guida RNDT")
    text(root, "metadataStandardVersion", "2.0")


def document(root: Xml.Element) -> bytes:
    """The tree as a file."""
    Xml.indent(root)
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def responsible(parent: Xml.Element, name: str, role: str, office: str = "", email: str = "") -> None:
    """The body, or an office of it, in a role; its own address where the office has none."""
    body = settings.BODY
    party = under(parent, name, "CI_ResponsibleParty")
    whole = f"{body['name']} - {office}" if office and office != body["name"] else body["name"]
    text(party, "organisationName", whole)
    contact = under(party, "contactInfo", "CI_Contact")
    text(under(contact, "address", "CI_Address"), "electronicMailAddress", email or body["email"])
    if body["url"]:
        link(under(contact, "onlineResource", "CI_OnlineResource"), body["url"])
    code(party, "role", "CI_RoleCode", role)


def extent(parent: Xml.Element, bbox: tuple[float, float, float, float] | None, space: str = GMD) -> None:
    """West, south, east, north in degrees; an empty extent where they are not known."""
    found = Xml.SubElement(Xml.SubElement(parent, f"{{{space}}}extent"), f"{{{GMD}}}EX_Extent")
    if bbox is None:
        return
    box = under(found, "geographicElement", "EX_GeographicBoundingBox")
    west, south, east, north = bbox
    for name, value in (("westBoundLongitude", west), ("eastBoundLongitude", east), ("southBoundLatitude", south),
                        ("northBoundLatitude", north)):  # fmt: skip
        Xml.SubElement(under(box, name), f"{{{GCO}}}Decimal").text = f"{value:.6f}"


def access_limits(parent: Xml.Element, *, is_open: bool) -> None:
    """Whether anybody may have it, in the words of INSPIRE's code list."""
    said = "Nessuna limitazione" if is_open else "Accesso riservato a chi ne ha titolo presso l'ente"
    article = "noLimitations" if is_open else "INSPIRE_Directive_Article13_1a"
    anchor(parent, "otherConstraints", said, f"{LIMITS}/{article}")


def link(parent: Xml.Element, address: str) -> None:
    """The address of an online resource."""
    Xml.SubElement(under(parent, "linkage"), f"{{{GMD}}}URL").text = address


def not_evaluated(quality: Xml.Element, rules: str, published: datetime) -> None:
    """Conformity to rules that nobody has measured: the profile has a state for that."""
    held = under(quality, "report", "DQ_DomainConsistency", "result", "DQ_ConformanceResult")
    citation = under(held, "specification", "CI_Citation")
    text(citation, "title", rules)
    dated(citation, published, "publication")
    text(held, "explanation", "Conformità non valutata")
    under(held, "pass").set(f"{{{GCO}}}nilReason", "unknown")


def under(parent: Xml.Element, *names: str) -> Xml.Element:
    """The last of a chain of new elements below another."""
    for name in names:
        parent = Xml.SubElement(parent, f"{{{GMD}}}{name}")
    return parent


def text(parent: Xml.Element, name: str, said: str) -> None:
    """An element of text; what is empty is said to be missing."""
    made = under(parent, name)
    if said:
        Xml.SubElement(made, f"{{{GCO}}}CharacterString").text = plain(said)
    else:
        made.set(f"{{{GCO}}}nilReason", "missing")


def anchor(parent: Xml.Element, name: str, said: str, address: str) -> None:
    """A text that names an address."""
    made = Xml.SubElement(under(parent, name), f"{{{GMX}}}Anchor")
    made.set(f"{{{XLINK}}}href", address)
    made.text = plain(said)


def code(parent: Xml.Element, name: str, listed: str, value: str, codes: str = "") -> None:
    """A value of a code list."""
    made = Xml.SubElement(under(parent, name), f"{{{GMD}}}{listed}")
    made.set("codeList", codes or f"{CODES}#{listed}")
    made.set("codeListValue", value)
    made.text = value


def date(parent: Xml.Element, name: str, moment: datetime | None) -> None:
    """A day; None is said to be missing."""
    made = under(parent, name)
    if moment is None:
        made.set(f"{{{GCO}}}nilReason", "missing")
    else:
        Xml.SubElement(made, f"{{{GCO}}}Date").text = f"{moment:%Y-%m-%d}"


def dated(citation: Xml.Element, moment: datetime, kind: str) -> None:
    """A day of a citation and what happened on it."""
    made = under(citation, "date", "CI_Date")
    date(made, "date", moment)
    code(made, "dateType", "CI_DateTypeCode", kind)


def plain(text: str) -> str:
    """Without the control characters that XML has no way to write."""
    return "".join(char for char in text if char in "\t\n\r" or char >= " ")
