"""Mapnik, loaded on first use and without a trace in the process.

Importing it sets PROJ_LIB, GDAL_DATA and ICU_DATA to folders of its own, after which GeoDjango and rasterio no longer
find theirs. Nothing here asks Mapnik to transform coordinates (PostGIS and pyproj do), so it never needs PROJ again.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from types import ModuleType

TOUCHED = ("PROJ_LIB", "PROJ_DATA", "GDAL_DATA", "ICU_DATA")
SRS = "epsg:3857"
"""Said of every map and every layer, whatever their CRS: equal on both sides, so that nothing is transformed."""
FONT = "DejaVu Sans Book"

_lock = threading.Lock()


def mapnik() -> ModuleType:
    """The module, imported once; the environment is as before."""
    with _lock:
        return _imported()


@cache
def _imported() -> ModuleType:
    before = {name: os.environ.get(name) for name in TOUCHED}
    try:
        import mapnik as module

        # ICU looks for its data when the first text is drawn, which must happen while it is told where.
        _draw_a_letter(module)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    found: ModuleType = module
    return found


def _draw_a_letter(module: ModuleType) -> None:
    picture = module.Map(8, 8, SRS)
    module.load_map_from_string(
        picture,
        f'<Map srs="{SRS}"><Style name="a"><Rule><TextSymbolizer face-name="{FONT}" size="4">"a"</TextSymbolizer>'
        "</Rule></Style></Map>",
    )
    points = module.MemoryDatasource()
    feature = module.Feature(module.Context(), 1)
    feature.geometry = module.Geometry.from_wkt("POINT(0 0)")
    points.add_feature(feature)
    layer = module.Layer("a", SRS)
    layer.datasource = points
    layer.styles.append("a")
    picture.layers.append(layer)
    picture.zoom_to_box(module.Box2d(-4, -4, 4, 4))
    module.render(picture, module.Image(8, 8))
