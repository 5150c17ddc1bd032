"""Fixtures that every part of the suite uses."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.broker import broker as broker

REAL_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def compiled_messages() -> None:
    """The English texts in the form that Django reads; the compiled files are not kept in the repository."""
    root = Path(__file__).resolve().parent.parent
    for source in root.glob("[!.nv]*/**/locale/*/LC_MESSAGES/django.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["msgfmt", "--check-format", "-o", str(compiled), str(source)], check=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The pack of real input data, outside the project; tests that need it skip where it is not."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data pack is not at {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, let go at the end by whoever still listens to it."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
