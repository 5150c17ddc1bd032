"""Processes on real cadastral data, and as jobs of real worker processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from psycopg2 import sql

from layers.importing.engine import FileToImport, import_file
from layers.importing.models import ImportRun
from layers.importing.options import ImportOptions
from layers.models import Layer
from tests.geodata import forget_catalogue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cdu(real_data: Path) -> Iterator[list[str]]:
    """Slugs of the layers of a real certificate of urban destination: parcels, constraints, other plans."""
    path = real_data / "cadastre" / "cdu_example_3004.gpkg"
    outcomes = import_file(ImportRun.objects.create(source=path.name), FileToImport(path, path.name), ImportOptions())
    forget_catalogue()
    layers = [outcome.layer for outcome in outcomes if outcome.layer is not None]
    yield [layer.slug for layer in layers]
    with connection.cursor() as cursor:
        for layer in layers:
            cursor.execute(sql.SQL("DROP TABLE geodata.{} CASCADE").format(sql.Identifier(layer.table_name)))


@pytest.fixture
def worker(db: None) -> Iterator[None]:
    """The worker as the product starts it."""
    environment = {**os.environ, "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
    process = subprocess.Popen(command, env=environment)
    yield
    process.terminate()
    process.wait(60)


def test_real_parcels_are_shared_out_among_real_zones(client: Client, cdu: list[str], worker: None) -> None:
    parcels, zones = (next(slug for slug in cdu if slug.endswith(end)) for end in ("terreni-catastali", "vincoli"))
    body = json.dumps({"inputs": {"layer": parcels, "with_layer": zones}})
    address = "/ogc/processes/intersect-areas/execution"
    made = client.post(address, body, content_type="application/json", headers={"Prefer": "respond-async"})
    here = f"/ogc/jobs/{made.json()['jobID']}"
    end = time.monotonic() + 60
    while (status := client.get(here).json())["status"] in {"accepted", "running"} and time.monotonic() < end:
        time.sleep(0.1)
    assert status["status"] == "successful", status
    rows = client.get(f"{here}/results").json()["rows"]
    assert len(rows) == 193
    assert any(row["parts"] for row in rows) and any(row["uncovered_percent"] > 0 for row in rows)
    for row in rows:
        parts = sum(part["percent"] for part in row["parts"])
        over = 100 * row["overlap_m2"] / row["area_m2"]
        assert parts + row["uncovered_percent"] == pytest.approx(100 + over, abs=0.005 if over else 1e-9), row["id"]
    assert sum(row["area_m2"] for row in rows) == pytest.approx(_measured(parcels), rel=1e-9)


def _measured(slug: str) -> float:
    table = sql.Identifier("geodata", Layer.objects.get(slug=slug).table_name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT sum(round(ST_Area(geom)::numeric, 3)) FROM {}").format(table))
        return float(cursor.fetchone()[0])
