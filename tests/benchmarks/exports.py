"""Whole exports next to `psql COPY` of the same text: their time, their first byte, and how much the server grows."""

from __future__ import annotations

import statistics
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator

import psutil
from django.db import connection
from psycopg2 import sql

from layers.catalogue import LayerEntry
from layers.database import table_of
from layers.filters import Whitelist
from layers.items import ItemsQuery, feature_text
from layers.rights import PUBLIC
from tests.benchmarks import peers
from tests.benchmarks.measure import settle, warm
from tests.benchmarks.verdicts import Verdicts
from tests.benchmarks.workloads import THEIRS, rendered

TIMES = 3
Export = tuple[float, float, int, float]
"""Seconds to the end and to the first byte, bytes, and MB that the server grew by at its greatest."""


def buildings(layer: LayerEntry, root: str, tipg: str, database: dict[str, str], verdicts: Verdicts) -> Iterator[str]:
    """The table of whole exports of the buildings."""
    # Every worker's first answer loads its code; the last ones are whole, so that buffers have their size.
    warm(f"{root}/ogc/collections/edifici/export?f=geojson&a5=1", 8, 2)
    plain = _copy(layer, database)
    yield f"\n| whole export | seconds | first byte, ms | MB | times psql COPY | grows by, MB |\n|{'---|' * 6}\n"
    yield f"| psql COPY | {plain:.2f} | | | 1 | |\n"
    for form in ("geojson", "csv", "fgb", "kml", "parquet", "gpkg"):
        address = f"{root}/ogc/collections/edifici/export?f={form}"
        for _ in range(2):
            urllib.request.urlopen(f"{address}&a1=1", timeout=300).read()
        settle()
        found = [read(address) for _ in range(TIMES)]
        took, first = (statistics.median(times) for times in zip(*[one[:2] for one in found], strict=True))
        grown = max(one[3] for one in found)
        if form == "geojson":
            verdicts.add("full export, GeoJSON", "copy", 2, took / plain)
            verdicts.add("full export, GeoJSON", "first", 100, first * 1000)
            verdicts.add("full export, GeoJSON", "grows", 50, grown)
        yield _row(f"GeoPortal {form}", (took, first, found[0][2], grown), plain)
    if tipg:
        yield _row("TiPg geojson", read(f"{tipg}{THEIRS[0]}?limit={peers.MOST}&f=geojson", "uvicorn"), plain)


def _row(name: str, found: Export, plain: float) -> str:
    took, first, size, grown = found
    return f"| {name} | {took:.2f} | {first * 1000:.0f} | {size / 1e6:.0f} | {took / plain:.1f} | {grown:.0f} |\n"


def _copy(layer: LayerEntry, database: dict[str, str]) -> float:
    """Seconds that psql needs for the same features."""
    feature = feature_text(layer, tuple(Whitelist.of(layer, PUBLIC).fields), ItemsQuery().crs, skip_geometry=False)
    copy = rendered(sql.SQL("COPY (SELECT {} FROM {} AS f) TO STDOUT").format(feature, table_of(layer)), {})
    command = ["psql", "-q", "-h", database["host"], "-U", database["user"], "-d", database["name"], "-c", copy]
    took = []
    for _ in range(TIMES):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        took.append(time.perf_counter() - start)
    return statistics.median(took)


def parcels(root: str, many: int, verdicts: Verdicts) -> Iterator[str]:
    """The table of one whole export of the parcels and of one left half-way."""
    address = f"{root}/ogc/collections/particelle/export?f=geojson"
    for _ in range(4):
        urllib.request.urlopen(f"{address}&numero=1", timeout=300).read()
    warm(f"{address}&numero=1", 8, 2)
    settle()
    before = memory()
    took, first, size, grown = read(address)
    name = f"{many:,} parcels, GeoJSON"
    yield f"\n| {name} | seconds | first byte, ms | MB | server grows by, MB |\n|{'---|' * 5}\n"
    yield f"| whole | {took:.1f} | {first * 1000:.0f} | {size / 1e6:.0f} | {grown:.0f} |\n"
    verdicts.add(name, "first", 100, first * 1000)
    verdicts.add(name, "grows", 50, grown)
    _, first, _, _ = read(address, most=size // 2)
    left = time.perf_counter()
    while _readers() and time.perf_counter() - left < 30:
        time.sleep(0.02)
    freed = time.perf_counter() - left
    grown = (memory() - before) / 2**20
    half = f"left half-way | {freed:.2f} until the database is free"
    yield f"| {half} | {first * 1000:.0f} | {size / 2e6:.0f} | {grown:.0f} |\n"
    verdicts.add(f"{name}, left half-way", "grows", 50, grown)


def read(address: str, server: str = "granian", most: int = 2**62) -> Export:
    """Read an export, to its end or so many bytes of it."""
    before = peak = memory(server)

    def look() -> None:
        nonlocal peak
        peak = max(peak, memory(server))

    took, first, size = _read(address, look, most)
    return took, first, size, (peak - before) / 2**20


def _read(address: str, look: Callable[[], None], most: int) -> tuple[float, float, int]:
    """The answer is closed after `most` bytes."""
    start = time.perf_counter()
    with urllib.request.urlopen(address, timeout=600) as answer:
        size = len(answer.read(1))
        first = time.perf_counter() - start
        looked = 0
        while size < most and (part := answer.read(2**20)):
            size += len(part)
            if size - looked > 8 * 2**20:
                looked = size
                look()
        look()
    return time.perf_counter() - start, first, size


def memory(server: str = "granian") -> int:
    """Bytes of the serving processes that this one has started."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            parents = [process, *process.parents()[:2]]
            if any(server in " ".join(one.cmdline()) for one in parents):
                total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _readers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'geoportal export' AND state <> 'idle'"
        )
        (count,) = cursor.fetchone()
    return int(count)
