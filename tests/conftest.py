"""Fixtures that every part of the suite uses."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.http.response import HttpResponseBase
from django.test.client import ClientHandler
from psycopg2 import sql
from pytest_django import DjangoDbBlocker

from tests.broker import broker as broker

_MIGRATED: set[tuple[str, str, str]] = set()
"""What the migrations put into the layers' schemas."""
REAL_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def compiled_messages() -> None:
    """The English texts in the form that Django reads; the compiled files are not kept in the repository."""
    root = Path(__file__).resolve().parent.parent
    for source in root.glob("[!.nv]*/**/locale/*/LC_MESSAGES/django.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            # Renamed into place: another test process may be reading it.
            draft = compiled.with_suffix(f".{os.getpid()}")
            subprocess.run(["msgfmt", "--check-format", "-o", str(draft), str(source)], check=True)
            draft.replace(compiled)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """Log-ins by the hundred must not cost a third of a second each."""
    settings.PASSWORD_HASHERS = ["tests.passwords.QuickHasher"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Close what a test asked for and did not read to its end, as a server does when its client is gone."""
    asked: list[HttpResponseBase] = []
    handle = ClientHandler.__call__

    def noted(self: ClientHandler, environ: dict[str, Any]) -> HttpResponseBase:
        response = handle(self, environ)
        if response.streaming:
            asked.append(response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "__call__", noted)
        yield
    for response in asked:
        for close in response._resource_closers:  # type: ignore[attr-defined]
            close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The pack of real input data, outside the project; tests that need it skip where it is not."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real data pack is not at {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(autouse=True)
def no_table_outlives_its_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that commits has its rows flushed by Django, but the tables of layers are not Django's."""
    yield
    marker = request.node.get_closest_marker("django_db")
    commits = bool(marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames
    if commits:
        with request.getfixturevalue("django_db_blocker").unblock():
            left = _geodata() - _MIGRATED
            with connection.cursor() as cursor:
                for schema, name, kind in left:
                    what = sql.SQL("VIEW" if kind == "v" else "TABLE")
                    place = sql.Identifier(schema, name)
                    cursor.execute(sql.SQL("DROP {} IF EXISTS {} CASCADE").format(what, place))


def _geodata() -> set[tuple[str, str, str]]:
    """Schema, name and kind of the tables and views of layers, and of their past."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname, relname, relkind FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace "
            "WHERE nspname IN ('geodata', 'geodata_past', 'geodata_tiles') AND relkind IN ('r', 'v', 'p')"
        )
        return set(cursor.fetchall())


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, let go at the end by whoever still listens to it."""
    with django_db_blocker.unblock():
        _MIGRATED.update(_geodata())
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        # A listener that is sent away comes back within the second, and a database with a guest cannot be dropped.
        name = sql.Identifier(str(connection.settings_dict["NAME"]))
        cursor.execute(sql.SQL("ALTER DATABASE {} WITH CONNECTION LIMIT 0").format(name))
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            # The server's own cleaners look in now and then, and may not be ended.
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
