"""What a WFS request asks, by address (KVP) or in XML. XML is read without entities, within a size and a depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.http import HttpRequest

from ogc.body import body_of
from ogc.errors import InvalidParameter, OgcError

XML_MAX = 64 * 1024
DEPTH_MAX = 30


@dataclass(slots=True)
class WfsRequest:
    """One request: parameters in lower case, and the filter when there is one."""

    values: dict[str, str] = field(default_factory=dict)
    filter: Element | None = None

    def get(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)


def read_request(request: HttpRequest) -> WfsRequest:
    """The request. Raises OgcError."""
    if request.method == "POST":
        return _from_xml(read_xml(body_of(request, XML_MAX, "XML of a request")))
    made = WfsRequest({name.lower(): str(value).strip() for name, value in request.GET.items()})
    for name, value in made.values.items():
        if "\x00" in value:
            raise InvalidParameter(f"{name[:40]!r} holds a NUL character.")
    if made.get("filter"):
        made.filter = read_xml(made.get("filter").encode())
    return made


def read_xml(body: bytes) -> Element:
    """The root of a document. Raises InvalidParameter for what is not XML, has a DOCTYPE, or is too large or deep."""
    if len(body) > XML_MAX:
        raise OgcError(413, "ContentTooLarge", f"XML of a request has {XML_MAX} bytes at most.")
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise InvalidParameter(f"The XML cannot be read: {str(error)[:200]}") from error
    except DefusedXmlException as error:
        raise InvalidParameter("XML with a DOCTYPE or entities is not read.") from error
    for depth, _element in _walk(root):
        if depth > DEPTH_MAX:
            raise InvalidParameter(f"The XML is nested deeper than {DEPTH_MAX} elements.")
    return root


def _walk(root: Element) -> Iterator[tuple[int, Element]]:
    waiting = [(1, root)]
    while waiting:
        depth, element = waiting.pop()
        yield depth, element
        waiting += [(depth + 1, child) for child in element]


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rsplit("}", 1)[-1]


_ATTRIBUTES = ("service", "version", "outputFormat", "count", "startIndex", "resultType")


def _from_xml(root: Element) -> WfsRequest:
    made = WfsRequest({name.lower(): root.attrib[name] for name in _ATTRIBUTES if name in root.attrib})
    made.values["request"] = local(root)
    found: list[Any] = [child for child in root if local(child) in {"Query", "StoredQuery"}]
    if len(found) > 1:
        raise InvalidParameter("A request has one Query; ask again for the next.")
    if local(root) == "DescribeFeatureType":
        made.values["typenames"] = ",".join(child.text or "" for child in root if local(child) == "TypeName")
    for query in found:
        if local(query) == "StoredQuery":
            made.values["storedquery_id"] = query.attrib.get("id", "")
            made.values |= {one.attrib.get("name", "").lower(): (one.text or "").strip() for one in query}
            continue
        made.values["typenames"] = query.attrib.get("typeNames", "")
        if "srsName" in query.attrib:
            made.values["srsname"] = query.attrib["srsName"]
        names = [(one.text or "").strip() for one in query if local(one) == "PropertyName"]
        if names:
            made.values["propertyname"] = ",".join(names)
        made.filter = next((one for one in query if local(one) == "Filter"), None)
    return made
