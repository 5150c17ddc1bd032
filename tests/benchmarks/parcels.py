"""A million parcels as one GeoJSON file: how much the server grows, and what is left when the client goes half-way."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterator

import psutil
from django.db import connection

from tests.benchmarks.measure import warm
from tests.geodata import make_layer

FIELDS = {"foglio": "string", "numero": "integer", "superficie": "number", "qualita": "string"}
FILL = """
INSERT INTO {table} (geom, foglio, numero, superficie, qualita)
SELECT ST_MakeEnvelope(x, y, x + 11, y + 9, 32632), 'F' || n / 5000, n % 5000, 99.0, 'qualità ' || n % 7
FROM (SELECT n, 570000 + (n % 1000) * 12.0 AS x, 4990000 + (n / 1000) * 10.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""
STREETS = """
INSERT INTO {table} (geom, nome, lunghezza)
SELECT ST_MakeLine(ST_SetSRID(ST_MakePoint(x, y), 32632), ST_SetSRID(ST_MakePoint(x + 90, y + n % 60), 32632)),
       'via ' || n % 900, 90
FROM (SELECT n, 575000 + (n % 170) * 60.0 AS x, 4994000 + (n / 170) * 40.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""


def make(many: int, streets: int) -> None:
    """The layers `particelle` and `strade`."""
    make_layer("particelle", "POLYGON", 32632, FIELDS, FILL.replace(":many", str(many)))
    fields = {"nome": "string", "lunghezza": "number"}
    make_layer("strade", "LINESTRING", 32632, fields, STREETS.replace(":many", str(streets)))


def report(root: str, many: int) -> Iterator[str]:
    """The table of one whole export and of one left half-way."""
    address = f"{root}/ogc/collections/particelle/export?f=geojson"
    warm(f"{address}&numero=1", 8, 2)  # every worker's first answer loads its code
    before = memory()
    peak = before

    def look() -> None:
        nonlocal peak
        peak = max(peak, memory())

    start = time.perf_counter()
    first, size = _read(address, look)
    took = time.perf_counter() - start
    yield f"\n| {many} parcels, GeoJSON | seconds | first byte, ms | MB | server grows by, MB |\n|{'---|' * 5}\n"
    yield f"| whole | {took:.1f} | {first * 1000:.0f} | {size / 1e6:.0f} | {(peak - before) / 2**20:.0f} |\n"
    peak = memory()
    first, size = _read(address, look, most=size // 2)
    left = time.perf_counter()
    while _readers() and time.perf_counter() - left < 30:
        time.sleep(0.02)
    freed = f"{time.perf_counter() - left:.2f} s until the database is free"
    yield f"| left half-way | {freed} | {first * 1000:.0f} | {size / 1e6:.0f} | {(memory() - before) / 2**20:.0f} |\n"


def _read(address: str, look: Callable[[], None], most: int = 2**62) -> tuple[float, int]:
    """Seconds to the first byte, and bytes read; the answer is closed after `most` of them."""
    start = time.perf_counter()
    with urllib.request.urlopen(address, timeout=600) as answer:
        size = len(answer.read(1))
        first = time.perf_counter() - start
        while size < most and (part := answer.read(2**20)):
            size += len(part)
            look()
    return first, size


def memory() -> int:
    """Bytes of the serving processes that this one has started."""
    return sum(
        process.memory_info().rss
        for server in psutil.Process().children(recursive=True)
        if "granian" in " ".join(server.cmdline())
        for process in [server]
    )


def _readers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'geoportal export' AND state <> 'idle'"
        )
        (count,) = cursor.fetchone()
    return int(count)
