"""What a cascaded WMS or WMTS says of a point: asked in the best of its formats that we read, told as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.crs import epsg
from layers.drawing.view import View, bounds_between
from layers.errors import RemoteAnswerUnread
from layers.sources.errors import SourceErred, SourceFailed
from layers.sources.fetch import Budget, fetched
from layers.sources.info_formats import read_info
from layers.sources.models import Source
from layers.sources.secrets import credentials_of
from layers.sources.wms import WmsOffer, wms_info_url
from layers.sources.wmts import WmtsOffer, info_url, zoom_for
from layers.tile_grids import TILE_PX, WEB_MERCATOR, TileAddress

INFO_BYTES = 2**20
AROUND_PX = 50
"""The picture that is asked about where the other server does not know the CRS: so many pixels on each side."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A pixel of a picture, from its upper left corner."""

    view: View
    column: int
    row: int


def tells_of_points(layer: LayerEntry) -> bool:
    """Whether a layer is a cascaded one whose server answers GetFeatureInfo in a format that we read."""
    return layer.kind == "remote" and bool(layer.raster_info.get("remote", {}).get("info"))


def remote_info(layer: LayerEntry, spot: Spot, limit: int) -> list[dict[str, Any]]:
    """At most `limit` GeoJSON features without geometry, whose properties are texts, numbers and truths.

    Raises SourceFailed when the server does not answer, RemoteAnswerUnread when it answers with something else.
    """
    source = Source.objects.filter(layer_id=layer.id).first()
    if source is None:
        raise SourceFailed(_("La fonte di questo livello non c'è più."))
    url = _question(source, layer.raster_info, spot, limit)
    if not url:
        return []
    try:
        answer, body = fetched(url, Budget(source.timeout_ms / 1000, INFO_BYTES), credentials=credentials_of(source))
        rows = read_info(body, answer.media or str(layer.raster_info["remote"]["info"]))
    except SourceErred as error:
        # It is there and draws its maps: that it does not tell of a point is no reason to leave it alone.
        raise RemoteAnswerUnread(layer.slug, str(error)) from error
    return [
        {"type": "Feature", "id": name or str(number), "geometry": None, "properties": facts}
        for number, (name, facts) in enumerate(rows[:limit], 1)
    ]


def _question(source: Source, held: dict[str, Any], spot: Spot, limit: int) -> str:
    """The address to ask; empty where the place means nothing over there."""
    if held.get("protocol") == Source.Kind.WMTS:
        return _of_tile(msgspec.convert(held["remote"], WmtsOffer), spot)
    offer = msgspec.convert(held["remote"], WmsOffer)
    asked = _in_their_crs(spot, offer)
    return wms_info_url(source.address, offer, asked.view, (asked.column, asked.row), limit) if asked else ""


def _of_tile(offer: WmtsOffer, spot: Spot) -> str:
    """The pixel of their tile that lies where the spot is, at the zoom that the map would be drawn from."""
    view = spot.view
    west, _south, _east, north = view.box
    across, down = (view.box[2] - west) / view.width, (north - view.box[1]) / view.height
    x, y = west + (spot.column + 0.5) * across, north - (spot.row + 0.5) * down
    around = bounds_between(view.crs.srid, 3857, (x - across / 4, y - down / 4, x + across / 4, y + down / 4))
    if around is None:
        return ""
    east, up = (around[0] + around[2]) / 2, (around[1] + around[3]) / 2
    zoom = zoom_for(offer, view)
    column, _last, row, _lower = WEB_MERCATOR.span(zoom, (east, up, east, up))
    tile, cell = TileAddress(zoom, row, column), WEB_MERCATOR.cell(zoom)
    left, _bottom, _right, top = WEB_MERCATOR.box(tile)
    pixel = (min(TILE_PX - 1, max(0, int((east - left) / cell))), min(TILE_PX - 1, max(0, int((top - up) / cell))))
    return info_url(offer, tile, pixel)


def _in_their_crs(spot: Spot, offer: WmsOffer) -> Spot | None:
    """The same place in a CRS that the other server knows; None where that one means nothing."""
    view = spot.view
    if view.crs.srid in offer.srids:
        return spot
    west, _south, _east, north = view.box
    across, down = (view.box[2] - west) / view.width, (north - view.box[1]) / view.height
    x, y = west + (spot.column + 0.5) * across, north - (spot.row + 0.5) * down
    reach = AROUND_PX + 0.5
    box = bounds_between(
        view.crs.srid, offer.srids[0], (x - reach * across, y - reach * down, x + reach * across, y + reach * down)
    )
    if box is None:
        return None
    side = 2 * AROUND_PX + 1
    return Spot(View(epsg(offer.srids[0]), box, side, side), AROUND_PX, AROUND_PX)
