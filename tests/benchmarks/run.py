"""The data and the workloads of the bench, and its table."""

from __future__ import annotations

import argparse
import itertools
import math
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import psycopg2
from django.core.management import call_command
from django.db import connection
from psycopg2 import sql

from geoportal.runtime.cluster import Cluster
from layers.catalogue import LayerEntry, catalogue
from layers.database import table_of
from layers.filters import Whitelist, column
from layers.items import ItemsQuery, feature_text, items, items_statement
from layers.rights import PUBLIC
from layers.tile_grids import TileAddress
from layers.tiles import FEATURE_CAP, tile_params, tile_statement
from tests.benchmarks import parcels, peers, pictures
from tests.benchmarks.measure import Case, ask_peer, measure, warm
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


class Out(Protocol):
    """Where the table goes."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...


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
    with connection.cursor() as cursor:
        # What an administrator would do for an attribute that is much filtered by; the other servers gain as much.
        cursor.execute("CREATE INDEX ON geodata.edifici (a8); ANALYZE geodata.edifici")
    return catalogue().layers["edifici"]


def rendered(statement: sql.Composable, params: dict[str, object]) -> str:
    """The statement as the server gets it, values in place."""
    with connection.cursor() as cursor:
        text: bytes = cursor.cursor.mogrify(statement, params)
    return text.decode()


ITEMS, TILES = "/ogc/collections/edifici/items", "/ogc/collections/edifici/tiles/WebMercatorQuad"
THEIRS = "/collections/geodata.edifici/items", "/collections/edifici/items"


def cases(layer: LayerEntry) -> list[Case]:
    """The workloads, each with the statement behind it and what the other servers are asked."""
    box, found = "10.0200,45.1300,10.0255,45.1345", []
    cql = "a1%3D3%20AND%20a8%3D%27via%2077%27"
    last = items(layer, PUBLIC, ItemsQuery(limit=10, offset=100_000)).next_after or ""
    asked: list[tuple[str, str, ItemsQuery]] = [
        ("items limit 10", "limit=10", ItemsQuery(limit=10)),
        ("items limit 1000", "limit=1000", ItemsQuery(limit=1000)),
        ("bbox, up to 500", f"limit=500&bbox={box}", ItemsQuery(limit=500, bbox=box)),
        ("CQL2", f"limit=100&filter={cql}", ItemsQuery(limit=100, filter="a1=3 AND a8='via 77'")),
        ("offset 100000", "limit=10&offset=100000", ItemsQuery(limit=10, offset=100_000)),
    ]
    for name, question, query in asked:
        to_tipg, to_pygeoapi = (
            f"{root}?{question}&f={form}" for root, form in zip(THEIRS, ("geojson", "json"), strict=True)
        )
        if name == "CQL2":
            to_tipg, to_pygeoapi = f"{to_tipg}&filter-lang=cql2-text", f"{to_pygeoapi}&filter-lang=cql2-text"
        statement = rendered(*items_statement(layer, PUBLIC, query))
        found.append(Case(name, f"{ITEMS}?{question}", statement, to_tipg, to_pygeoapi))
    following = rendered(*items_statement(layer, PUBLIC, ItemsQuery(limit=10, after=last)))
    found.append(Case("next after 100000", f"{ITEMS}?limit=10&after={last}", following))
    found.append(Case("one item", f"{ITEMS}/777", _one(layer), f"{THEIRS[0]}/777", f"{THEIRS[1]}/777"))
    found += [
        _uncached(layer, "tiles z12-13, uncached", (12, 13)),
        _uncached(layer, "tiles z14-17, uncached", (14, 15, 16, 17)),
    ]
    for z in (13, 15, 17):
        address = _address(layer, z)
        where = f"WebMercatorQuad/{address.z}/{address.x}/{address.y}"
        at_tipg = f"/collections/geodata.edifici/tiles/{where}"
        found.append(Case(f"tile z{z}, cached", _path(address), _tile(layer, address), at_tipg))
    found.append(Case("streets, items limit 100", "/ogc/collections/strade/items?limit=100"))
    return [*found, Case("landing page", "/ogc/?f=json"), Case("collections", "/ogc/collections?f=json")]


def _one(layer: LayerEntry) -> str:
    fields = tuple(Whitelist.of(layer, PUBLIC).fields)
    form = sql.SQL("SELECT {} FROM {} AS f WHERE {} = 777")
    feature = feature_text(layer, fields, ItemsQuery().crs, skip_geometry=False)
    return rendered(form.format(feature, table_of(layer), column("fid")), {})


def _tile(layer: LayerEntry, address: TileAddress) -> str:
    return rendered(tile_statement(layer, (), address), tile_params(layer, address, FEATURE_CAP))


def _path(address: TileAddress, fields: str = "") -> str:
    return f"{TILES}/{address.z}/{address.y}/{address.x}?f=mvt{f'&properties={fields}' if fields else ''}"


def _uncached(layer: LayerEntry, name: str, zooms: tuple[int, ...]) -> Case:
    """Tiles around the middle, each with another choice of attributes: no cache has met it."""
    middle = [_address(layer, z) for z in zooms]
    reach = range(-4, 5)
    places = [
        TileAddress(m.z, m.y + dy, m.x + dx)
        for m in middle
        for dy in reach
        for dx in reach
        if m.z > 13 or abs(dx) + abs(dy) < 2
    ]
    names = list(Whitelist.of(layer, PUBLIC).fields)
    chosen = [",".join(pair) for pair in itertools.permutations(names, 2)]
    paths = tuple(_path(place, fields) for fields in chosen for place in places)
    where = middle[-1]
    return Case(
        name,
        _path(where),
        _tile(layer, where),
        f"/collections/geodata.edifici/tiles/WebMercatorQuad/{where.z}/{where.x}/{where.y}",
        paths=paths,
    )


def _address(layer: LayerEntry, z: int) -> TileAddress:
    west, south, east, north = layer.bbox or (0, 0, 0, 0)
    x = (west + east) / 2 / 360 + 0.5
    sine = math.sin(math.radians((south + north) / 2))
    y = 0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)
    return TileAddress(z, int(y * 2**z), int(x * 2**z))


def run(cluster: Cluster, options: argparse.Namespace, out: Out) -> None:
    """Measure what is asked for and write the tables, as Markdown."""
    layer = prepare(cluster, options.buildings)
    database = {"host": str(cluster.sockets), "user": "geoportal", "name": "geoportal_bench"}
    out.write(f"{options.buildings} buildings, {options.workers} workers, load before: {os.getloadavg()[0]:.1f}\n\n")
    with ExitStack() as servers:
        rasters = pictures.make_raster(peers.HOME)
        if "pictures" in options.sections:
            pictures.publish(rasters)
        if {"parcels", "features"} & set(options.sections):
            parcels.make(options.parcels if "parcels" in options.sections else 1000, options.streets)
        root = servers.enter_context(served(workers=options.workers, GEOPORTAL_RASTER_DIR=str(rasters.parent)))
        others = {"tipg": "", "pygeoapi": ""}
        if not options.alone and {"features", "tiles", "exports"} & set(options.sections):
            others["tipg"] = servers.enter_context(peers.tipg(database, options.workers))
            others["pygeoapi"] = servers.enter_context(peers.pygeoapi(database, options.workers))
        warm(f"{root}/ogc/collections", 8, 3 if options.quick else 10)  # until every worker has started
        chosen = [case for case in cases(layer) if case.section in options.sections]
        table(chosen, root, others, database, options, out)
        if "pictures" in options.sections:
            draw(root, rasters, options, out, servers)
        if "exports" in options.sections:
            for line in exports(layer, root, others["tipg"], database):
                out.write(line)
        if "parcels" in options.sections:
            for line in parcels.report(root, options.parcels):
                out.write(line)


HEAD = "| workload | clients | requests/s | p50 ms | p99 ms | pgbench/s | ratio | TiPg/s | pygeoapi/s | load |\n"


def table(
    chosen: list[Case],
    root: str,
    others: dict[str, str],
    database: dict[str, str],
    options: argparse.Namespace,
    out: Out,
) -> None:
    """Every case with every number of clients; the other servers are asked by the number their targets are for."""
    if not chosen:
        return
    out.write(f"{HEAD}|{'---|' * 10}\n")
    for case, clients in itertools.product(chosen, options.numbers):
        timing = {"clients": clients, "seconds": options.seconds}
        got = measure(case, root, database, rounds=options.rounds, **timing)
        rates = [f"{got.per_s:.0f}", f"{got.p50_ms:.1f}", f"{got.p99_ms:.1f}"]
        rates += [_number(got.sql_per_s), _number(got.ratio, 2)]
        for name, other in others.items():
            path = getattr(case, name)
            asked = bool(other and path) and (clients == 8 or len(options.numbers) == 1)
            rates.append(_number(ask_peer(other + path, **timing) if asked else None, 1))
        out.write(f"| {case.name} | {clients} | {' | '.join(rates)} | {os.getloadavg()[0]:.1f} |\n")
        out.flush()


def draw(root: str, path: Path, options: argparse.Namespace, out: Out, servers: ExitStack) -> None:
    """Maps and raster tiles, these beside TiTiler."""
    theirs, rest = servers.enter_context(pictures.titiler(path, options.workers)) if not options.alone else ("", "")
    out.write(f"\n| pictures | clients | requests/s | p50 ms | p99 ms | TiTiler/s | load |\n|{'---|' * 7}\n")
    every = [pictures.map_case(), pictures.raster_case("webp"), pictures.raster_case("jpeg")]
    for case, clients in itertools.product(every, options.numbers):
        timing = {"clients": clients, "seconds": options.seconds}
        got = measure(case, root, {}, rounds=options.rounds, **timing)
        paths = tuple(one + rest for one in case.tipg_paths)
        other = ask_peer(theirs + paths[0], **timing, paths=paths) if theirs and paths else None
        rates = f"{got.per_s:.0f} | {got.p50_ms:.1f} | {got.p99_ms:.1f} | {_number(other, 1)}"
        out.write(f"| {case.name} | {clients} | {rates} | {os.getloadavg()[0]:.1f} |\n")
        out.flush()


def exports(layer: LayerEntry, root: str, tipg: str, database: dict[str, str]) -> Iterator[str]:
    """Whole exports, next to COPY of the same text by psql."""
    feature = feature_text(layer, tuple(Whitelist.of(layer, PUBLIC).fields), ItemsQuery().crs, skip_geometry=False)
    copy = rendered(sql.SQL("COPY (SELECT {} FROM {} AS f) TO STDOUT").format(feature, table_of(layer)), {})
    warm(f"{root}/ogc/collections/edifici/export?f=geojson&a5=1", 8, 2)  # every worker's first answer loads its code
    command = ["psql", "-q", "-h", database["host"], "-U", database["user"], "-d", database["name"], "-c", copy]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    plain = time.perf_counter() - start
    yield "\n| whole export | seconds | first byte, ms | MB | times psql COPY |\n|---|---|---|---|---|\n"
    yield f"| psql COPY | {plain:.2f} | | | 1 |\n"
    asked = [
        (f"GeoPortal {form}", f"{root}/ogc/collections/edifici/export?f={form}") for form in ("geojson", "csv", "gpkg")
    ]
    if tipg:
        asked.append(("TiPg geojson", f"{tipg}{THEIRS[0]}?limit={peers.MOST}&f=geojson"))
    for name, address in asked:
        start = time.perf_counter()
        with urllib.request.urlopen(address, timeout=300) as answer:
            size = len(answer.read(1))
            first = time.perf_counter() - start
            while part := answer.read(2**20):
                size += len(part)
        took = time.perf_counter() - start
        yield f"| {name} | {took:.2f} | {first * 1000:.0f} | {size / 1e6:.0f} | {took / plain:.1f} |\n"


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
