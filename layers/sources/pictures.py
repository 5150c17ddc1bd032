"""A picture from elsewhere as RGBA pixels: size and kind looked at before a decoder sees it."""

from __future__ import annotations

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from layers.raster_colour import lookup
from layers.sources.errors import SourceFailed

Pixels = NDArray[np.uint8]
MOST_PIXELS = 16_777_216
_DRIVERS = ((b"\x89PNG\r\n\x1a\n", "PNG"), (b"\xff\xd8\xff", "JPEG"))


def read_picture(body: bytes, media: str) -> Pixels:
    """PNG, JPEG or WebP as (4, row, col). Raises SourceFailed; an exception report is quoted."""
    driver = next((name for magic, name in _DRIVERS if body.startswith(magic)), "")
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        driver = "WEBP"
    if not driver:
        if "xml" in media or body.lstrip()[:1] == b"<":
            text = " ".join(body[:2000].decode("utf-8", "replace").replace(">", "> ").split())
            raise SourceFailed(_("Risponde con un errore: %(text)s") % {"text": text[-250:]})
        raise SourceFailed(_("Non è un'immagine PNG, JPEG o WebP ma %(media)s.") % {"media": media or "?"})
    try:
        with MemoryFile(body) as memory, memory.open(driver=driver) as held:
            if held.width * held.height > MOST_PIXELS or held.dtypes[0] != "uint8":
                raise SourceFailed(
                    _("L'immagine è troppo grande: %(w)d × %(h)d.") % {"w": held.width, "h": held.height}
                )
            bands = held.read()
            if held.count == 1 and held.colorinterp[0] == ColorInterp.palette:
                coloured: Pixels = lookup(held.colormap(1))[bands[0]].transpose(2, 0, 1)
                return coloured
    except RasterioError as error:
        raise SourceFailed(_("L'immagine non si legge: %(error)s") % {"error": str(error)[:200]}) from error
    return _rgba(bands)


def _rgba(bands: Pixels) -> Pixels:
    count, height, width = bands.shape
    opaque = np.full((1, height, width), 255, dtype=np.uint8)
    if count == 1:
        return np.concatenate([bands, bands, bands, opaque])
    if count == 2:
        return np.concatenate([bands[:1], bands[:1], bands[:1], bands[1:]])
    return bands if count == 4 else np.concatenate([bands[:3], opaque])
