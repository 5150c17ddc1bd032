"""WMS and WMTS of others, shown through us: what they offer, and a picture of any view, within time and size."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.warp import reproject

from layers.catalogue import LayerEntry
from layers.crs import epsg
from layers.drawing.view import Bounds, View, bounds_between
from layers.models import Layer
from layers.raster import encoded
from layers.sources import health
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.fetch import Budget, fetched
from layers.sources.models import Source, SourceState
from layers.sources.pictures import Pixels, read_picture
from layers.sources.secrets import credentials_of
from layers.sources.wms import WmsOffer, read_wms, wms_map_url, wms_url
from layers.sources.wmts import WmtsOffer, read_wmts, tile_url, zoom_for
from layers.tile_cache import TileCache
from layers.tile_grids import TILE_PX, WEB_MERCATOR, TileAddress

CAPABILITIES_BYTES = 20 * 2**20
PICTURE_BYTES = 16 * 2**20
MOST_TILES = 64
"""Of a WMTS for one picture; with more the next coarser zoom is taken."""
KEPT_S = 600
"""Others do not say when their map changes: a picture is asked for again after this."""
_cache = TileCache(48 * 2**20)


def attach(source: Source) -> Layer:
    """Make or make again the layer of a cascaded service. Raises SourceRefused and SourceFailed."""
    offer = _offer(source)
    layer = source.layer or Layer(
        slug=source.slug, title_it=source.title, theme=source.theme, access=source.access, attribution=source.office
    )
    layer.kind, layer.geometry_field, layer.srid = Layer.Kind.REMOTE, "", 3857
    layer.raster_info = {"remote": msgspec.to_builtins(offer), "protocol": source.kind}
    layer.bbox = list(offer.bbox) if offer.bbox else None
    layer.source_file, layer.data_updated_at = source.office[:255], timezone.now()
    layer.full_clean(exclude=["theme", "bbox", "storage_bbox", "raster_info"])
    layer.save()
    now = timezone.now()
    SourceState.objects.update_or_create(
        source=source,
        defaults={
            "health": SourceState.Health.OK, "since": now, "succeeded_at": now, "tried_at": now, "failures": 0,
            "error": "", "retry_at": None, "columns": [],
        },
    )  # fmt: skip
    return layer


def look_at(source: Source) -> str:
    """Whether a cascaded service still offers its layer; the outcome is noted. Raises SourceFailed."""
    try:
        offer = _offer(source)
    except SourceRefused as error:
        health.changed(source.pk, str(error))
        raise SourceFailed(str(error)) from error
    except SourceFailed as error:
        health.failed(source.pk, str(error), is_slow=error.is_slow)
        raise
    health.worked(source.pk, is_whole=True)
    _keep(source, offer)
    return _("Risponde.")


def _keep(source: Source, offer: WmsOffer | WmtsOffer) -> None:
    """Take over what the service offers now: another format, CRS or address of tiles."""
    layer = source.layer
    held = {"remote": msgspec.to_builtins(offer), "protocol": source.kind}
    # As it is read back from the table, where a tuple is a list.
    if layer is not None and layer.raster_info != msgspec.json.decode(msgspec.json.encode(held)):
        layer.raster_info = held
        # Tiles that readers hold are of what it offered before.
        layer.data_version += 1
        layer.save(update_fields=["raster_info", "data_version"])


def _offer(source: Source) -> WmsOffer | WmtsOffer:
    budget = Budget(max(10.0, source.timeout_ms / 1000), CAPABILITIES_BYTES)
    url = source.address
    if source.kind == Source.Kind.WMS:
        url = wms_url(url, REQUEST="GetCapabilities", VERSION="1.3.0")
    answer, body = fetched(url, budget, credentials=credentials_of(source))
    del answer
    read = read_wms if source.kind == Source.Kind.WMS else read_wmts
    return read(body, source.remote_name, source.options)


def remote_tile(layer: LayerEntry, address: TileAddress, form: str) -> bytes:
    """One tile of WebMercatorQuad as "png" or "webp". Raises SourceFailed and SourceRefused."""
    key = (layer.id, layer.data_version, form, address, int(time.time() // KEPT_S))
    view = View(epsg(3857), WEB_MERCATOR.box(address), TILE_PX, TILE_PX)
    return _cache.get(key, lambda: encoded(_pixels(layer, view), form))


def remote_png(layer: LayerEntry, view: View) -> bytes:
    """The whole picture as PNG, transparent where there is nothing. Raises SourceFailed and SourceRefused."""
    return encoded(_pixels(layer, view), "png")


def _pixels(layer: LayerEntry, view: View) -> Pixels:
    source = Source.objects.filter(layer_id=layer.id).first()
    if source is None:
        raise SourceFailed(_("La fonte di questo livello non c'è più."))
    budget = Budget(source.timeout_ms / 1000, PICTURE_BYTES)
    credentials = credentials_of(source)

    def get(url: str) -> Pixels:
        answer, body = fetched(url, budget, credentials=credentials)
        return read_picture(body, answer.media)

    held = layer.raster_info.get("remote", {})
    if layer.raster_info.get("protocol") == Source.Kind.WMS:
        return _of_wms(source, msgspec.convert(held, WmsOffer), view, get)
    return _of_wmts(msgspec.convert(held, WmtsOffer), view, get)


def _of_wms(source: Source, offer: WmsOffer, view: View, get: Callable[[str], Pixels]) -> Pixels:
    if view.crs.srid in offer.srids:
        found = get(wms_map_url(source.address, offer, view.crs, view.box, view.width, view.height))
        if found.shape[1:] != (view.height, view.width):
            raise SourceFailed(_("Il WMS dà un'immagine di dimensioni diverse da quelle chieste."))
        return found
    srid = next((one for one in (3857, 32632, 4326) if one in offer.srids), offer.srids[0])
    box = bounds_between(view.crs.srid, srid, view.box)
    if box is None:
        return _nothing(view)
    found = get(wms_map_url(source.address, offer, epsg(srid), box, view.width, view.height))
    return _warped(found, srid, box, view)


def _of_wmts(offer: WmtsOffer, view: View, get: Callable[[str], Pixels]) -> Pixels:
    box = bounds_between(view.crs.srid, 3857, view.box)
    if box is None:
        return _nothing(view)
    zooms = sorted(int(zoom) for zoom in offer.matrices)
    zoom = zoom_for(offer, view)
    while zoom > zooms[0] and _tiles_of(zoom, box) > MOST_TILES:
        zoom = max(one for one in zooms if one < zoom)
    first, last, upper, lower = WEB_MERCATOR.span(zoom, _inside(box, zoom))
    mosaic = np.zeros((4, (lower - upper + 1) * TILE_PX, (last - first + 1) * TILE_PX), dtype=np.uint8)
    for y in range(upper, lower + 1):
        for x in range(first, last + 1):
            part = get(tile_url(offer, zoom, y, x))
            if part.shape[1:] != (TILE_PX, TILE_PX):
                raise SourceFailed(_("Il WMTS dà tessere di dimensioni diverse da 256."))
            top, left = (y - upper) * TILE_PX, (x - first) * TILE_PX
            mosaic[:, top : top + TILE_PX, left : left + TILE_PX] = part
    west, _south, _east, north = WEB_MERCATOR.box(TileAddress(zoom, upper, first))
    _west, south, east, _north = WEB_MERCATOR.box(TileAddress(zoom, lower, last))
    if mosaic.shape[1:] == (view.height, view.width) and np.allclose((west, south, east, north), view.box, atol=1e-3):
        return mosaic
    return _warped(mosaic, 3857, (west, south, east, north), view)


def _inside(box: Bounds, zoom: int) -> Bounds:
    """A hair smaller, so that a tile's own edge does not ask for its neighbours."""
    hair = WEB_MERCATOR.cell(zoom) / 100
    return box[0] + hair, box[1] + hair, box[2] - hair, box[3] - hair


def _tiles_of(zoom: int, box: Bounds) -> int:
    first, last, upper, lower = WEB_MERCATOR.span(zoom, _inside(box, zoom))
    return (last - first + 1) * (lower - upper + 1)


def _warped(pixels: Pixels, srid: int, box: Bounds, view: View) -> Pixels:
    found: NDArray[Any] = np.zeros((4, view.height, view.width), dtype=np.uint8)
    reproject(
        pixels,
        found,
        src_transform=from_bounds(*box, pixels.shape[2], pixels.shape[1]),
        src_crs=f"EPSG:{srid}",
        dst_transform=from_bounds(*view.box, view.width, view.height),
        dst_crs=f"EPSG:{view.crs.srid}",
        resampling=Resampling.bilinear,
    )
    return found


def _nothing(view: View) -> Pixels:
    return np.zeros((4, view.height, view.width), dtype=np.uint8)
