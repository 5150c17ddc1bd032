"""Several layers drawn into one picture, bottom first, and the picture as bytes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from layers.catalogue import LayerEntry
from layers.drawing.engine import SRS, mapnik
from layers.drawing.rasters import raster_png
from layers.drawing.source import BUFFER_PX, datasource, forget_sources, variables
from layers.drawing.symbols import compile_styles
from layers.drawing.view import View
from layers.errors import DrawingFailed, QueryTooSlow
from layers.sources.remote_maps import remote_png
from layers.styles.model import StyleSpec

log = logging.getLogger(__name__)

_ENCODERS = {"png": "png32:z=1", "png8": "png8:m=h:z=1", "jpeg": "jpeg85", "webp": "webp:quality=85"}
FORMATS = tuple(_ENCODERS)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One layer in one style."""

    layer: LayerEntry
    style: StyleSpec


def draw(layers: Sequence[Drawn], view: View, form: str, background: str = "") -> bytes:
    """The picture as "png", "png8", "jpeg" or "webp". `background` is "#rrggbb" or "" for transparent.

    A layer outside its scale range or away from the picture is not drawn. Raises DrawingFailed, QueryTooSlow and
    RasterUnreadable.
    """
    return encoded(_picture(layers, view, form, background), form)


def draw_tiles(layers: Sequence[Drawn], view: View, side_px: int, form: str) -> list[bytes]:
    """One picture cut into squares, row by row from the upper left: labels and marks cross their edges whole.

    Raises what `draw` raises.
    """
    image = _picture(layers, view, form, "")
    return [
        encoded(image.view(left, top, side_px, side_px), form)
        for top in range(0, view.height, side_px)
        for left in range(0, view.width, side_px)
    ]


def _picture(layers: Sequence[Drawn], view: View, form: str, background: str) -> Any:
    image = mapnik().Image(view.width, view.height)
    if background or form == "jpeg":
        image.fill(mapnik().Color(background or "#ffffff"))
    for together in _runs(layers):
        if together[0].layer.kind != "vector":
            _lay(image, together[0], view)
        else:
            _render(image, together, view)
    return image


def in_scale(layer: LayerEntry, view: View, style: StyleSpec | None = None) -> bool:
    """Whether the layer, in this style, is meant to be seen at the scale of the picture."""
    low = max(layer.min_zoom, style.min_zoom if style else 0)
    high = min(layer.max_zoom, style.max_zoom if style else 22)
    return low - 0.01 <= view.zoom < high + 1.01 or high >= 22 <= view.zoom


def encoded(image: Any, form: str) -> bytes:
    """An image of Mapnik, or a part of one, as bytes."""
    return bytes(image.to_string(_ENCODERS[form]))


def _runs(layers: Iterable[Drawn]) -> list[list[Drawn]]:
    """Tables that follow each other are drawn by one map, so that their labels keep clear of each other."""
    runs: list[list[Drawn]] = []
    for one in layers:
        if runs and one.layer.kind == "vector" == runs[-1][0].layer.kind:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _lay(image: Any, one: Drawn, view: View) -> None:
    if not in_scale(one.layer, view, one.style):
        return
    is_remote = one.layer.kind == "remote"
    picture = remote_png(one.layer, view) if is_remote else raster_png(one.layer, view, one.style.raster)
    if picture is not None:
        above = mapnik().Image.from_buffer(picture)
        above.premultiply()
        image.premultiply()
        image.composite(above, mapnik().CompositeOp.src_over, one.style.opacity, 0, 0)
        image.demultiply()


def _render(image: Any, layers: Sequence[Drawn], view: View) -> None:
    try:
        try:
            _render_once(image, layers, view)
        except RuntimeError as error:
            if "statement timeout" in str(error):
                raise
            # A kept connection breaks when the database starts again; the next one is new.
            forget_sources()
            _render_once(image, layers, view)
    except RuntimeError as error:
        if "statement timeout" in str(error):
            raise QueryTooSlow from error
        log.exception("A map could not be drawn")
        raise DrawingFailed from error


def _render_once(image: Any, layers: Sequence[Drawn], view: View) -> None:
    module = mapnik()
    picture = module.Map(view.width, view.height, SRS)
    picture.buffer_size = BUFFER_PX
    picture.aspect_fix_mode = module.aspect_fix_mode.RESPECT
    named: dict[str, str] = {}
    for place, one in enumerate(layers):
        named |= _add(picture, one, view, f"l{place}")
    if len(picture.layers):
        picture.zoom_to_box(module.Box2d(*view.box))
        module.render_with_vars(picture, image, named)


def _add(picture: Any, one: Drawn, view: View, name: str) -> dict[str, str]:
    """Add a layer to a map, unless nothing of it can be seen. Returns what its statement names."""
    if not in_scale(one.layer, view, one.style) or not one.layer.geometry_field:
        return {}
    # The browser counts zooms by tiles of 512 pixels.
    document, styles = compile_styles(one.style, one.layer.geometry_type, view.zoom - 1)
    named = variables(one.layer, view)
    if named is None or not styles:
        return {}
    module = mapnik()
    held = module.Map(8, 8, SRS)
    module.load_map_from_string(held, document)
    layer = module.Layer(name, SRS)
    layer.datasource = datasource(one.layer, one.style, view)
    # Fills and outlines are two passes over one reading.
    layer.cache_features = len(styles) > 1
    for style in styles:
        picture.append_style(f"{name}-{style}", held.find_style(style))
        layer.styles.append(f"{name}-{style}")
    picture.layers.append(layer)
    return named
