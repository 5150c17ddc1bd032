"""Which GDAL drivers a reader keeps: those of the kind of file it was asked to read, and no other is even registered.

GDAL registers its drivers when pyogrio or rasterio is first imported, and leaves out those that GDAL_SKIP names; so
the reader must choose before that import. The two wheels bring each a GDAL of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

RASTER_KEPT = ("GTiff", "COG", "AAIGrid", "MEM", "VRT")
"""VRT is how a raster without a declared CRS gets one: a file of our own; none that somebody brought is opened so."""
_ALWAYS = {
    # Nothing on the network, and nothing a file brings along is run.
    "GDAL_HTTP_TIMEOUT": "1",
    "GDAL_HTTP_MAX_RETRY": "0",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "CPL_CURL_ENABLE_VSIMEM": "NO",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "GDAL_VRT_ENABLE_RAWRASTERBAND": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
    "OGR_GEOJSON_MAX_OBJ_SIZE": "400",
    "GDAL_DRIVER_PATH": "disable",
    "PROJ_NETWORK": "OFF",
    # Its own Arrow stream writes past its buffer where a feature has no geometry (GDAL 3.12).
    "OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES",
    "GDAL_CACHEMAX": "256",
}


def known() -> dict[str, list[str]]:
    """The names of all drivers of both wheels, found out in a child so that this process registers none."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        import pyogrio
        import rasterio

        with rasterio.Env() as env:
            names = {"vector": sorted(pyogrio.list_drivers()), "raster": sorted(env.drivers())}
        os.write(there, json.dumps(names).encode())
        os._exit(0)
    os.close(there)
    with os.fdopen(here, "rb") as answer:
        found: dict[str, list[str]] = json.loads(answer.read())
    return found


def keep_only(wanted: Iterable[str], drivers: dict[str, list[str]]) -> None:
    """Set the environment so that only these drivers (none named: those a raster needs) will be registered."""
    keep = set(wanted)
    skipped = set(drivers["vector"]) - keep if keep else set(drivers["raster"]) - set(RASTER_KEPT)
    os.environ.update(_ALWAYS, GDAL_SKIP=",".join(sorted(skipped)))
