"""Answers to GetFeatureInfo read as facts: GeoJSON, what servers call XML or GML, lines of text, HTML.

Nothing of another server is passed on as it came: names and values are taken out of it as plain text, so that no
markup, script or address of it can act on our pages. Geometries are left out: few servers say in which CRS they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree.ElementTree import Element

from django.utils.translation import gettext as _

from layers.sources.errors import SourceErred, SourceFailed
from layers.sources.html_facts import html_facts
from layers.sources.xml_names import local, read_xml

Fact = str | int | float | bool | None
Row = tuple[str, dict[str, Fact]]
"""Identifier, empty where there is none, and facts."""

WANTED = (
    "application/geo+json", "application/vnd.geo+json", "application/json", "geojson", "application/vnd.ogc.gml",
    "application/vnd.ogc.gml/3.1.1", "application/gml+xml", "text/xml", "application/vnd.esri.wms_featureinfo_xml",
    "text/plain", "text/html",
)  # fmt: skip
"""Formats we read, the most telling first."""
MOST_FACTS, MOST_LINES = 100, 5000
LONGEST_NAME, LONGEST_VALUE = 100, 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAK = re.compile(r"feature\b|-{4}|\d+$", re.IGNORECASE)
_NOTHING = re.compile(r"no features? (?:were|was) found|search returned no results|\A\W*\Z", re.IGNORECASE)


def read_info(body: bytes, media: str) -> list[Row]:
    """Features at the point. Raises SourceErred for an exception report and for what is no answer to this."""
    text = body.lstrip()
    if media in {"text/plain", ""}:
        return _of_text(_decoded(body))
    if "html" in media:
        return [_bounded("", facts) for facts in html_facts(_decoded(body))]
    if "json" in media or text[:1] in {b"{", b"["}:
        return _of_json(body)
    if "xml" in media or "gml" in media or text[:1] == b"<":
        return _of_xml(body)
    raise SourceErred(_("Alla domanda su un punto risponde con %(media)s.") % {"media": media[:80]})


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _of_json(body: bytes) -> list[Row]:
    try:
        held = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceErred(_("La risposta su un punto non è JSON leggibile: %(error)s") % {"error": error}) from error
    features = held.get("features") if isinstance(held, dict) else None
    if not isinstance(features, list):
        raise SourceErred(_("La risposta JSON su un punto non ha «features»."))
    found = []
    for one in features:
        facts = one.get("properties") if isinstance(one, dict) else None
        if isinstance(facts, dict):
            name = one.get("id")
            found.append(_bounded(str(name) if isinstance(name, str | int) else "", facts))
    return found


def _of_xml(body: bytes) -> list[Row]:
    try:
        root = read_xml(body, "GetFeatureInfo")
    except SourceFailed as error:
        raise SourceErred(str(error)) from error
    if "exception" in local(root).lower():
        said = " ".join(" ".join(root.itertext()).split())
        raise SourceErred(_("Risponde con un errore: %(text)s") % {"text": said[-250:]})
    for read in _XML_FORMS:
        if found := list(read(root)):
            return found
    return []


def _of_attributes(root: Element) -> Iterator[Row]:
    """QGIS Server: Feature elements with Attribute elements (`name`, `value`), rasters without the Feature."""
    for holder in root.iter():
        facts = {one.get("name", ""): one.get("value") for one in holder if local(one) == "Attribute"}
        if facts:
            yield _bounded(holder.get("id", ""), facts)


def _of_fields(root: Element) -> Iterator[Row]:
    """ArcGIS Server: FIELDS with an attribute for each column, or FeatureInfo with Field elements."""
    for one in root.iter():
        if local(one) == "FIELDS":
            yield _bounded("", dict(one.attrib))
        pairs = [[(part.text or "") for part in field] for field in one if local(field) == "Field"]
        facts = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        if facts:
            yield _bounded("", facts)


def _of_members(root: Element) -> Iterator[Row]:
    """GML: what stands in feature members, and MapServer's `…_feature` elements; their simple properties."""
    for one in root.iter():
        name = local(one)
        members = one if name in {"featureMember", "featureMembers", "member"} else ()
        for member in (*members, *((one,) if name.endswith("_feature") else ())):
            facts = {local(part): part.text for part in member if not len(part) and local(part) != "boundedBy"}
            identifier = next((value for key, value in member.attrib.items() if key.rpartition("}")[2] == "id"), "")
            if facts:
                yield _bounded(identifier or member.get("fid", ""), facts)


_XML_FORMS: tuple[Callable[[Element], Iterator[Row]], ...] = (_of_attributes, _of_fields, _of_members)


def _of_text(text: str) -> list[Row]:
    """`name = value` lines, a new feature where a line says so; a text of another form is one fact."""
    found: list[dict[str, Any]] = [{}]
    for line in text.splitlines()[:MOST_LINES]:
        name, is_pair, value = line[: LONGEST_NAME + LONGEST_VALUE].partition("=")
        name = name.strip().strip("'")
        if is_pair and name:
            if name in found[-1]:
                found.append({})
            found[-1][name] = value.strip().strip("'")
        elif found[-1] and _BREAK.match(line.strip()):
            found.append({})
    rows = [_bounded("", facts) for facts in found if facts]
    if rows or _NOTHING.search(text):
        return rows
    return [_bounded("", {_("Risposta"): text.strip()})]


def _bounded(name: str, facts: dict[str, Any]) -> Row:
    kept: dict[str, Fact] = {}
    for key, value in facts.items():
        if len(kept) == MOST_FACTS:
            break
        shown = _plain(str(key), LONGEST_NAME)
        if shown:
            kept[shown] = _fact(value)
    return _plain(name, LONGEST_NAME), kept


def _fact(value: Any) -> Fact:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        # What JSON cannot write, and numbers longer than any that was measured.
        return value if abs(value) < 1e300 else None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _plain(text, LONGEST_VALUE)


def _plain(text: str, longest: int) -> str:
    return _CONTROL.sub("", text)[:longest].strip()
