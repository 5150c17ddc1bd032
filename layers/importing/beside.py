"""What may lie beside a raster and says where it is: a world file, a .prj. Read by us, as text, and by nobody else.

Sources: ESRI's description of world files; the .prj is a WKT, or an EPSG code where a program wrote that.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from affine import Affine
from django.utils.translation import gettext as _

from layers.importing.crs import FoundCrs, declared
from layers.importing.errors import ImportRefused

RASTER_SUFFIXES = frozenset({".tif", ".tiff", ".asc", ".grd", ".txt"})
WORLD_SUFFIXES = (".tfw", ".tifw", ".tiffw", ".wld")
_MOST_BYTES = 64_000
_OLD_PARAMETERS = {("UTM", "32", "WGS84"): 32632, ("UTM", "33", "WGS84"): 32633, ("UTM", "32", "ED50"): 23032}
"""Projection, zone and datum in the .prj that came before WKT (`Projection UTM`, `Zone 32`, `Datum WGS84`)."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What was found, None for what was not."""

    transform: Affine | None = None
    crs: FoundCrs | None = None


def parts_of(path: Path) -> list[Path]:
    """The files beside a raster that are looked at: same name, in any case of letters."""
    if path.suffix.lower() not in RASTER_SUFFIXES:
        return []
    wanted = {path.stem.lower() + suffix for suffix in (*WORLD_SUFFIXES, ".prj")}
    return [part for part in sorted(path.parent.iterdir()) if part.name.lower() in wanted and not part.is_symlink()]


def found_beside(parts: list[Path]) -> Beside:
    """Where the files beside a raster say that it is. Raises ImportRefused for one that makes no sense."""
    transform, crs = None, None
    for part in parts:
        text = part.read_bytes()[:_MOST_BYTES].decode("latin-1")
        if part.suffix.lower() == ".prj":
            crs = _system(text, part.name)
        else:
            transform = _world(text, part.name)
    return Beside(transform, crs)


def _world(text: str, name: str) -> Affine:
    try:
        a, d, b, e, x, y = (float(line.replace(",", ".")) for line in text.split()[:6])
        good = all(map(math.isfinite, (a, d, b, e, x, y))) and a != 0 and e != 0
    except ValueError:
        good = False
    if not good:
        raise ImportRefused(
            _("Il file %(name)s non ha i sei numeri di un file di georeferenziazione.") % {"name": name}
        )
    # The file tells the middle of the first pixel, the transform its corner.
    return Affine(a, b, x, d, e, y) * Affine.translation(-0.5, -0.5)


def _system(text: str, name: str) -> FoundCrs | None:
    if not text.strip():
        return None
    words = {
        key.lower(): value.upper()
        for key, value in re.findall(r"^(projection|zone|datum)\s+(\S+)", text, re.IGNORECASE | re.MULTILINE)
    }
    code = _OLD_PARAMETERS.get((words.get("projection", ""), words.get("zone", ""), words.get("datum", "")))
    return declared(f"EPSG:{code}" if code else text.strip(), _("dal file %(name)s") % {"name": name})
