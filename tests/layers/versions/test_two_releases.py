"""Two real releases of the house numbers, which share no identifier: synchronised by position, and the first kept.

What is added, changed and removed is computed a second time from the files themselves, by shapely's search tree.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from django.core.management import call_command
from django.test import Client
from pyproj import Transformer

from layers.models import ImportOutcome, Layer
from tests.geodata import forget_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

CREMONA, TOLERANCE_M = "019036", 1.0
OCTOBER = "addresses/anncsu_lombardia_2025-10-10.pmtiles"
DECEMBER = "derived/anncsu_cremona_civici_2025-12-02.gpkg"
Points = np.ndarray[Any, Any]


def october(folder: Path) -> Points:
    """Easting and northing (EPSG:32632) of Cremona's numbers of 2025-10-10, in file order, by pyogrio alone."""
    _meta, _fids, shapes, (codes,) = pyogrio.raw.read(folder / OCTOBER, columns=["codice_istat"])
    points = shapely.get_geometry(shapely.from_wkb(shapes[codes == CREMONA]), 0)
    x, y = Transformer.from_crs(3857, 32632, always_xy=True).transform(shapely.get_x(points), shapely.get_y(points))
    return np.asarray(shapely.points(x, y))


def december(folder: Path) -> Points:
    _meta, _fids, shapes, _values = pyogrio.raw.read(folder / DECEMBER, columns=[])
    return np.asarray(shapely.from_wkb(shapes))


def expected(old: Points, new: Points) -> dict[str, int]:
    """Nearest pairs first, each point once, to the millimetre; what is left over came or went."""
    of_old, of_new = shapely.STRtree(new).query(old, predicate="dwithin", distance=TOLERANCE_M)
    distance = np.round(shapely.distance(old[of_old], new[of_new]), 3)
    taken_old, taken_new, moved = set(), set(), 0
    for place in np.lexsort((of_new, of_old, distance)):
        one, other = int(of_old[place]), int(of_new[place])
        if one not in taken_old and other not in taken_new:
            taken_old.add(one)
            taken_new.add(other)
            moved += distance[place] > 0
    pairs = len(taken_old)
    return {
        "added": len(new) - pairs, "removed": len(old) - pairs, "changed": moved, "moved": moved,
        "unchanged": pairs - moved,
    }  # fmt: skip


def everything(client: Client, slug: str, moment: str = "") -> tuple[str, list[str]]:
    """Every feature by the export, as a line each."""
    asked = {"f": "csv", "crs": "http://www.opengis.net/def/crs/EPSG/0/32632"} | (
        {"datetime": moment} if moment else {}
    )
    response = client.get(f"/ogc/collections/{slug}/export", asked)
    assert response.status_code == 200
    head, *lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    return head, sorted(lines)


def test_synchronised_by_position_and_seen_as_it_was(client: Client, real_data: Path) -> None:
    shared = ["--slug=civici", "--access=public", "--verbosity=0"]
    only = f"--where=codice_istat={CREMONA}"
    call_command("import_layer", str(real_data / OCTOBER), only, "--as-of=2025-10-10", *shared)
    forget_catalogue()
    old, new = october(real_data), december(real_data)
    before = everything(client, "civici")
    assert len(before[1]) == len(old)

    sync = ["--mode=synchronise", f"--tolerance={TOLERANCE_M}", "--ignore=date", "--as-of=2025-12-02", *shared]
    call_command("import_layer", str(real_data / DECEMBER), "--dry-run", *sync)
    shown = ImportOutcome.objects.latest("id")
    counts = expected(old, new)
    assert {name: shown.changes[name] for name in counts} == counts
    assert (shown.result, Layer.objects.get(slug="civici").feature_count) == ("checked", len(old))

    call_command("import_layer", str(real_data / DECEMBER), *sync)
    done = ImportOutcome.objects.latest("id")
    assert {name: done.changes[name] for name in counts} == counts
    forget_catalogue()
    after = everything(client, "civici")
    assert len(after[1]) == len(new)
    assert after[1] != before[1]
    # The layer of October, exactly; and before it nothing.
    assert everything(client, "civici", "2025-11-01") == before
    assert everything(client, "civici", "2025-10-09")[1] == []
    assert everything(client, "civici", "2025-12-02") == after
