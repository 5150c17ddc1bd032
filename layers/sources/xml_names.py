"""XML of other servers: read without entities, its elements found by their names without namespace."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from layers.sources.errors import SourceFailed


def read_xml(body: bytes, what: str) -> Element:
    """A document without entities and DTD. Raises SourceFailed."""
    try:
        # WMS 1.1.1 names a DTD; it is not read, and entities are refused.
        return fromstring(body, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        text = body[:200].decode("utf-8", "replace")
        raise SourceFailed(
            _("%(what)s: non è XML leggibile (%(error)s): %(text)s") % {"what": what, "error": error, "text": text}
        ) from error


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element | None, *names: str) -> Element | None:
    """The first descendant along a path of local names."""
    for name in names:
        element = next((one for one in element if local(one) == name), None) if element is not None else None
    return element


def text_of(element: Element | None, *names: str) -> str:
    """The text of what `child` finds; empty when there is none."""
    found = child(element, *names)
    return (found.text or "").strip() if found is not None else ""
