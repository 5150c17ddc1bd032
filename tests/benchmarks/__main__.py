"""`python -m tests.benchmarks [--buildings N] [--clients C] [--seconds S] [--rounds R]`: the table of the bench."""

from __future__ import annotations

import argparse
import os
import sys

from geoportal.runtime.cluster import Cluster
from tests import services

DATABASE = "geoportal_bench"


def main() -> int:
    """Make the data, serve it, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--buildings", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    cluster = Cluster(services.ROOT / "postgresql", durable=False)
    cluster.start()
    os.environ["GEOPORTAL_DB_NAME"] = DATABASE
    try:
        import django

        django.setup()
        from tests.benchmarks.run import run

        run(cluster, options, sys.stdout)
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
