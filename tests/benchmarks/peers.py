"""The servers people use today, over the same rows: TiPg and pygeoapi's own PostgreSQL provider.

They are installed into an environment of their own under var/bench: nothing of the product depends on them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import yaml

from tests.liveserver import ROOT, wait_for
from tests.ports import free_port

HOME = ROOT / "var" / "bench"
PACKAGES = (
    "tipg==1.6.1",
    "uvicorn[standard]==0.54.0",
    "pygeoapi==0.24.0",
    "pygeofilter[backend-sqlalchemy]",
    "geoalchemy2",
    "psycopg2-binary==2.9.13",
    "gunicorn",
    "titiler.application==2.4.0",
)
MOST = 1_000_000


def environment() -> Path:
    """The folder of the peers' programs, installed at the first run. Raises RuntimeError when that fails."""
    programs = HOME / "venv" / "bin"
    marks = [programs / "uvicorn", programs / "pygeoapi", HOME / "venv" / "titiler"]
    if not all(mark.exists() for mark in marks):
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=True)
        done = subprocess.run([str(programs / "pip"), "install", "-q", *PACKAGES], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the servers to compare with cannot be installed: {done.stderr[-500:]}")
        marks[-1].touch()
    return programs


@contextmanager
def tipg(database: dict[str, str], workers: int) -> Iterator[str]:
    """TiPg as its manual runs it."""
    # The folder of a Unix socket as the host of an address.
    address = f"postgresql://{database['user']}@{quote(database['host'], safe='')}:5432/{database['name']}"
    settings = {
        "DATABASE_URL": address,
        "TIPG_DB_SCHEMAS": '["geodata"]',
        "TIPG_MAX_FEATURES_PER_QUERY": str(MOST),
        "TIPG_MAX_FEATURES_PER_TILE": str(MOST),
        "TIPG_CATALOG_TTL": "3600",
    }
    programs = environment()
    command = [str(programs / "uvicorn"), "tipg.main:app", "--log-level", "error", "--workers", str(workers)]
    with _running([*command, "--host", "127.0.0.1"], settings) as root:
        yield root


@contextmanager
def pygeoapi(database: dict[str, str], workers: int) -> Iterator[str]:
    """pygeoapi with its own PostgreSQL provider, under gunicorn as its image runs it."""
    programs, config = environment(), HOME / "pygeoapi.yml"
    port = free_port()
    config.write_text(yaml.safe_dump(_pygeoapi_config(database, port)))
    settings = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(HOME / "openapi.yml")}
    made = [str(programs / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(HOME / "openapi.yml")]
    subprocess.run(made, env={**os.environ, **settings}, check=True, capture_output=True)
    command = [str(programs / "gunicorn"), "pygeoapi.flask_app:APP", "--workers", str(workers), "--threads", "4"]
    with _running([*command, "--log-level", "error"], settings, port, bind=True) as root:
        yield root


@contextmanager
def titiler(workers: int) -> Iterator[str]:
    """TiTiler with the variables of GDAL that its manual advises."""
    settings = {
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_CACHEMAX": "200",
        "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
        "VSI_CACHE": "TRUE",
        "VSI_CACHE_SIZE": "5000000",
    }
    command = [str(environment() / "uvicorn"), "titiler.application.main:app", "--log-level", "error"]
    with _running([*command, "--workers", str(workers), "--host", "127.0.0.1"], settings) as root:
        yield root


@contextmanager
def _running(command: list[str], settings: dict[str, str], port: int = 0, *, bind: bool = False) -> Iterator[str]:
    port = port or free_port()
    where = ["--bind", f"127.0.0.1:{port}"] if bind else ["--port", str(port)]
    with (HOME / f"{port}.log").open("wb") as log:
        process = subprocess.Popen([*command, *where], env={**os.environ, **settings}, stdout=log, stderr=log)
        try:
            wait_for(port, process, 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(15)


def _pygeoapi_config(database: dict[str, str], port: int) -> dict[str, object]:
    title, keywords = {"en": "Bench"}, {"en": ["bench"]}
    store = {
        "host": database["host"],
        "dbname": database["name"],
        "user": database["user"],
        "password": "",
        "port": 5432,
    }
    provider = {
        "type": "feature",
        "name": "PostgreSQL",
        "data": {**store, "search_path": ["geodata", "public"]},
        "id_field": "fid",
        "table": "edifici",
        "geom_field": "geom",
        # Without a list it takes the second geometry for an attribute, and fails to write it.
        "properties": [f"a{number}" for number in range(12)],
        "storage_crs": "http://www.opengis.net/def/crs/EPSG/0/32632",
    }
    layer = {
        "type": "collection",
        "title": title,
        "description": title,
        "keywords": keywords,
        "links": [],
        "extents": {"spatial": {"bbox": [9, 44, 11, 46], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [provider],
    }
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": f"http://127.0.0.1:{port}",
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "languages": ["en-US"],
            "limits": {"default_items": 10, "max_items": MOST, "on_exceed": "throttle"},
            "map": {"url": "", "attribution": ""},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": title,
                "description": title,
                "keywords": keywords,
                "keywords_type": "theme",
                "terms_of_service": "",
                "url": "http://127.0.0.1/",
            },
            "license": {"name": "", "url": "http://127.0.0.1/"},
            "provider": {"name": "", "url": "http://127.0.0.1/"},
            "contact": {"name": ""},
        },
        "resources": {"edifici": layer},
    }
