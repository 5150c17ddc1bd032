"""`python -m tests.benchmarks [--only features,tiles] [--clients 1 8 32] [--quick] …`: the tables of the bench."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from geoportal.runtime.cluster import Cluster
from tests import services

DATABASE = "geoportal_bench"
SECTIONS = ("features", "tiles", "pictures", "exports", "parcels")


class Both:
    """Writes to two places."""

    def __init__(self, *places: TextIO) -> None:
        self._places = places

    def write(self, text: str) -> int:
        for place in self._places:
            place.write(text)
            place.flush()
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""


def main() -> int:
    """Make the data, serve it, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--buildings", type=int, default=200_000)
    parser.add_argument("--parcels", type=int, default=1_000_000)
    parser.add_argument("--streets", type=int, default=30_000)
    parser.add_argument("--clients", nargs="+", help="how many ask at the same time (1 8 32)")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections, by commas, of {', '.join(SECTIONS)}")
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument(
        "--rounds", type=int, default=2, help="of ours, pgbench and the others in turn; the median counts"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one round of one second each, 120,000 buildings")
    parser.add_argument("--alone", action="store_true", help="without TiPg and pygeoapi")
    options = parser.parse_args()
    if options.quick:
        options.buildings, options.seconds, options.rounds = min(options.buildings, 120_000), 1, 1
        options.parcels, options.clients = min(options.parcels, 200_000), options.clients or ["8"]
    options.sections = [name.strip() for name in options.only.split(",")]
    numbers = ",".join(options.clients or ["1,8,32"]).split(",")
    options.numbers = sorted({int(number) for number in numbers if number})
    if unknown := sorted(set(options.sections) - set(SECTIONS)):
        parser.error(f"there is no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    cluster = Cluster(services.ROOT / "postgresql", durable=False)
    cluster.start()
    os.environ["GEOPORTAL_DB_NAME"] = DATABASE
    try:
        import django

        django.setup()
        from tests.benchmarks import peers
        from tests.benchmarks.run import run

        peers.HOME.mkdir(parents=True, exist_ok=True)
        target = peers.HOME / f"{datetime.now(UTC):%Y%m%d-%H%M}.md"
        with target.open("w", encoding="utf-8") as report:
            run(cluster, options, Both(sys.stdout, report))
        sys.stdout.write(f"\nwritten to {target}\n")
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
