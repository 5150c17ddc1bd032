"""Large exports from a real server: memory stays as it is, and a client that leaves frees everything."""

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.geodata import drop, make_layer
from tests.liveserver import served

pytestmark = pytest.mark.django_db
MANY = 100_000
FIELDS = {"nome": "string", "zona": "string", "altezza": "number", "note": "string"}
FILL = f"""
INSERT INTO {{table}} (geom, nome, zona, altezza, note)
SELECT ST_Buffer(ST_SetSRID(ST_MakePoint(574000 + n % 400 * 30, 4993000 + n / 400 * 30), 32632), 9),
       'Via dell''Aquila ' || n, 'zona ' || n % 40, n / 3.0, repeat('nota ', 20)
FROM generate_series(1, {MANY}) AS n
"""
GROWTH_BYTES = 50 * 2**20


@pytest.fixture(scope="module")
def spool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server puts what does not leave at once."""
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: DjangoDbBlocker, spool: Path) -> Iterator[str]:
    """One large layer and one server for all tests here: they change nothing."""
    with django_db_blocker.unblock():
        layer = make_layer("grande", "POLYGON", 32632, FIELDS, FILL)
        with served(TMPDIR=str(spool)) as root:
            assert urllib.request.urlopen(f"{root}/ogc/collections/grande/export?f=geojson&zona=zona%201").status == 200
            yield f"{root}/ogc/collections/grande"
        drop(layer)
        layer.delete()


def workers() -> list[psutil.Process]:
    return [
        child
        for server in psutil.Process().children()
        for child in (server, *server.children(recursive=True))
        if "granian" in " ".join(server.cmdline())
    ]


def memory() -> int:
    return sum(process.memory_info().rss for process in workers())


def connections() -> dict[int, str]:
    """Connections of exports: process and state."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction PostgreSQL keeps what it told first
        cursor.execute("SELECT pid, state FROM pg_stat_activity WHERE application_name = 'geoportal export'")
        return dict(cursor.fetchall())


def readers() -> int:
    return sum(state != "idle" for state in connections().values())


@pytest.mark.parametrize("form", ["geojson", "fgb", "kml", "gpkg", "parquet"])
def test_a_large_export_does_not_grow_the_server(address: str, form: str) -> None:
    for _warm in range(2):
        urllib.request.urlopen(f"{address}/export?f={form}&zona=zona%201").read()
    before = peak = memory()
    size = 0
    with urllib.request.urlopen(f"{address}/export?f={form}", timeout=120) as answer:
        while part := answer.read(2**20):
            size += len(part)
            peak = max(peak, memory())
    assert size > 5 * 2**20
    assert peak - before < GROWTH_BYTES, f"{(peak - before) / 2**20:.0f} MB more for {size / 2**20:.0f} MB of {form}"


def test_a_client_that_leaves_frees_the_database_and_the_disk(address: str, spool: Path) -> None:
    for form in ("geojson", "gpkg"):
        answer = urllib.request.urlopen(f"{address}/export?f={form}", timeout=120)
        assert len(answer.read(4096)) == 4096
        answer.close()
    end = time.monotonic() + 60
    while (readers() or list(spool.glob("geoportal-export-*"))) and time.monotonic() < end:
        time.sleep(0.05)
    assert readers() == 0 and not list(spool.glob("geoportal-export-*"))
    assert urllib.request.urlopen(f"{address}/items?limit=1", timeout=30).status == 200


def test_exports_one_after_the_other_share_a_connection_until_it_is_lost(address: str) -> None:
    def export() -> set[int]:
        assert urllib.request.urlopen(f"{address}/export?f=csv&zona=zona%202", timeout=60).read().count(b"\n") == 2501
        return set(connections())

    (kept,) = export()
    assert export() == {kept}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [kept])
    (other,) = export()
    assert other != kept


def test_a_client_that_reads_slowly_does_not_grow_the_server(address: str) -> None:
    before = memory()
    with urllib.request.urlopen(f"{address}/export?f=geojson", timeout=120) as answer:
        assert answer.read(1000).startswith(b'{"type":"FeatureCollection"')
        peak, end = memory(), time.monotonic() + 4
        while time.monotonic() < end:  # the rest waits in the database, not in the server
            time.sleep(0.2)
            peak = max(peak, memory())
    assert peak - before < GROWTH_BYTES
