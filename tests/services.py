"""Pytest plugin, loaded before Django's settings: a private PostGIS for the whole test run.

Loaded by `-p tests.services` (pyproject.toml), because pytest-django reads the settings before any conftest.
Its folder is var/test, or GEOPORTAL_TEST_VAR.
"""

import os
import tempfile
from pathlib import Path

import pytest

from geoportal.runtime.cluster import Cluster
from geoportal.runtime.places import choose_var
from geoportal.runtime.templates import BASE

os.environ.pop("GEOPORTAL_VAR", None)
ROOT = Path(os.environ.get("GEOPORTAL_TEST_VAR") or choose_var(BASE) / "test").resolve()
CLUSTER = Cluster(ROOT / "postgresql", durable=False)

for name in [name for name in os.environ if name.startswith("GEOPORTAL_") and name != "GEOPORTAL_TEST_VAR"]:
    del os.environ[name]  # an operator's own settings must not leak into the tests
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "geoportal.settings",
        # Processes that run tests side by side share the cluster; databases and folders are each one's own.
        "GEOPORTAL_VAR": str(ROOT / os.environ.get("PYTEST_XDIST_WORKER", "")),
        "GEOPORTAL_SECRET_KEY": "only-for-tests",
        "GEOPORTAL_ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "GEOPORTAL_DB_NAME": "geoportal",
        "GEOPORTAL_DB_USER": "geoportal",
        "GEOPORTAL_DB_HOST": str(CLUSTER.sockets),
        "GEOPORTAL_RASTER_DIR": tempfile.mkdtemp(prefix="geoportal-rasters-"),
        # GDAL's clients of map services would keep what they read in the folder where the tests run.
        "GDAL_DEFAULT_WMS_CACHE_PATH": str(ROOT / "gdalwmscache"),
    }
)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if not session.config.option.collectonly and not _is_helper(session.config):
        CLUSTER.start()
        CLUSTER.ensure_database()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_helper(config):
        CLUSTER.stop()


def _is_helper(config: pytest.Config) -> bool:
    """Whether this process runs tests for another one, which keeps the cluster."""
    return hasattr(config, "workerinput")
