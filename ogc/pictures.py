"""What a request for a picture means: which layers in which styles, which part of the world, which background."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse

from layers.catalogue import LayerEntry
from layers.crs import Crs, crs84, epsg
from layers.crs import parse as parse_crs
from layers.drawing.draw import Drawn, draw
from layers.drawing.view import Bounds, View, bounds_between
from layers.errors import BadQuery
from layers.rights import PUBLIC, Audience
from layers.styles.offered import NamedStyle, looks_the_same_to_all, picture_version, style_named
from layers.versions import past
from ogc.door import Ask, etag_of, matches
from ogc.errors import InvalidParameter, NotFound

MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
MAX_LAYERS = 40
DEFAULT_SIDE_PX = 1024
PICTURE_FORM = 1
"""Raised when the same data and style give other pixels, so that ETags change with the code."""

_COLOUR = re.compile(r"^(?:#|0x)?([0-9a-fA-F]{6})$")
_NAMES = {"white": "ffffff", "black": "000000", "gray": "808080", "grey": "808080"}

DATASET_SRID = 32632
"""UTM zone 32, in which the city keeps its data."""
FARTHEST = 1e9
"""Metres or degrees from the origin of a CRS: twenty-five times round the earth."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One layer in one of its styles, and for whom that is the answer."""

    layer: LayerEntry
    style: NamedStyle
    audience: Audience

    @property
    def version(self) -> str:
        """Changes with the data and with the style: part of the address of a picture that is kept for ever."""
        return picture_version(self.layer, self.style.spec)

    @property
    def drawn(self) -> Drawn:
        return Drawn(self.layer, self.style.spec)


def chosen(ask: Ask, slug: str, style: str = "", moment: str = "") -> Chosen:
    """A layer that can be drawn, as it was at a moment. Raises LayerNotFound, StyleNotFound, NotFound and BadQuery."""
    layer = as_it_was(ask.layer(slug), moment)
    if layer.kind == "vector" and not layer.geometry_field:
        raise NotFound(f"{slug!r} has no geometry: there is nothing to draw.")
    audience = PUBLIC if looks_the_same_to_all(layer) else ask.audience
    return Chosen(layer, style_named(layer, audience, style), audience)


def as_it_was(layer: LayerEntry, moment: str) -> LayerEntry:
    """The layer at the end of what `datetime` names; "": as it is. Raises BadQuery."""
    if moment and layer.time_field:
        raise BadQuery(
            "datetime", f"the features of {layer.slug!r} carry times of their own: ask /items for some of them."
        )
    return past.at(layer, moment)


def moment_of(ask: Ask) -> str:
    """The parameter `datetime`. Raises InvalidParameter."""
    return ask.param("datetime") if "datetime" in ask.request.GET else ""


def can_be_drawn(layer: LayerEntry) -> bool:
    return layer.kind != "vector" or bool(layer.geometry_field)


def native_crs(layer: LayerEntry) -> Crs:
    """The CRS of a layer's map unless another is asked for: that of its data, or of the map it is taken from."""
    return epsg(layer.srid or 3857)


def dataset_crs() -> Crs:
    """The CRS of a map of several layers unless another is asked for."""
    return epsg(DATASET_SRID)


def view_of(ask: Ask, layers: Sequence[LayerEntry], native: Crs) -> View:
    """The part of the world by crs, bbox, bbox-crs, width and height. Raises BadQuery and UnknownCrs."""
    given = _crs(ask, "bbox-crs", layers) or crs84()
    crs = _crs(ask, "crs", layers) or native
    box = _box(ask, layers, crs, given)
    width, height = _whole(ask, "width"), _whole(ask, "height")
    ratio = (box[3] - box[1]) / (box[2] - box[0])
    if width is None and height is None:
        width = DEFAULT_SIDE_PX if ratio <= 1 else max(1, round(DEFAULT_SIDE_PX / ratio))
    if width is None:
        width = max(1, round((height or 1) / ratio))
    return View.asked(crs, box, width, max(1, round(width * ratio)) if height is None else height)


def background(ask: Ask, form: str, *, transparent: bool = True) -> str:
    """ "#rrggbb", or "" for transparent. Raises InvalidParameter."""
    colour = colour_of(ask.param("bgcolor"), "bgcolor") if "bgcolor" in ask.request.GET else ""
    text = ask.param("transparent").lower()
    if text not in {"", "true", "false"}:
        raise InvalidParameter(f"transparent={text[:20]!r}: use true or false.")
    clear = text == "true" if text else transparent and not colour
    return "" if clear and form != "jpeg" else colour or "#ffffff"


def colour_of(text: str, parameter: str) -> str:
    """A colour as "#rrggbb". Raises InvalidParameter."""
    match = _COLOUR.match(_NAMES.get(text.lower(), text))
    if match is None:
        raise InvalidParameter(f"{parameter}={text[:20]!r}: write a colour as 0xRRGGBB or #RRGGBB.")
    return f"#{match[1].lower()}"


def numbers_of(text: str, parameter: str = "bbox") -> Bounds:
    """Four numbers. Raises BadQuery."""
    parts = text.split(",")
    try:
        first, second, third, fourth = (float(part) for part in parts)
    except ValueError as error:
        raise BadQuery(parameter, f"{text[:80]!r}: write four numbers, minimum of each axis, then maximum.") from error
    return first, second, third, fourth


def in_axis_order(box: Bounds, crs: Crs) -> Bounds:
    """A box in the axis order of its CRS as easting first, and the other way round."""
    return (box[1], box[0], box[3], box[2]) if crs.north_first else box


def answered(ask: Ask, layers: Sequence[Chosen], view: View, form: str, colour: str) -> HttpResponse:
    """The picture, with the caching its layers allow."""
    audience = next((one.audience for one in layers if one.audience != PUBLIC), PUBLIC)
    # A cascaded service does not say when its map changes.
    is_live = any(one.layer.is_live or one.layer.kind == "remote" for one in layers)
    parts = [(one.layer.id, one.layer.slug, one.version, one.layer.raster_path) for one in layers]
    etag = (
        "" if is_live else etag_of(PICTURE_FORM, parts, view.crs.uri, view.box, view.width, view.height, form, colour)
    )
    held = bool(etag) and matches(ask.request, etag)
    body = b"" if held else draw([one.drawn for one in layers], view, form, colour)
    response = HttpResponse(body, content_type=MEDIA.get(form, "image/png"))
    if etag:
        response["ETag"] = etag
    if audience == PUBLIC:
        response["Cache-Control"] = "no-cache" if is_live else "public, no-cache"
    else:
        response["Cache-Control"] = "private, no-cache"
        response["Vary"] = "Cookie"
    response["Content-Crs"] = f"<{view.crs.uri}>"
    response["Content-Bbox"] = box_header(view.box, view.crs)
    return response


def box_header(box: Bounds, crs: Crs) -> str:
    """A box, easting first, as the header Content-Bbox gives it: in the axis order of its CRS."""
    return ",".join(f"{number:.{crs.digits}f}" for number in in_axis_order(box, crs))


def _crs(ask: Ask, name: str, layers: Sequence[LayerEntry]) -> Crs | None:
    text = ask.param(name)
    storage = {layer.srid for layer in layers}
    return parse_crs(text, storage.pop() if len(storage) == 1 else None) if text else None


def _box(ask: Ask, layers: Sequence[LayerEntry], crs: Crs, given: Crs) -> Bounds:
    text = ask.param("bbox")
    if text:
        box = in_axis_order(numbers_of(text), given)
        View.asked(given, box, 1, 1)
    else:
        # Where the features of the past lie is not known: as a rule where those of today do.
        known = [layer.bbox or (layer.past and ask.catalogue.layers[layer.slug].bbox) for layer in layers]
        boxes = [box for box in known if box]
        given = crs84()
        if not boxes:
            raise BadQuery("bbox", "the extent of this layer is not known: say what to show.")
        box = (
            min(one[0] for one in boxes) - 1e-4,
            min(one[1] for one in boxes) - 1e-4,
            max(one[2] for one in boxes) + 1e-4,
            max(one[3] for one in boxes) + 1e-4,
        )
    found = bounds_between(given.srid, crs.srid, box)
    # Far from where the CRS means something a box has no width that a number can say, or more than can be drawn.
    if found is None or found[0] >= found[2] or found[1] >= found[3] or max(map(abs, found)) > FARTHEST:
        raise BadQuery("bbox", f"this box has no place in the CRS of the picture ({crs.uri}); ask for a smaller one.")
    return found


def _whole(ask: Ask, name: str) -> int | None:
    text = ask.param(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidParameter(f"{name}={text[:20]!r}: write a whole number of pixels.")
    return int(text)
