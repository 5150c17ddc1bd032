"""What a WMS request means: versions 1.3.0 (OGC 06-042) and 1.1.1 (OGC 01-068r3), their axis orders and exceptions."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from layers import errors
from layers.crs import SERVED_SRIDS, Crs, crs84, epsg
from layers.drawing.view import Bounds, View
from layers.errors import LayersError
from ogc.door import Ask
from ogc.errors import OgcError, translated
from ogc.kvp import Kvp
from ogc.pictures import MAX_LAYERS, Chosen, chosen, colour_of, in_axis_order, numbers_of

REQUESTS = ("GetCapabilities", "GetMap", "GetFeatureInfo", "GetLegendGraphic")
OGC = "http://www.opengis.net/ogc"
MAP_FORMATS = {
    "image/png": "png",
    "image/png; mode=8bit": "png8",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
}
INFO_FORMATS = ("text/html", "text/plain", "application/json")
EXCEPTIONS = ("XML", "application/vnd.ogc.se_xml", "text/xml", "application/vnd.ogc.se+xml")

_CODES: tuple[tuple[type[LayersError], str], ...] = (
    (errors.LayerNotFound, "LayerNotDefined"),
    (errors.StyleNotFound, "StyleNotDefined"),
    (errors.UnknownCrs, "InvalidCRS"),
)


@dataclass(frozen=True, slots=True)
class Version:
    """Which of the two versions is spoken, and how it names things."""

    is_13: bool

    @property
    def text(self) -> str:
        return "1.3.0" if self.is_13 else "1.1.1"

    @property
    def crs(self) -> str:
        return "CRS" if self.is_13 else "SRS"

    def wrong(self, code: str) -> str:
        """A code in the words of the version."""
        return "InvalidSRS" if code == "InvalidCRS" and not self.is_13 else code


def version_of(kvp: Kvp) -> Version:
    """The version to speak: the highest that is not above what is asked, else the lowest (1.3.0, 6.2.4)."""
    text = kvp.get("VERSION") or kvp.get("WMTVER") or "1.3.0"
    parts = [int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0 for part in text.split(".")[:3]]
    return Version(parts >= [1, 3] or not any(parts))


def crs_of(kvp: Kvp, version: Version) -> Crs:
    """Raises OgcError for a CRS that is not served."""
    text = kvp.need(version.crs)
    name = text.upper()
    if name == "CRS:84" and version.is_13:
        return crs84()
    code = name.removeprefix("EPSG:")
    if name.startswith("EPSG:") and code.isascii() and code.isdigit() and int(code[:9]) in SERVED_SRIDS:
        return epsg(int(code))
    known = ", ".join(crs_names(version))
    raise OgcError(400, "InvalidCRS", f"{version.crs}={text[:60]!r} is not served; use one of {known}.")


def crs_names(version: Version) -> list[str]:
    return [*(["CRS:84"] if version.is_13 else []), *(f"EPSG:{srid}" for srid in SERVED_SRIDS)]


def box_of(kvp: Kvp, crs: Crs, version: Version) -> Bounds:
    """BBOX easting first: version 1.3.0 writes it in the axis order of the CRS, 1.1.1 never does."""
    box = numbers_of(kvp.need("BBOX"), "BBOX")
    return in_axis_order(box, crs) if version.is_13 else box


def view_of(kvp: Kvp, version: Version) -> View:
    """Raises OgcError and BadQuery."""
    crs = crs_of(kvp, version)
    return View.asked(crs, box_of(kvp, crs, version), kvp.whole("WIDTH"), kvp.whole("HEIGHT"))


def layers_of(ask: Ask, kvp: Kvp, name: str = "LAYERS") -> list[Chosen]:
    """The layers a request names in the styles it names, bottom first. Raises OgcError and LayersError."""
    slugs = kvp.need(name).split(",")
    if len(slugs) > MAX_LAYERS:
        raise OgcError(400, "InvalidParameterValue", f"{name} names {len(slugs)} layers; {MAX_LAYERS} at most.")
    styles = kvp.get("STYLES").split(",") if kvp.get("STYLES") and name == "LAYERS" else [""] * len(slugs)
    if len(styles) != len(slugs):
        text = f"STYLES names {len(styles)} styles for {len(slugs)} layers; give one for each, or none at all."
        raise OgcError(400, "StyleNotDefined", text)
    moment = time_of(kvp)
    # A layer without this dimension is drawn as it is (1.3.0, C.3.1): its features may have times that are not its own.
    times = ["" if ask.layer(slug).time_field else moment for slug in slugs]
    return [chosen(ask, *asked) for asked in zip(slugs, styles, times, strict=True)]


def time_of(kvp: Kvp) -> str:
    """TIME as `datetime` is written; "" for now. Raises OgcError."""
    text = kvp.get("TIME").strip()
    if not text or text.lower() in {"current", "default"}:
        return ""
    if "," in text or text.count("/") > 1:
        wrong = f"TIME={text[:60]!r}: a map shows one moment; give an instant, or an interval start/end."
        raise OgcError(400, "InvalidDimensionValue", wrong)
    return text


def format_of(kvp: Kvp) -> str:
    """The encoder's name of FORMAT. Raises OgcError."""
    text = kvp.need("FORMAT").replace(";mode", "; mode")
    return MAP_FORMATS[Kvp.one_of(_Given({"FORMAT": text}), "FORMAT", list(MAP_FORMATS), "InvalidFormat")]


def background_of(kvp: Kvp, form: str) -> str:
    """ "#rrggbb", or "" for transparent."""
    transparent = kvp.one_of("TRANSPARENT", ("TRUE", "FALSE"), default="FALSE") == "TRUE"
    colour = colour_of(kvp.get("BGCOLOR") or "0xFFFFFF", "BGCOLOR")
    return "" if transparent and form != "jpeg" else colour


def report(error: OgcError | LayersError, version: Version) -> tuple[int, bytes]:
    """HTTP status and the exception report of a version."""
    known = error if isinstance(error, OgcError) else translated(error)
    code = next((code for kind, code in _CODES if isinstance(error, kind)), known.code)
    root = Xml.Element("ServiceExceptionReport", version=version.text)
    if version.is_13:
        root.set("xmlns", OGC)
    Xml.SubElement(root, "ServiceException", code=version.wrong(code)).text = known.description
    return known.status, Xml.tostring(root, encoding="utf-8", xml_declaration=True)


class _Given(Kvp):
    """Parameters that were read and put right before."""

    def __init__(self, values: dict[str, str]) -> None:
        self._held = {name: [value] for name, value in values.items()}
