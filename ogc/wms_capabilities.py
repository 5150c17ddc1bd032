"""The capabilities of the WMS, in versions 1.3.0 and 1.1.1: what one audience may ask for, as a tree of elements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as Xml

from django.conf import settings

from layers.catalogue import LayerEntry
from layers.crs import SERVED_SRIDS, crs84, epsg
from layers.drawing.view import MAX_SIDE_PX, Bounds, bounds_between
from layers.styles.offered import NamedStyle, offered
from layers.styles.sld import scale_at
from layers.versions.past import Times, times_of
from ogc.config import DESCRIPTION, LICENCES, TITLE
from ogc.door import Ask
from ogc.feature_info import can_be_queried
from ogc.inspire import VIEW, extended, record_of, schema_location
from ogc.pictures import MAX_LAYERS, can_be_drawn, in_axis_order
from ogc.wms import INFO_FORMATS, MAP_FORMATS, Version, crs_names

WMS, SLD = "http://www.opengis.net/wms", "http://www.opengis.net/sld"
XLINK, XSI = "http://www.w3.org/1999/xlink", "http://www.w3.org/2001/XMLSchema-instance"
DOCTYPE = (
    b'<!DOCTYPE WMT_MS_Capabilities SYSTEM "http://schemas.opengis.net/wms/1.1.1/WMS_MS_Capabilities.dtd" ['
    b"<!ELEMENT VendorSpecificCapabilities EMPTY>]>\n"
)
TIMES_MOST = 100
"""Moments of a layer that are named one by one."""
WORLD: Bounds = (9.85, 45.05, 10.2, 45.25)
"""The city and what lies round it, for layers whose extent is not known."""


class _Writer:
    def __init__(self, ask: Ask, version: Version) -> None:
        self.ask, self.version = ask, version

    def add(self, parent: Xml.Element, name: str, text: str = "", /, **attributes: str) -> Xml.Element:
        child = Xml.SubElement(parent, name, attributes)
        if text:
            child.text = text
        return child

    def link(self, parent: Xml.Element, address: str) -> None:
        resource = self.add(parent, "OnlineResource")
        resource.set(f"{{{XLINK}}}type", "simple")
        resource.set(f"{{{XLINK}}}href", address)

    @property
    def site(self) -> str:
        """The site's address, without a slash at its end."""
        return self.ask.base.removesuffix("/ogc")

    def text(self, italian: str, english: str) -> str:
        return (english if self.ask.language == "en" else "") or italian


def capabilities(ask: Ask, version: Version, *, for_inspire: bool = False) -> bytes:
    """The whole document; `for_inspire`: with the extension of INSPIRE, which version 1.3.0 has a place for."""
    for prefix, uri in (("xlink", XLINK), ("xsi", XSI), ("sld", SLD)):
        Xml.register_namespace(prefix, uri)
    writer = _Writer(ask, version)
    name = "WMS_Capabilities" if version.is_13 else "WMT_MS_Capabilities"
    sequence = str(ask.catalogue.version)
    root = Xml.Element(name, version=version.text, updateSequence=sequence)
    if version.is_13:
        places = ((WMS, "wms/1.3.0/capabilities_1_3_0.xsd"), (SLD, "sld/1.1.0/sld_capabilities.xsd"))
        located = [f"{uri} http://schemas.opengis.net/{path}" for uri, path in places]
        if for_inspire:
            located.append(schema_location(VIEW))
        # Written as an attribute: the tree's own default namespace would forbid plain attributes.
        root.set("xmlns", WMS)
        root.set(f"{{{XSI}}}schemaLocation", " ".join(located))
    _service(writer, root)
    _capability(writer, root, for_inspire=for_inspire and version.is_13)
    Xml.indent(root)
    body: bytes = Xml.tostring(root, encoding="utf-8")
    body = body if version.is_13 else DOCTYPE + body
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _service(writer: _Writer, root: Xml.Element) -> None:
    service = writer.add(root, "Service")
    writer.add(service, "Name", "WMS" if writer.version.is_13 else "OGC:WMS")
    writer.add(service, "Title", TITLE[writer.ask.language])
    writer.add(service, "Abstract", DESCRIPTION[writer.ask.language])
    words = writer.add(service, "KeywordList")
    for word in ("geoportale", "Cremona"):
        writer.add(words, "Keyword", word)
    writer.link(service, f"{writer.site}/")
    contact = writer.add(writer.add(service, "ContactInformation"), "ContactPersonPrimary")
    writer.add(contact, "ContactPerson", "Geoportale")
    writer.add(contact, "ContactOrganization", "Comune di Cremona")
    writer.add(service, "Fees", "none")
    writer.add(service, "AccessConstraints", LICENCES["CC-BY-4.0"])
    if writer.version.is_13:
        writer.add(service, "LayerLimit", str(MAX_LAYERS))
        writer.add(service, "MaxWidth", str(MAX_SIDE_PX))
        writer.add(service, "MaxHeight", str(MAX_SIDE_PX))


def _capability(writer: _Writer, root: Xml.Element, *, for_inspire: bool) -> None:
    is_13 = writer.version.is_13
    capability = writer.add(root, "Capability")
    request = writer.add(capability, "Request")
    document = "text/xml" if is_13 else "application/vnd.ogc.wms_xml"
    for name, formats in (("GetCapabilities", [document]), ("GetMap", MAP_FORMATS), ("GetFeatureInfo", INFO_FORMATS)):
        _operation(writer, writer.add(request, name), list(formats))
    legend = Xml.SubElement(request, f"{{{SLD}}}GetLegendGraphic") if is_13 else writer.add(request, "GetLegendGraphic")
    _operation(writer, legend, ["image/png", "image/jpeg", "image/webp"])
    writer.add(writer.add(capability, "Exception"), "Format", "XML" if is_13 else "application/vnd.ogc.se_xml")
    if for_inspire:
        capability.append(extended(VIEW, "wms", writer.site, writer.ask.language))
    _root_layer(writer, capability)


def _operation(writer: _Writer, operation: Xml.Element, formats: list[str]) -> None:
    for form in formats:
        writer.add(operation, "Format", form)
    get = writer.add(writer.add(writer.add(operation, "DCPType"), "HTTP"), "Get")
    writer.link(get, f"{writer.ask.base}/wms?")


def _root_layer(writer: _Writer, capability: Xml.Element) -> None:
    layers = [layer for layer in writer.ask.catalogue.visible(writer.ask.audience) if can_be_drawn(layer)]
    root = writer.add(capability, "Layer")
    writer.add(root, "Title", TITLE[writer.ask.language])
    for name in crs_names(writer.version):
        writer.add(root, writer.version.crs, name)
    boxes = [layer.bbox for layer in layers if layer.bbox]
    whole = WORLD
    if boxes:
        whole = min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
    _boxes(writer, root, whole)
    body = settings.BODY
    if body["ipa"] and body["url"]:
        writer.link(writer.add(root, "AuthorityURL", name=body["ipa"]), body["url"])
    times = times_of(layers, TIMES_MOST)
    for layer in layers:
        _layer(writer, root, layer, times.get(layer.id))


def _layer(writer: _Writer, parent: Xml.Element, layer: LayerEntry, times: Times | None) -> None:
    is_13 = writer.version.is_13
    found = writer.add(parent, "Layer", queryable="1" if can_be_queried(layer) else "0", opaque="0")
    writer.add(found, "Name", layer.slug)
    writer.add(found, "Title", writer.text(layer.title_it, layer.title_en))
    writer.add(found, "Abstract", writer.text(layer.abstract_it, layer.abstract_en) or layer.title_it)
    if layer.keywords:
        words = writer.add(found, "KeywordList")
        for word in layer.keywords:
            writer.add(words, "Keyword", word)
    for name in crs_names(writer.version):
        writer.add(found, writer.version.crs, name)
    _boxes(writer, found, layer.bbox or WORLD)
    if times is not None:
        _time(writer, found, times)
    if layer.attribution:
        writer.add(writer.add(found, "Attribution"), "Title", layer.attribution)
    if settings.BODY["ipa"] and settings.BODY["url"]:
        writer.add(found, "Identifier", layer.slug, authority=settings.BODY["ipa"])
    record = writer.add(found, "MetadataURL", type="ISO19115:2003" if is_13 else "TC211")
    writer.add(record, "Format", "text/xml")
    writer.link(record, record_of(layer, writer.site))
    about = writer.add(found, "DataURL")
    writer.add(about, "Format", "application/json")
    writer.link(about, f"{writer.ask.base}/collections/{layer.slug}")
    for style in offered(layer, writer.ask.audience):
        _style(writer, found, layer, style)
    least, most = scale_at(layer.max_zoom + 1), scale_at(layer.min_zoom - 0.01)
    if is_13:
        if layer.max_zoom < 22:
            writer.add(found, "MinScaleDenominator", f"{least:.1f}")
        if layer.min_zoom > 0:
            writer.add(found, "MaxScaleDenominator", f"{most:.1f}")
    elif layer.min_zoom > 0:
        # ScaleHint is the diagonal of a pixel in metres.
        writer.add(found, "ScaleHint", min="0", max=f"{most * 0.00028 * 2**0.5:.4f}")


def _style(writer: _Writer, parent: Xml.Element, layer: LayerEntry, style: NamedStyle) -> None:
    found = writer.add(parent, "Style")
    writer.add(found, "Name", style.name)
    writer.add(found, "Title", writer.text(style.title_it, style.title_en))
    legend = writer.add(found, "LegendURL", width="200", height="200")
    writer.add(legend, "Format", "image/png")
    writer.link(
        legend,
        f"{writer.ask.base}/wms?SERVICE=WMS&REQUEST=GetLegendGraphic&VERSION={writer.version.text}"
        f"&FORMAT=image/png&LAYER={layer.slug}&STYLE={style.name}",
    )


def _time(writer: _Writer, parent: Xml.Element, times: Times) -> None:
    """The dimension of time: a layer as it was, by the moments of its versions (1.3.0, annex C; 1.1.1, annex C)."""
    if times.every is None:
        extent = f"{_instant(times.first)}/{_instant(times.last)}/P1D"
    else:
        extent = ",".join(map(_instant, times.every))
    how = {"default": _instant(times.last), "nearestValue": "1"}
    if writer.version.is_13:
        writer.add(parent, "Dimension", extent, name="time", units="ISO8601", **how, current="1")
    else:
        writer.add(parent, "Dimension", name="time", units="ISO8601")
        writer.add(parent, "Extent", extent, name="time", **how)


def _instant(moment: datetime) -> str:
    """As WMS writes times. What is asked for the last second of a version must not fall before it."""
    later = moment.astimezone(UTC) + timedelta(microseconds=999_999)
    return later.strftime("%Y-%m-%dT%H:%M:%SZ")


def _boxes(writer: _Writer, parent: Xml.Element, degrees: Bounds) -> None:
    """The extent in degrees and in every CRS; a point has an extent of a few metres."""
    west, south, east, north = degrees
    if east - west < 1e-5 or north - south < 1e-5:
        west, south, east, north = west - 1e-4, south - 1e-4, east + 1e-4, north + 1e-4
    if writer.version.is_13:
        box = writer.add(parent, "EX_GeographicBoundingBox")
        names = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
        for name, value in zip(names, (west, east, south, north), strict=True):
            writer.add(box, name, f"{value:.7f}")
        _box(writer, parent, "CRS:84", (west, south, east, north), crs84().digits)
    else:
        numbers = {"minx": west, "miny": south, "maxx": east, "maxy": north}
        writer.add(parent, "LatLonBoundingBox", **{name: f"{value:.7f}" for name, value in numbers.items()})
    for srid in SERVED_SRIDS:
        found = bounds_between(4326, srid, (west, south, east, north))
        if found is not None:
            crs = epsg(srid)
            written = in_axis_order(found, crs) if writer.version.is_13 else found
            _box(writer, parent, f"EPSG:{srid}", written, crs.digits)


def _box(writer: _Writer, parent: Xml.Element, name: str, box: Bounds, digits: int) -> None:
    numbers = dict(zip(("minx", "miny", "maxx", "maxy"), (f"{value:.{digits}f}" for value in box), strict=True))
    writer.add(parent, "BoundingBox", **{writer.version.crs: name, **numbers})
