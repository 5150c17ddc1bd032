"""A feature type of a WFS, as GeoJSON when the server offers it, else as GML; every page of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from layers.importing.crs import Bounds
from layers.search.coordinates import epsg_is_geographic
from layers.sources.errors import SourceFailed
from layers.sources.fetch import fetch, fetched
from layers.sources.remote_features import page_of, with_identifier

if TYPE_CHECKING:
    from layers.sources.harvest import Asked

_JSON = ("application/geo+json", "application/json", "geojson", "json", "application/json; subtype=geojson")
_CRS84 = "urn:ogc:def:crs:OGC:1.3:CRS84"
_KEYWORDS = {"service", "request", "version", "typename", "typenames", "outputformat", "startindex", "count", "srsname"}
_EPSG = re.compile(r"EPSG(?::[0-9.]*:|:|/0/)(\d{4,6})$", re.IGNORECASE)
_COUNTS = re.compile(
    rb'numberMatched="(\d+)"[^>]*numberReturned="(\d+)"|numberReturned="(\d+)"[^>]*numberMatched="(\d+)"'
)


@dataclass(frozen=True, slots=True)
class FeatureType:
    """What the capabilities say of the feature type that is wanted."""

    name: str
    version: str
    srs: str
    json_format: str
    """The server's word for GeoJSON; empty when it has none."""

    extent: Bounds | None = None
    """West, south, east, north in degrees, where it says them."""

    @property
    def srid(self) -> int | None:
        found = _EPSG.search(self.srs)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class FetchedType:
    """The file, its EPSG code where the file does not say it, and what the capabilities say."""

    path: Path
    srid: int | None
    wanted: FeatureType


def fetch_feature_type(asked: Asked) -> FetchedType:
    """Every feature. Raises SourceFailed."""
    wanted = _described(asked)
    if wanted.json_format:
        path, srid = _as_json(asked, wanted)
        return FetchedType(path, srid, wanted)
    return FetchedType(_as_gml(asked, wanted), None, wanted)


def wfs_url(address: str, **keywords: str | int) -> str:
    """A request by keywords, with what else the address holds (MapServer's `map=`) kept."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in _KEYWORDS]
    query = urlencode([*kept, ("SERVICE", "WFS"), *((name, str(value)) for name, value in keywords.items())])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _described(asked: Asked) -> FeatureType:
    url = wfs_url(asked.source.address, REQUEST="GetCapabilities", VERSION="2.0.0")
    _answer, body = fetched(url, asked.budget, credentials=asked.credentials)
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise SourceFailed(_("Le capacità del WFS non sono XML leggibile: %(error)s") % {"error": error}) from error
    name = asked.source.remote_name
    found = {_child(one, "Name"): one for one in root.iter() if _local(one) == "FeatureType"}
    key = next((key for key in found if key == name or key.rpartition(":")[2] == name), None)
    if key is None:
        names = ", ".join(sorted(found))[:300] or "–"
        raise SourceFailed(_("Il WFS non ha «%(name)s»; ha %(names)s.") % {"name": name, "names": names})
    formats = [(one.text or "").strip() for one in root.iter() if _local(one) in {"Value", "Format"}]
    json_format = next((held for word in _JSON for held in formats if held.lower() == word), "")
    version = root.get("version", "2.0.0")
    srs = _child(found[key], "DefaultCRS") or _child(found[key], "DefaultSRS")
    return FeatureType(key, version, srs, json_format, _extent(found[key]))


def _extent(described: Element) -> Bounds | None:
    """WGS84BoundingBox of 1.1 and 2.0, LatLongBoundingBox of 1.0."""
    try:
        for one in described:
            if _local(one) == "WGS84BoundingBox":
                west, south = map(float, _child(one, "LowerCorner").split())
                east, north = map(float, _child(one, "UpperCorner").split())
                return west, south, east, north
            if _local(one) == "LatLongBoundingBox":
                west, south, east, north = (float(one.get(name, "")) for name in ("minx", "miny", "maxx", "maxy"))
                return west, south, east, north
    except ValueError:
        return None
    return None


def _request(asked: Asked, wanted: FeatureType, **more: str | int) -> str:
    types = "TYPENAMES" if wanted.version.startswith("2") else "TYPENAME"
    return wfs_url(
        asked.source.address, REQUEST="GetFeature", VERSION=wanted.version, **{types: wanted.name}, **more
    )  # fmt: skip


def _as_json(asked: Asked, wanted: FeatureType) -> tuple[Path, int | None]:
    """GeoJSON in longitude and latitude, which has one axis order (RFC 7946), or in the server's own metres."""
    path = asked.folder / "harvest.geojson"
    written, mark, crs = 0, "", None
    srs, first = _first_page(asked, wanted)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        while True:
            page = first if not written else page_of(asked, _json_request(asked, wanted, srs, written))
            crs = crs or page.get("crs")
            for feature in page["features"]:
                with_identifier(feature, asked.source)
                file.write(mark + json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
                mark = ",\n"
            written += len(page["features"])
            if not page["features"] or not _has_more(page, written):
                break
        file.write(f'],"crs":{json.dumps(crs)}}}\n' if crs else "]}\n")
    return path, None if srs == _CRS84 else wanted.srid


def _has_more(page: dict[str, Any], written: int) -> bool:
    """Whether other pages follow: by the count, and where that is "unknown" by a link to the next one."""
    matched = page.get("numberMatched", page.get("totalFeatures"))
    if isinstance(matched, int):
        return written < matched
    links = page.get("links")
    return (
        any(isinstance(one, dict) and one.get("rel") == "next" for one in links) if isinstance(links, list) else False
    )


def _first_page(asked: Asked, wanted: FeatureType) -> tuple[str, dict[str, Any]]:
    """The first page and the CRS it is in: some servers know none but those they list."""
    try:
        return _CRS84, page_of(asked, _json_request(asked, wanted, _CRS84, 0))
    except SourceFailed:
        if not wanted.srid or epsg_is_geographic(wanted.srid):
            raise
    return wanted.srs, page_of(asked, _json_request(asked, wanted, wanted.srs, 0))


def _json_request(asked: Asked, wanted: FeatureType, srs: str, start: int) -> str:
    more = {"STARTINDEX": start} if start else {}
    return _request(asked, wanted, OUTPUTFORMAT=wanted.json_format, SRSNAME=srs, **more)


def _as_gml(asked: Asked, wanted: FeatureType) -> Path:
    path = asked.folder / "harvest.gml"
    with path.open("wb") as file:
        fetch(_request(asked, wanted), asked.budget, file.write, credentials=asked.credentials)
    with path.open("rb") as stream:
        head = stream.read(20_000)
    if b"ExceptionReport" in head:
        raise SourceFailed(_("Il WFS risponde con un errore: %(text)s") % {"text": _exception(head)})
    counts = _COUNTS.search(head)
    if counts:
        matched, returned = (int(one) for one in (counts[1] or counts[4], counts[2] or counts[3]))
        if returned < matched:
            raise SourceFailed(
                _("Il WFS dà %(returned)d elementi su %(matched)d e non ha GeoJSON con cui chiedere gli altri.")
                % {"returned": returned, "matched": matched}
            )
    return path


def _exception(head: bytes) -> str:
    text = re.sub(rb"<[^>]*>", b" ", head).decode("utf-8", "replace")
    return " ".join(text.split())[:200]


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _child(element: Element, name: str) -> str:
    return next(((one.text or "").strip() for one in element if _local(one) == name), "")
