"""One run of the bench: data, servers, workloads, and the tables."""

from __future__ import annotations

import argparse
import itertools
import os
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from geoportal.runtime.cluster import Cluster
from layers.catalogue import LayerEntry
from tests.benchmarks import data, exports, front, peers, pictures
from tests.benchmarks.__main__ import DATABASE
from tests.benchmarks.measure import Case, Result, Web, measure, warm
from tests.benchmarks.verdicts import Verdicts
from tests.benchmarks.workloads import cases, covering, section_of
from tests.liveserver import served

JUDGED = 8
"""Askers for which the targets are written."""
HEAD = (
    "| workload | clients | requests/s | p50 ms | p99 ms | pgbench/s | ratio | TiPg/s | ratio | pygeoapi/s | load |\n"
)
PICTURES = "\n| pictures | clients | requests/s | p50 ms | p99 ms | TiTiler/s | ratio | load |\n"


class Out(Protocol):
    """Where the tables go."""

    def write(self, text: str, /) -> int: ...
    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Bench:
    """What the parts of a run share."""

    options: argparse.Namespace
    out: Out
    layer: LayerEntry
    root: str
    others: dict[str, str]
    database: dict[str, str]
    verdicts: Verdicts

    def measured(self, case: Case, others: dict[str, str]) -> Iterator[tuple[int, Result]]:
        """A case with every number of askers, each beside the same others; what is judged in several rounds."""
        numbers: list[int] = self.options.numbers
        for at, clients in enumerate(numbers):
            is_judged = clients == JUDGED or len(numbers) == 1
            rounds = self.options.rounds if is_judged else 1
            turn = (at, len(numbers))
            timing = {"clients": clients, "rounds": rounds, "seconds": self.options.seconds}
            yield clients, measure(case, self.root, others, self.database, turn=turn, **timing)


def run(cluster: Cluster, options: argparse.Namespace, out: Out) -> None:
    """Measure what is asked for and write the tables, as Markdown."""
    several = options.parcels if "parcels" in options.sections else 1000
    layer = data.make(cluster, options.buildings, several, options.streets)
    database = {"host": str(cluster.sockets), "user": "geoportal", "name": DATABASE}
    rasters = pictures.make_raster(peers.HOME)
    if "pictures" in options.sections:
        pictures.publish(rasters)
    out.write(f"{options.buildings} buildings, {options.workers} workers, load before: {os.getloadavg()[0]:.1f}\n\n")
    with ExitStack() as servers:
        root = servers.enter_context(served(workers=options.workers, GEOPORTAL_RASTER_DIR=str(rasters.parent)))
        others: dict[str, str] = {}
        if not options.alone and {"features", "tiles", "exports"} & set(options.sections):
            others["tipg"] = servers.enter_context(peers.tipg(database, options.workers))
            others["pygeoapi"] = servers.enter_context(peers.pygeoapi(database, options.workers))
        warm(f"{root}/ogc/collections", 8, 3)  # until every worker has started
        bench = Bench(options, out, layer, root, others, database, Verdicts())
        for name in options.sections:
            for line in _SECTIONS[name](bench):
                out.write(line)
                out.flush()
    out.write(bench.verdicts.table())


def _workloads(bench: Bench, section: str) -> Iterator[str]:
    yield f"\n{HEAD}|{'---|' * 11}\n"
    for case in cases(bench.layer):
        if section_of(case) != section:
            continue
        for clients, got in bench.measured(case, bench.others):
            if clients == JUDGED:
                more: dict[str, float | None] = {}
                if "bytes" in case.targets:
                    more["bytes"] = _largest(bench) / 1000
                bench.verdicts.judge(case, got, more)
            sql = _number(got.sql_per_s), _ratio(got.ours, got.sql_per_s)
            tipg = got.tipg.per_s if got.tipg else None
            theirs = _number(tipg, 1), _ratio(got.ours, tipg)
            row = (*_rates(got.ours), *sql, *theirs, _number(got.pygeoapi.per_s if got.pygeoapi else None, 1))
            yield f"| {case.name} | {clients} | {' | '.join(row)} | {_load()} |\n"


def _features(bench: Bench) -> Iterator[str]:
    return _workloads(bench, "features")


def _tiles(bench: Bench) -> Iterator[str]:
    yield from _workloads(bench, "tiles")
    case = next(case for case in cases(bench.layer) if case.name == "tile z15, cached")
    kept, plain = front.kept_tile(bench.layer, bench.root, case.path, JUDGED, bench.options.seconds)
    yield f"| {case.name} by nginx | {JUDGED} | {' | '.join(_rates(kept))} | – | – | – | – | – | {_load()} |\n"
    yield f"| a file of the same bytes | {JUDGED} | {' | '.join(_rates(plain))} | – | – | – | – | – | {_load()} |\n"
    bench.verdicts.add(f"{case.name} by nginx", "static", 0.5, kept.per_s / plain.per_s)


def _largest(bench: Bench) -> int:
    """Bytes of the largest tile of zooms 12 and 13, by default and with every attribute."""
    names = ",".join(f"a{number}" for number in range(12))
    sizes = []
    for z, asked in itertools.product((12, 13), ("", f"&properties={names}")):
        for at in covering(bench.layer, z):
            where = f"/ogc/collections/edifici/tiles/WebMercatorQuad/{at.z}/{at.y}/{at.x}?f=mvt{asked}"
            with urllib.request.urlopen(bench.root + where) as answer:
                sizes.append(len(answer.read()))
    return max(sizes)


def _pictures(bench: Bench) -> Iterator[str]:
    """Maps and raster tiles, these beside TiTiler."""
    yield f"{PICTURES}|{'---|' * 8}\n"
    with ExitStack() as servers:
        others, url = {}, ""
        if not bench.options.alone:
            where, url = servers.enter_context(pictures.titiler(peers.HOME / pictures.NAME, bench.options.workers))
            others["tipg"] = where
        tiles = [pictures.raster_case(form, url) for form in ("webp", "jpeg")]
        for case in [pictures.map_case(), *tiles]:
            for clients, got in bench.measured(case, others):
                if clients == JUDGED:
                    bench.verdicts.judge(case, got)
                theirs = got.tipg.per_s if got.tipg else None
                row = (*_rates(got.ours), _number(theirs, 1), _ratio(got.ours, theirs))
                yield f"| {case.name} | {clients} | {' | '.join(row)} | {_load()} |\n"


def _exports(bench: Bench) -> Iterable[str]:
    return exports.buildings(bench.layer, bench.root, bench.others.get("tipg", ""), bench.database, bench.verdicts)


def _parcels(bench: Bench) -> Iterable[str]:
    return exports.parcels(bench.root, bench.options.parcels, bench.verdicts)


_SECTIONS = {
    "features": _features, "tiles": _tiles, "pictures": _pictures, "exports": _exports, "parcels": _parcels,
}  # fmt: skip


def _rates(web: Web) -> tuple[str, str, str]:
    return f"{web.per_s:.0f}", f"{web.p50_ms:.1f}", f"{web.p99_ms:.1f}"


def _ratio(ours: Web, other: float | None) -> str:
    return _number(ours.per_s / other if other else None, 2)


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"
