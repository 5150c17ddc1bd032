"""What a WMTS 1.0.0 offers of one layer in the grid that web maps share, and the address of a tile."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element

import msgspec
from django.utils.translation import gettext as _

from layers.drawing.view import View
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.info_formats import WANTED
from layers.sources.xml_names import child, local, read_xml, text_of
from layers.tile_grids import WEB_MERCATOR, TileAddress

_MERCATOR = re.compile(r"(?:3857|900913)$")
_MEDIA = ("image/png", "image/webp", "image/jpeg")


class WmtsOffer(msgspec.Struct, frozen=True):
    """What is needed to ask for a tile."""

    layer: str
    style: str
    format: str
    matrix_set: str
    matrices: dict[str, str]
    """Identifier of each tile matrix by our zoom."""
    template: str
    """Address with {TileMatrix}, {TileRow}, {TileCol} …; empty: by keywords at `base`."""
    base: str
    bbox: tuple[float, float, float, float] | None
    info: str = ""
    """The format in which it tells of a point; empty: it does not, or in none that we read."""
    info_template: str = ""
    """As `template`, with {I} and {J}; empty: by keywords at `info_base`."""
    info_base: str = ""


def info_url(offer: WmtsOffer, tile: TileAddress, pixel: tuple[int, int]) -> str:
    """The address that tells of a pixel (column, row) of a tile. Raises SourceFailed for a zoom that is not offered."""
    at = {"I": str(pixel[0]), "J": str(pixel[1])}
    if offer.info_template:
        return _filled(offer, offer.info_template, _place(offer, tile.z, tile.y, tile.x) | at)
    query = _keywords(offer, tile.z, tile.y, tile.x) | {"REQUEST": "GetFeatureInfo", "INFOFORMAT": offer.info, **at}
    return f"{offer.info_base}{'&' if '?' in offer.info_base else '?'}{urlencode(query)}"


def zoom_for(offer: WmtsOffer, view: View) -> int:
    """The zoom whose tiles are at least as fine as a view, else the finest that is offered."""
    zooms = sorted(int(zoom) for zoom in offer.matrices)
    return min((one for one in zooms if one >= math.ceil(view.zoom - 0.25)), default=zooms[-1])


def tile_url(offer: WmtsOffer, z: int, y: int, x: int) -> str:
    """The address of a tile. Raises SourceFailed for a zoom that is not offered."""
    if offer.template:
        return _filled(offer, offer.template, _place(offer, z, y, x))
    query = _keywords(offer, z, y, x) | {"REQUEST": "GetTile"}
    return f"{offer.base}{'&' if '?' in offer.base else '?'}{urlencode(query)}"


def _place(offer: WmtsOffer, z: int, y: int, x: int) -> dict[str, str]:
    matrix = offer.matrices.get(str(z))
    if matrix is None:
        raise SourceFailed(_("Il WMTS non ha lo zoom %(zoom)d.") % {"zoom": z})
    return {"TileMatrixSet": offer.matrix_set, "TileMatrix": matrix, "TileRow": str(y), "TileCol": str(x)}


def _filled(offer: WmtsOffer, template: str, values: dict[str, str]) -> str:
    values = values | {"Style": offer.style, "style": offer.style}
    return re.sub(r"\{(\w+)\}", lambda part: quote(values.get(part[1], "default"), safe=":"), template)


def _keywords(offer: WmtsOffer, z: int, y: int, x: int) -> dict[str, str]:
    return {
        "SERVICE": "WMTS", "VERSION": "1.0.0", "LAYER": offer.layer, "STYLE": offer.style, "FORMAT": offer.format,
    } | {name.upper(): value for name, value in _place(offer, z, y, x).items()}  # fmt: skip


def read_wmts(body: bytes, name: str, options: Mapping[str, Any]) -> WmtsOffer:
    """The offer of a layer by its capabilities. Raises SourceFailed, and SourceRefused when it is not what we need."""
    root = read_xml(body, "WMTS")
    contents = child(root, "Contents")
    if contents is None:
        raise SourceFailed(_("Il WMTS non elenca livelli: risponde %(name)s.") % {"name": local(root)})
    layers = {text_of(one, "Identifier"): one for one in contents if local(one) == "Layer"}
    layer = layers.get(name)
    if layer is None:
        names = ", ".join(sorted(layers))[:300] or "–"
        raise SourceRefused(_("Il WMTS non ha il livello «%(name)s»; ha %(names)s.") % {"name": name, "names": names})
    offered = {text_of(one, "TileMatrixSet") for one in layer if local(one) == "TileMatrixSetLink"}
    sets = {text_of(one, "Identifier"): one for one in contents if local(one) == "TileMatrixSet"}
    matrix_set, matrices = _web_mercator({key: sets[key] for key in sorted(offered) if key in sets})
    formats = [(one.text or "").strip() for one in layer if local(one) == "Format"]
    format_ = next((one for one in _MEDIA if one in formats), "")
    if not format_:
        raise SourceRefused(_("Il WMTS non dà PNG, WebP o JPEG: %(formats)s.") % {"formats": ", ".join(formats)[:200]})
    template = _template(layer, "tile", format_)
    infos = {(one.text or "").replace(" ", "").strip().lower(): (one.text or "").strip()
             for one in layer if local(one) == "InfoFormat"}  # fmt: skip
    info = next((infos[wanted] for wanted in WANTED if wanted in infos), "")
    info_template = _template(layer, "FeatureInfo", info)
    info_base = "" if info_template or not info else _kvp_address(root, "GetFeatureInfo")
    return WmtsOffer(
        name, str(options.get("style") or _style(layer)), format_, matrix_set, matrices, template,
        "" if template else _needed_address(root), _box(layer),
        info if info_template or info_base else "", info_template, info_base,
    )  # fmt: skip


def _web_mercator(sets: Mapping[str, Element]) -> tuple[str, dict[str, str]]:
    """The set whose matrices are those of WebMercatorQuad, told by their scale, with our zoom of each."""
    for key, one in sets.items():
        if not _MERCATOR.search(text_of(one, "SupportedCRS")):
            continue
        matrices = {}
        for matrix in one:
            if local(matrix) == "TileMatrix" and text_of(matrix, "TileWidth") == "256":
                zoom = _zoom_of(float(text_of(matrix, "ScaleDenominator") or 0))
                if zoom is not None:
                    matrices[str(zoom)] = text_of(matrix, "Identifier")
        if matrices:
            return key, matrices
    raise SourceRefused(_("Il WMTS non ha questo livello nella griglia web (EPSG:3857, tessere di 256)."))


def _zoom_of(denominator: float) -> int | None:
    for zoom in range(WEB_MERCATOR.min_zoom, WEB_MERCATOR.max_zoom + 1):
        if abs(denominator * 0.00028 / WEB_MERCATOR.cell(zoom) - 1) < 1e-4:
            return zoom
    return None


def _style(layer: Element) -> str:
    styles = [one for one in layer if local(one) == "Style"]
    chosen = next((one for one in styles if one.get("isDefault") == "true"), styles[0] if styles else None)
    return text_of(chosen, "Identifier")


def _template(layer: Element, kind: str, media: str) -> str:
    for one in layer:
        if local(one) == "ResourceURL" and one.get("resourceType") == kind and one.get("format") == media:
            return one.get("template", "")
    return ""


def _needed_address(root: Element) -> str:
    found = _kvp_address(root, "GetTile")
    if not found:
        raise SourceRefused(_("Il WMTS non dice dove chiedere le tessere."))
    return found


def _kvp_address(root: Element, name: str) -> str:
    """Where an operation is asked by keywords; empty where it is not said."""
    operations = child(root, "OperationsMetadata")
    for operation in operations if operations is not None else ():
        if operation.get("name") == name:
            for get in operation.iter():
                if local(get) == "Get":
                    return next((value for key, value in get.attrib.items() if key.endswith("href")), "").rstrip("?&")
    return ""


def _box(layer: Element) -> tuple[float, float, float, float] | None:
    lower, upper = text_of(layer, "WGS84BoundingBox", "LowerCorner"), text_of(layer, "WGS84BoundingBox", "UpperCorner")
    try:
        (west, south), (east, north) = (map(float, corner.split()) for corner in (lower, upper))
    except ValueError:
        return None
    return west, south, east, north
