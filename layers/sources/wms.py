"""What a WMS offers of one layer (1.1.1 and 1.3.0), and the address of a picture of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from xml.etree.ElementTree import Element

import msgspec
from django.utils.translation import gettext as _

from layers.crs import SERVED_SRIDS, Crs
from layers.drawing.view import Bounds, View
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.info_formats import WANTED
from layers.sources.xml_names import child, local, read_xml, text_of

_KEYWORDS = {"service", "request", "version", "layers", "styles", "crs", "srs", "bbox", "width", "height", "format",
             "transparent", "exceptions", "query_layers", "info_format", "feature_count", "i", "j", "x",
             "y"}  # fmt: skip
_CODE = re.compile(r"^EPSG:(\d{4,6})$", re.IGNORECASE)


class WmsOffer(msgspec.Struct, frozen=True):
    """What is needed to ask for a picture."""

    version: str
    layer: str
    style: str
    format: str
    srids: tuple[int, ...]
    bbox: tuple[float, float, float, float] | None
    """west, south, east, north in degrees."""
    info: str = ""
    """The format in which it tells of a point; empty: it does not, or in none that we read."""


def wms_url(address: str, **keywords: str | int) -> str:
    """A request by keywords, with what else the address holds (MapServer's `map=`) kept."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name.lower() not in _KEYWORDS]
    query = urlencode([*kept, ("SERVICE", "WMS"), *((name, str(value)) for name, value in keywords.items())])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def wms_map_url(address: str, offer: WmsOffer, crs: Crs, box: Bounds, width: int, height: int) -> str:
    """GetMap of a box, easting first."""
    shown = _shown(offer, View(crs, box, width, height))
    return wms_url(address, REQUEST="GetMap", FORMAT=offer.format, TRANSPARENT="TRUE", **shown)


def wms_info_url(address: str, offer: WmsOffer, view: View, pixel: tuple[int, int], limit: int) -> str:
    """GetFeatureInfo of a pixel (column, row)."""
    across, down = ("I", "J") if offer.version >= "1.3" else ("X", "Y")
    return wms_url(
        address, REQUEST="GetFeatureInfo", QUERY_LAYERS=offer.layer, INFO_FORMAT=offer.info, FEATURE_COUNT=limit,
        FORMAT=offer.format, **{across: pixel[0], down: pixel[1]}, **_shown(offer, view),
    )  # fmt: skip


def _shown(offer: WmsOffer, view: View) -> dict[str, str | int]:
    """The keywords of a picture; version 1.3.0 wants the box in the order of the CRS (WMS 1.3.0, 6.7.4)."""
    is_13, box = offer.version >= "1.3", view.box
    if is_13 and view.crs.north_first:
        box = box[1], box[0], box[3], box[2]
    return {
        "VERSION": offer.version, "LAYERS": offer.layer, "STYLES": offer.style,
        "CRS" if is_13 else "SRS": f"EPSG:{view.crs.srid}", "BBOX": ",".join(repr(float(number)) for number in box),
        "WIDTH": view.width, "HEIGHT": view.height,
    }  # fmt: skip


def read_wms(body: bytes, name: str, options: Mapping[str, Any]) -> WmsOffer:
    """The offer of a layer by its capabilities. Raises SourceFailed, and SourceRefused when the layer is not there."""
    root = read_xml(body, "WMS")
    version = root.get("version", "1.3.0")
    top = child(root, "Capability", "Layer")
    if top is None:
        raise SourceFailed(_("Il WMS non elenca livelli: risponde %(name)s.") % {"name": local(root)})
    chains = {text_of(chain[-1], "Name"): chain for chain in _chains(top, ())}
    chain = chains.get(name)
    if chain is None:
        names = ", ".join(sorted(one for one in chains if one))[:300] or "–"
        raise SourceRefused(_("Il WMS non ha il livello «%(name)s»; ha %(names)s.") % {"name": name, "names": names})
    formats = _formats(root, "GetMap")
    wanted = ("image/png", "image/png; mode=8bit", "image/webp", "image/jpeg")
    format_ = next((one for one in wanted if one in formats), "")
    if not format_:
        raise SourceRefused(_("Il WMS non dà PNG, WebP o JPEG: %(formats)s.") % {"formats": ", ".join(formats)[:200]})
    codes = {
        code for level in chain for one in level if local(one) in {"CRS", "SRS"} for code in (one.text or "").split()
    }
    served = [int(match[1]) for code in codes if (match := _CODE.match(code)) and int(match[1]) in SERVED_SRIDS]
    if not served:
        raise SourceRefused(_("Il WMS non ha un sistema di riferimento che conosciamo: %(codes)s.")
                            % {"codes": ", ".join(sorted(codes))[:200]})  # fmt: skip
    srids = tuple(sorted(served, key=lambda srid: (srid != 3857, srid)))
    style = str(options.get("style", ""))
    return WmsOffer(version, name, style, format_, srids, _box_of(chain), _info_format(root, chain))


def _formats(root: Element, operation: str) -> list[str]:
    found = child(root, "Capability", "Request", operation)
    return [(one.text or "").strip() for one in (found if found is not None else ()) if local(one) == "Format"]


def _info_format(root: Element, chain: tuple[Element, ...]) -> str:
    """The best format of GetFeatureInfo, spelt as the server does; a layer says itself whether it can be asked."""
    said = next((one.get("queryable") for one in reversed(chain) if one.get("queryable")), "0")
    if said not in {"1", "true"}:
        return ""
    offered = {one.replace(" ", "").lower(): one for one in _formats(root, "GetFeatureInfo")}
    return next((offered[wanted] for wanted in WANTED if wanted in offered), "")


def _chains(layer: Element, above: tuple[Element, ...]) -> Iterator[tuple[Element, ...]]:
    """Every layer with those it inherits from."""
    chain = (*above, layer)
    yield chain
    for one in layer:
        if local(one) == "Layer":
            yield from _chains(one, chain)


def _box_of(chain: tuple[Element, ...]) -> tuple[float, float, float, float] | None:
    for level in reversed(chain):
        box = child(level, "EX_GeographicBoundingBox")
        try:
            if box is not None:
                names = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
                west, south, east, north = (float(text_of(box, name)) for name in names)
                return west, south, east, north
            old = child(level, "LatLonBoundingBox")
            if old is not None:
                return (float(old.get("minx", "")), float(old.get("miny", "")),
                        float(old.get("maxx", "")), float(old.get("maxy", "")))  # fmt: skip
        except ValueError:
            continue
    return None
