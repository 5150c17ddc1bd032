"""What a reader is told when the database is away, slow, or a page fails: in their language, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.rights import TECHNICIANS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def technician(client: Client) -> Client:
    user = User.objects.create_user("tecnica", password="una-parola-lunga")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    client.raise_request_exception = False
    return client


@contextmanager
def without_database() -> Iterator[None]:
    """Every new connection is refused, as when PostgreSQL is stopped."""
    held = connection.settings_dict["PORT"], connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"], connection.settings_dict["PORT"] = "127.0.0.1", "9"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["PORT"], connection.settings_dict["HOST"] = held


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Another connection holds the table, and statements about it give up after a millisecond."""

    def hurry(execute: Any, statement: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        if table not in statement:
            return execute(statement, parameters, many, context)
        with connection.connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 1")
        try:
            return execute(statement, parameters, many, context)
        finally:
            with connection.connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")

    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    try:
        with other.cursor() as cursor, connection.execute_wrapper(hurry):
            cursor.execute(f"LOCK TABLE {table}")
            yield
    finally:
        other.close()


def test_without_a_database_the_page_says_when_to_come_back(technician: Client) -> None:
    with without_database():
        page = technician.get("/tecnici/")
        english = technician.get("/tecnici/", headers={"accept-language": "en"})
        data = technician.get("/api/dispositivi")
    assert page.status_code == english.status_code == data.status_code == 503
    assert "Torniamo subito" in page.content.decode() and page["Retry-After"]
    assert '<html lang="en">' in english.content.decode() and "Back in a moment" in english.content.decode()
    assert data.json()["code"] == "ServiceUnavailable"
    assert technician.get("/tecnici/").status_code == 200


def test_availability_that_takes_too_long_asks_for_a_shorter_period(technician: Client) -> None:
    with locked("monitoring_stateinterval"):
        answer = technician.get("/tecnici/disponibilita/?dal=2026-01-01&al=2026-11-24")
        table = technician.get("/tecnici/disponibilita/?formato=csv")
    page = answer.content.decode()
    assert answer.status_code == table.status_code == 503
    assert "scegline uno più breve" in page and 'value="2026-01-01"' in page and "<table" not in page


def test_any_other_page_that_takes_too_long_says_so(technician: Client) -> None:
    with locked("monitoring_alertrule"):
        answer = technician.get("/tecnici/regole/")
    assert answer.status_code == 503
    assert "Ci voleva troppo tempo" in answer.content.decode()


def test_a_mistake_of_ours_is_said_to_be_one(technician: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("geoportal.views.layer_tree", fail)
    answer = technician.get("/", headers={"accept-language": "en"})
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode() and "on purpose" not in answer.content.decode()


def test_a_form_sent_after_the_session_ended_is_said_not_to_be_saved(client: Client) -> None:
    form = "http://testserver/tecnici/manutenzione/?da=1"
    page = client.post("/tecnici/manutenzione/3/termina/", headers={"referer": form}, follow=True)
    assert page.redirect_chain[-1][0] == "/accedi/?non-salvato=1&next=/tecnici/manutenzione/%3Fda%3D1"
    assert "il modulo non è stato salvato" in page.content.decode()
    away = client.post("/tecnici/manutenzione/", headers={"referer": "http://altrove.example/"})
    assert away["Location"] == "/accedi/?non-salvato=1&next=/"
