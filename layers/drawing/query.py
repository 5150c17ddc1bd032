"""What is drawn at a pixel: features of a table that meet a small box round it."""

from __future__ import annotations

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.crs import crs84
from layers.database import read_row, table_of
from layers.drawing.draw import in_scale
from layers.drawing.source import search_box
from layers.drawing.view import View
from layers.filters import Whitelist, column
from layers.items import feature_text
from layers.rights import Audience
from layers.styles.geometry import drawn_as

REACH_PX = 5.0
"""Marks and lines are hit when the pointer is as near as this; areas only when it is in them."""


def features_at(layer: LayerEntry, audience: Audience, view: View, pixel: tuple[float, float], limit: int) -> bytes:
    """GeoJSON features in CRS84, comma separated, smallest first, with the attributes the audience may see."""
    if not layer.geometry_field or not in_scale(layer, view):
        return b""
    srid = layer.srid or 4326
    box = search_box(
        layer, _spot(view, pixel, 0.5 if drawn_as(layer.geometry_type) == ("polygon",) else REACH_PX), srid
    )
    if box is None:
        return b""
    statement = sql.SQL(queries("layers", "drawing")["found"]).format(
        feature=feature_text(layer, tuple(Whitelist.of(layer, audience).fields), crs84(), skip_geometry=False),
        table=table_of(layer),
        geometry=column(layer.geometry_field),
        id=column(layer.id_field),
    )
    west, south, east, north = box
    values = {"west": west, "south": south, "east": east, "north": north, "srid": srid, "limit": limit}
    (found,) = read_row(statement, values, text_as_bytes=True)
    return bytes(found or b"")


def _spot(view: View, pixel: tuple[float, float], reach: float) -> View:
    west, south, east, north = view.box
    across, down = (east - west) / view.width, (north - south) / view.height
    x, y = west + (pixel[0] + 0.5) * across, north - (pixel[1] + 0.5) * down
    return View(view.crs, (x - reach * across, y - reach * down, x + reach * across, y + reach * down), 1, 1)
