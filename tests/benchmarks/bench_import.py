"""`make benchimport FEATURES=1000000`: a GeoPackage through a worker, next to ogr2ogr into the same database.

And before it, how long a job that does nothing takes, from its row to its answer.

The worker repairs, transforms, makes a second geometry for tiles, both spatial indexes, a key and the catalogue's row;
ogr2ogr (COPY) makes the table, one spatial index and the key. The database of the tests does not wait for the disk.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyogrio.raw
import pytest
import shapely
from django.conf import settings
from django.db import connection

from layers.jobs import services
from layers.jobs.models import Job
from layers.models import Layer

pytestmark = pytest.mark.django_db(transaction=True)
FEATURES = int(os.environ.get("FEATURES", "200000"))


def made(path: Path) -> Path:
    """House-like polygons on a grid in EPSG:32632, with a text, a code and two numbers."""
    number = np.arange(FEATURES)
    x, y = 560_000 + number % 1500 * 25.0, 4_980_000 + number // 1500 * 25.0
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(shapely.box(x, y, x + 12, y + 9)),
        [
            np.array([f"Via Libertà {n}" for n in number], dtype=object),
            np.array([f"{n:08d}" for n in number], dtype=object),
            number % 9,
            number / 7.0,
        ],
        ["nome", "codice", "piani", "altezza"],
        geometry_type="Polygon", crs="EPSG:32632", driver="GPKG", layer="edifici",
    )  # fmt: skip
    return path


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A worker on the database of the tests."""
    environment = {**os.environ, "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    process = subprocess.Popen([sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"], env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def done(job: Job) -> Job:
    """The job once it is over, which must be well."""
    while not job.is_over:
        time.sleep(0.002)
        job.refresh_from_db()
    assert job.state == Job.State.DONE, job.message
    assert job.started_at is not None
    assert job.finished_at is not None
    return job


def test_a_job_that_does_nothing() -> None:
    taken = []
    with worker() as process:
        for _number in range(15):
            job = done(services.enqueue("statistics", {"slugs": []}))
            taken.append((job.finished_at - job.created_at).total_seconds() * 1000)  # type: ignore[operator]
        held = sum(map(own, [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]))
    first, *rest = taken
    sys.stdout.write(
        f"\na job that does nothing: {statistics.median(rest):.0f} ms (at most {max(rest):.0f}), the first after the "
        f"worker's start {first:.0f} ms; the idle worker holds {held / 1e6:.0f} MB\n"
    )


def by_worker(path: Path) -> tuple[float, float, int]:
    """Seconds from the job's start to its end, the most memory of job and reader in MB, changes of progress seen."""
    job = services.enqueue("import", {"path": str(path), "name": path.name, "slug": "edifici"})
    most, seen = 0.0, set()
    with worker() as process:
        while not job.is_over:
            time.sleep(0.1)
            job.refresh_from_db()
            seen.add(job.message)
            most = max(most, sum(map(own, psutil.Process(process.pid).children(recursive=True))))
    done(job)
    return (job.finished_at - job.started_at).total_seconds(), most / 1e6, len(seen)  # type: ignore[operator]


def own(process: psutil.Process) -> float:
    """Memory in bytes, what processes share divided among them."""
    try:
        return float(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0.0


def by_ogr2ogr(path: Path) -> float:
    where: dict[str, Any] = connection.get_connection_params()
    names = {"dbname": "dbname", "host": "host", "user": "user", "password": "password", "port": "port"}
    target = " ".join(f"{name}={where[key]}" for name, key in names.items() if where.get(key))
    command = [
        "ogr2ogr", "-f", "PostgreSQL", f"PG:{target}", str(path), "-nln", "geodata.edifici_ogr", "--config",
        "PG_USE_COPY", "YES", "-lco", "GEOMETRY_NAME=geom", "-lco", "FID=fid",
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS geodata.edifici_ogr")
    start = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - start


def test_a_million_features_beside_ogr2ogr(tmp_path: Path) -> None:
    path = made(tmp_path / "edifici.gpkg")
    ogr = by_ogr2ogr(path)
    seconds, memory, steps = by_worker(path)
    again = by_ogr2ogr(path)
    best = min(ogr, again)
    assert Layer.objects.get(slug="edifici").feature_count == FEATURES
    sys.stdout.write(
        f"\n{FEATURES} features: worker {seconds:.1f} s ({FEATURES / seconds:.0f}/s), ogr2ogr {ogr:.1f} and "
        f"{again:.1f} s ({FEATURES / best:.0f}/s): {best / seconds:.2f} x; most memory {memory:.0f} MB, "
        f"{steps} steps of progress seen\n"
    )
