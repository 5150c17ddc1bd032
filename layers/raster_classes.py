"""Values of a band put in classes, from pixels that the overviews give."""

from __future__ import annotations

import numpy as np
from django.utils.translation import gettext as _
from rasterio.errors import RasterioError

from layers.catalogue import LayerEntry
from layers.errors import RasterUnreadable
from layers.raster import opened
from layers.styles.classify import METHODS, SPREAD, Asked, NothingToClassify, bounds_of, range_labels
from layers.styles.model import RasterClass
from layers.styles.palette import colours

SAMPLE_PX = 768
"""Most pixels on a side that are looked at, from the nearest overview."""


def classify_band(layer: LayerEntry, band: int, asked: Asked) -> tuple[RasterClass, ...]:
    """Classes of one band, numbered from 1. Raises NothingToClassify and RasterUnreadable."""
    try:
        held = opened(layer)
        source = held.source
        if band > source.count:
            raise NothingToClassify(
                _("Il raster ha %(count)s bande; chiesta la %(band)s.") % {"count": source.count, "band": band}
            )
        share = min(1.0, SAMPLE_PX / max(source.width, source.height))
        shape = max(1, round(source.height * share)), max(1, round(source.width * share))
        found = source.read(band, out_shape=shape, masked=True).compressed().astype(np.float64)
    except (RasterioError, OSError) as error:
        raise RasterUnreadable(f"The raster of layer {layer.slug!r} cannot be read: {str(error)[:200]}") from error
    values = np.sort(found[np.isfinite(found)])
    if not len(values):
        raise NothingToClassify(_("La banda non ha pixel con un valore."))
    if asked.method not in METHODS:
        raise NothingToClassify(_("Metodo «%(method)s» sconosciuto.") % {"method": asked.method[:40]})
    least, greatest = float(values[0]), float(values[-1])
    if len(values) > SPREAD:
        values = values[np.linspace(0, len(values) - 1, SPREAD).round().astype(int)]
    bounds = bounds_of(values, asked.method, asked.count)
    labels = range_labels([least, *bounds, greatest])
    shades = colours(asked.palette, len(bounds) + 1, reverse=asked.reverse)
    return tuple(
        RasterClass(maximum=top, colour=shade, label_it=label[0], label_en=label[1])
        for top, shade, label in zip((*bounds, greatest), shades, labels, strict=True)
    )
