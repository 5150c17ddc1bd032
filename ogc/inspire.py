"""What INSPIRE adds to the capabilities of the older services: where their metadata are, and their languages.

Only documents that are asked for with INSPIRE's own parameter, LANGUAGE, carry it: the elements belong to schemas that
are not OGC's, and a client that holds capabilities against OGC's schemas alone would refuse them.
Source: INSPIRE Technical Guidance for View Services 3.11, for Download Services 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from xml.etree import ElementTree as Xml

from django.conf import settings
from django.utils import translation

from layers.catalogue import LayerEntry
from layers.metadata.services import BY_NAME

COMMON = "http://inspire.ec.europa.eu/schemas/common/1.0"
VIEW = "http://inspire.ec.europa.eu/schemas/inspire_vs/1.0"
VIEW_TILES = "http://inspire.ec.europa.eu/schemas/inspire_vs_ows11/1.0"
DOWNLOAD = "http://inspire.ec.europa.eu/schemas/inspire_dls/1.0"
_SCHEMAS = {VIEW: "inspire_vs", VIEW_TILES: "inspire_vs_ows_11", DOWNLOAD: "inspire_dls"}
_PREFIXES = {COMMON: "inspire_common", VIEW: "inspire_vs", VIEW_TILES: "inspire_vs_ows11", DOWNLOAD: "inspire_dls"}
LANGUAGES = {"ita": "it", "eng": "en"}
"""Codes of ISO 639-2/B, the default first."""
RECORD = "application/vnd.iso.19139+xml"

for _uri, _prefix in _PREFIXES.items():
    Xml.register_namespace(_prefix, _uri)


@contextmanager
def spoken(asked: str) -> Iterator[None]:
    """Answer in the language of LANGUAGE; one that is not spoken gets the default, as the regulation says."""
    if not asked:
        yield
        return
    with translation.override(LANGUAGES.get(asked.lower(), "it")):
        yield


def schema_location(space: str) -> str:
    """Namespace and address of its schema, for xsi:schemaLocation."""
    name = _SCHEMAS[space]
    return f"{space} http://inspire.ec.europa.eu/schemas/{name}/1.0/{name}.xsd"


def extended(space: str, service: str, site: str, language: str, layers: Iterable[LayerEntry] = ()) -> Xml.Element:
    """The extended capabilities of a service; those of a download service name its data sets."""
    root = Xml.Element(f"{{{space}}}ExtendedCapabilities")
    place = _common(root, "MetadataUrl")
    _common(place, "URL", BY_NAME[service].record(site))
    _common(place, "MediaType", RECORD)
    languages = _common(root, "SupportedLanguages")
    default, *others = LANGUAGES
    _common(_common(languages, "DefaultLanguage"), "Language", default)
    for other in others:
        _common(_common(languages, "SupportedLanguage"), "Language", other)
    code = next(code for code, held in LANGUAGES.items() if held == language)
    _common(_common(root, "ResponseLanguage"), "Language", code)
    for layer in layers:
        one = Xml.SubElement(root, f"{{{space}}}SpatialDataSetIdentifier", metadataURL=record_of(layer, site))
        _common(one, "Code", layer.slug)
        _common(one, "Namespace", settings.BODY["ipa"])
    return root


def record_of(layer: LayerEntry, site: str) -> str:
    """The address of a layer's record in ISO 19139."""
    return f"{site}/livelli/{layer.slug}/metadati.xml"


def _common(parent: Xml.Element, name: str, text: str = "") -> Xml.Element:
    made = Xml.SubElement(parent, f"{{{COMMON}}}{name}")
    if text:
        made.text = text
    return made
