"""The capabilities of the WMTS 1.0.0 (OGC 07-057r7): the map tiles of the layers, for one audience."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from layers.catalogue import LayerEntry
from layers.styles.offered import offered
from layers.tile_grids import GRIDS, TILE_PX, TileGrid
from ogc.config import DESCRIPTION, TITLE
from ogc.door import Ask
from ogc.errors import OgcError
from ogc.feature_info import can_be_queried
from ogc.inspire import VIEW_TILES, extended, record_of, schema_location
from ogc.pictures import can_be_drawn
from ogc.tilesets import MAP_FORMS, limits

WMTS, OWS = "http://www.opengis.net/wmts/1.0", "http://www.opengis.net/ows/1.1"
XLINK, XSI = "http://www.w3.org/1999/xlink", "http://www.w3.org/2001/XMLSchema-instance"
OPERATIONS = ("GetCapabilities", "GetTile", "GetFeatureInfo")
INFO_FORMATS = ("text/html", "text/plain", "application/json")


def _ows(parent: Xml.Element, name: str, text: str = "", /, **attributes: str) -> Xml.Element:
    child = Xml.SubElement(parent, f"{{{OWS}}}{name}", attributes)
    if text:
        child.text = text
    return child


def _own(parent: Xml.Element, name: str, text: str = "") -> Xml.Element:
    child = Xml.SubElement(parent, name)
    if text:
        child.text = text
    return child


def _register() -> None:
    for prefix, uri in (("ows", OWS), ("xlink", XLINK), ("xsi", XSI)):
        Xml.register_namespace(prefix, uri)


def capabilities(ask: Ask, *, for_inspire: bool = False) -> bytes:
    """The whole document, by KVP and by REST the same; `for_inspire`: with the extension of INSPIRE."""
    _register()
    root = Xml.Element("Capabilities", version="1.0.0", xmlns=WMTS, updateSequence=str(ask.catalogue.version))
    schema = "http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd"
    located = f"{WMTS} {schema}" + (f" {schema_location(VIEW_TILES)}" if for_inspire else "")
    root.set(f"{{{XSI}}}schemaLocation", located)
    service = _ows(root, "ServiceIdentification")
    _ows(service, "Title", TITLE[ask.language])
    _ows(service, "Abstract", DESCRIPTION[ask.language])
    _ows(service, "ServiceType", "OGC WMTS")
    _ows(service, "ServiceTypeVersion", "1.0.0")
    _ows(service, "Fees", "none")
    _ows(service, "AccessConstraints", "none")
    provider = _ows(root, "ServiceProvider")
    _ows(provider, "ProviderName", "Comune di Cremona")
    _ows(provider, "ServiceContact")
    listed = _operations(ask, root)
    if for_inspire:
        listed.append(extended(VIEW_TILES, "wmts", ask.base.removesuffix("/ogc"), ask.language))
    contents = _own(root, "Contents")
    for layer in ask.catalogue.visible(ask.audience):
        if can_be_drawn(layer):
            _layer(ask, contents, layer)
    for grid in GRIDS.values():
        _grid(contents, grid)
    address = f"{ask.base}/wmts/1.0.0/WMTSCapabilities.xml"
    _own(root, "ServiceMetadataURL").set(f"{{{XLINK}}}href", address)
    Xml.indent(root)
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _operations(ask: Ask, root: Xml.Element) -> Xml.Element:
    listed = _ows(root, "OperationsMetadata")
    for name in OPERATIONS:
        http = _ows(_ows(_ows(listed, "Operation", name=name), "DCP"), "HTTP")
        get = _ows(http, "Get")
        get.set(f"{{{XLINK}}}href", f"{ask.base}/wmts?")
        values = _ows(_ows(get, "Constraint", name="GetEncoding"), "AllowedValues")
        _ows(values, "Value", "KVP")
    return listed


def _layer(ask: Ask, contents: Xml.Element, layer: LayerEntry) -> None:
    english = ask.language == "en"
    found = _own(contents, "Layer")
    _ows(found, "Title", layer.title_en if english else layer.title_it)
    _ows(found, "Abstract", (layer.abstract_en if english else layer.abstract_it) or layer.title_it)
    if layer.bbox:
        box = _ows(found, "WGS84BoundingBox", crs="urn:ogc:def:crs:OGC:2:84")
        _ows(box, "LowerCorner", f"{layer.bbox[0]:.7f} {layer.bbox[1]:.7f}")
        _ows(box, "UpperCorner", f"{layer.bbox[2]:.7f} {layer.bbox[3]:.7f}")
    _ows(found, "Identifier", layer.slug)
    about = _ows(found, "Metadata")
    about.set(f"{{{XLINK}}}href", record_of(layer, ask.base.removesuffix("/ogc")))
    about.set("about", "http://www.isotc211.org/2005/gmd")
    for number, style in enumerate(offered(layer, ask.audience)):
        one = _own(found, "Style")
        one.set("isDefault", "true" if number == 0 else "false")
        _ows(one, "Title", style.title_en if english else style.title_it)
        _ows(one, "Identifier", style.name)
        legend = _own(one, "LegendURL")
        legend.set("format", "image/png")
        legend.set(f"{{{XLINK}}}href", f"{ask.base}/collections/{layer.slug}/styles/{style.name}/legend?f=png")
    for media in MAP_FORMS.values():
        _own(found, "Format", media)
    if can_be_queried(layer):
        for media in INFO_FORMATS:
            _own(found, "InfoFormat", media)
    for grid in GRIDS.values():
        link = _own(found, "TileMatrixSetLink")
        _own(link, "TileMatrixSet", grid.id)
        all_limits = _own(link, "TileMatrixSetLimits")
        for row in limits(layer, grid):
            one = _own(all_limits, "TileMatrixLimits")
            _own(one, "TileMatrix", row["tileMatrix"])
            for name in ("minTileRow", "maxTileRow", "minTileCol", "maxTileCol"):
                _own(one, name[0].upper() + name[1:], str(row[name]))
    for form, media in MAP_FORMS.items():
        address = (
            f"{ask.base}/wmts/1.0.0/{layer.slug}/{{Style}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileRow}}/{{TileCol}}"
        )
        resource = _own(found, "ResourceURL")
        for name, value in (("format", media), ("resourceType", "tile"), ("template", f"{address}.{form}")):
            resource.set(name, value)


def _grid(contents: Xml.Element, grid: TileGrid) -> None:
    found = _own(contents, "TileMatrixSet")
    _ows(found, "Title", grid.title)
    _ows(found, "Identifier", grid.id)
    _ows(found, "SupportedCRS", f"urn:ogc:def:crs:EPSG::{grid.srid}")
    if grid.scale_set:
        _own(found, "WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible")
    for z in range(grid.min_zoom, grid.max_zoom + 1):
        columns, rows = grid.size(z)
        one = _own(found, "TileMatrix")
        _ows(one, "Identifier", str(z))
        _own(one, "ScaleDenominator", f"{grid.cell(z) / 0.00028!r}")
        _own(one, "TopLeftCorner", f"{grid.left!r} {grid.top!r}")
        for name, value in (
            ("TileWidth", TILE_PX),
            ("TileHeight", TILE_PX),
            ("MatrixWidth", columns),
            ("MatrixHeight", rows),
        ):
            _own(one, name, str(value))


def report(error: OgcError) -> bytes:
    """An OWS 1.1 exception report."""
    _register()
    root = Xml.Element(f"{{{OWS}}}ExceptionReport", version="1.0.0")
    root.set(f"{{{XSI}}}schemaLocation", f"{OWS} http://schemas.opengis.net/ows/1.1.0/owsExceptionReport.xsd")
    one = _ows(root, "Exception", exceptionCode=error.code)
    _ows(one, "ExceptionText", error.description)
    body: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return body
