"""The data and the workloads of the bench, and its table."""

from __future__ import annotations

import argparse
import math
from typing import TextIO

import psycopg2
from django.core.management import call_command
from django.db import connection
from psycopg2 import sql

from geoportal.runtime.cluster import Cluster
from layers.catalogue import LayerEntry, catalogue
from layers.database import table_of
from layers.filters import Whitelist, column
from layers.items import ItemsQuery, feature_text, items_statement
from layers.rights import PUBLIC
from layers.tiles import FEATURE_CAP, TileAddress, tile_params, tile_statement
from tests.benchmarks.measure import Case, measure, warm
from tests.geodata import make_layer
from tests.liveserver import served

FIELDS = {f"a{n}": kind for n, kind in enumerate(["string", "integer", "number", "date"] * 3)}
FILL = """
INSERT INTO {table} (geom, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)
SELECT ST_Rotate(ST_Buffer(ST_SetSRID(ST_MakePoint(x, y), 32632), 5 + n % 7, 'quad_segs=' || 2 + n % 4), n, x, y),
       'uso ' || n % 9, n % 7, n / 3.0, date '2000-01-01' + n % 9000, 'zona ' || n % 40, n, sqrt(n), date '2010-01-01',
       'via ' || n % 902, n % 100, n / 7.0, date '2020-01-01' + n % 1000
FROM (SELECT n, 574500 + (n % 560) * 22.0 AS x, 4993800 + (n / 560) * 26.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""


def prepare(cluster: Cluster, buildings: int) -> LayerEntry:
    """The layer `edifici` in a database of its own, made anew."""
    admin = psycopg2.connect(host=str(cluster.sockets), user="geoportal", dbname="geoportal")
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS geoportal_bench WITH (FORCE)")
        cursor.execute("CREATE DATABASE geoportal_bench")
    admin.close()
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    call_command("migrate", verbosity=0)
    make_layer("edifici", "POLYGON", 32632, FIELDS, FILL.replace(":many", str(buildings)))
    return catalogue().layers["edifici"]


def rendered(statement: sql.Composable, params: dict[str, object]) -> str:
    """The statement as the server gets it, values in place."""
    with connection.cursor() as cursor:
        text: bytes = cursor.cursor.mogrify(statement, params)
    return text.decode()


def cases(layer: LayerEntry) -> list[Case]:
    """The workloads, each with the statement behind it."""
    box = "10.0200,45.1300,10.0255,45.1345"
    items, tiles = "/ogc/collections/edifici/items", "/ogc/collections/edifici/tiles/WebMercatorQuad"
    queries = {
        "items limit 10": (f"{items}?limit=10", ItemsQuery(limit=10)),
        "items limit 1000": (f"{items}?limit=1000", ItemsQuery(limit=1000)),
        "bbox, up to 500": (f"{items}?limit=500&bbox={box}", ItemsQuery(limit=500, bbox=box)),
        "offset 100000": (f"{items}?limit=10&offset=100000", ItemsQuery(limit=10, offset=100_000)),
        "CQL2": (
            f"{items}?limit=100&filter=a1%3D3%20AND%20a0%3D%27uso%203%27",
            ItemsQuery(limit=100, filter="a1=3 AND a0='uso 3'"),
        ),
    }
    found = [Case(name, path, rendered(*items_statement(layer, PUBLIC, q))) for name, (path, q) in queries.items()]
    one = sql.SQL("SELECT {} FROM {} AS f WHERE {} = 777").format(
        feature_text(layer, tuple(Whitelist.of(layer, PUBLIC).fields), ItemsQuery().crs, False),
        table_of(layer),
        column("fid"),
    )
    found.append(Case("one item", f"{items}/777", rendered(one, {})))
    for z in (13, 15, 17):
        address = _address(layer, z)
        statement = rendered(tile_statement(layer, (), address), tile_params(layer, address, FEATURE_CAP))
        where = f"{tiles}/{address.z}/{address.y}/{address.x}?f=mvt"
        found.append(Case(f"tile z{z}, cached", where, statement))
    found.append(Case("landing page", "/ogc/?f=json", None))
    found.append(Case("collections", "/ogc/collections?f=json", None))
    return found


def _address(layer: LayerEntry, z: int) -> TileAddress:
    west, south, east, north = layer.bbox or (0, 0, 0, 0)
    x = (west + east) / 2 / 360 + 0.5
    sine = math.sin(math.radians((south + north) / 2))
    y = 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return TileAddress(z, int(y * 2**z), int(x * 2**z))


def run(cluster: Cluster, options: argparse.Namespace, out: TextIO) -> None:
    """Measure every case and write the table."""
    layer = prepare(cluster, options.buildings)
    database = {"host": str(cluster.sockets), "user": "geoportal", "name": "geoportal_bench"}
    out.write(f"{options.buildings} buildings, {options.clients} clients, {options.workers} workers\n")
    out.write(f"{'workload':<24}{'requests/s':>12}{'p99 ms':>10}{'pgbench/s':>12}{'ratio':>8}\n")
    with served(workers=options.workers) as root:
        warm(f"{root}/ogc/collections", options.clients, 10)  # until every worker has started
        for case in cases(layer):
            got = measure(case, root, database, clients=options.clients, rounds=options.rounds, seconds=options.seconds)
            plain = f"{got.sql_per_s:12.0f}{got.ratio:8.2f}" if got.sql_per_s else f"{'–':>12}{'–':>8}"
            out.write(f"{case.name:<24}{got.per_s:12.0f}{got.p99_ms:10.1f}{plain}\n")
            out.flush()
