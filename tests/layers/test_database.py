"""Plans kept by a connection: used again, made again when lost, bounded; a read survives a restart of the database."""

import psycopg2
import pytest
from django.db import connection, transaction
from psycopg2 import sql

from layers import database
from layers.database import PLANS_KEPT, Plan, read_plan, read_row
from layers.errors import BadQuery

pytestmark = pytest.mark.django_db


def names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return [name for (name,) in cursor.fetchall()]


def plan(number: int = 0) -> Plan:
    return Plan.of(sql.SQL("SELECT %(limit)s::int, %(word)s::date"), {"limit": number}, ["word"])


def test_a_plan_is_made_once_and_filled_each_time() -> None:
    one, before = plan(), set(names())
    assert [read_plan(one, (day,))[1].day for day in ("2026-03-01", "2026-03-02")] == [1, 2]
    assert len(set(names()) - before) == 1


def test_a_value_that_does_not_fit_is_a_bad_query() -> None:

    with pytest.raises(BadQuery, match="2026-13-01"), transaction.atomic():
        read_plan(plan(), ("2026-13-01",))


def test_a_read_in_a_transaction_that_has_failed_says_so() -> None:
    with pytest.raises(BadQuery, match="aborted"), transaction.atomic():
        with pytest.raises(BadQuery, match="2026-13-01"):
            read_plan(plan(), ("2026-13-01",))
        read_plan(plan(), ("2026-03-01",))


@pytest.mark.parametrize("own", ["0", "20min"])
def test_the_limit_of_a_read_ends_with_it(own: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = %s", [own])
        asked = sql.SQL("SELECT current_setting('statement_timeout')")
        assert read_row(asked, {}) == ("10s",)
        with pytest.raises(BadQuery), transaction.atomic():
            read_plan(plan(), ("nessun giorno",))
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == (own,)


def test_discarded_plans_are_made_again() -> None:
    one = plan()
    read_plan(one, ("2026-03-01",))
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    database._plans.clear()
    assert read_plan(one, ("2026-03-01",))[0] == 0


def test_a_connection_holds_so_many_plans_and_no_more() -> None:
    for number in range(PLANS_KEPT + 20):
        read_plan(plan(number), ("2026-03-01",))
    assert len(names()) == PLANS_KEPT


@pytest.mark.django_db(transaction=True)
def test_plans_that_somebody_discarded_are_missed_and_made_again() -> None:
    one = plan()
    read_plan(one, ("2026-03-01",))
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert read_plan(one, ("2026-03-01",))[0] == 0


@pytest.mark.django_db(transaction=True)
def test_a_read_is_asked_again_when_the_database_went_away() -> None:
    one = plan()
    read_plan(one, ("2026-03-01",))
    for again in (lambda: read_plan(one, ("2026-03-01",))[0], lambda: read_row(sql.SQL("SELECT 0"), {})[0]):
        gone = connection.connection.get_backend_pid()
        kill(gone)
        assert again() == 0
        assert connection.connection.get_backend_pid() != gone


def kill(pid: int) -> None:
    """End a backend from another connection, and wait until it is gone."""

    other = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
