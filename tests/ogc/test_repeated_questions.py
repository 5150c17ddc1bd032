"""A question that is asked again is planned once and counted once, and still tells what is there now."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from layers import items
from layers.models import Access
from tests.geodata import forget_catalogue

ASKED = "/ogc/collections/edifici/items?limit=2&filter=piani%3D3%20AND%20uso%3D%27prova%27"


def ask(client: Client, address: str = ASKED) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.content[:500]
    found: dict[str, Any] = json.loads(response.content)
    return found


def make(first: int, last: int) -> None:
    """Some buildings become what the question asks for."""
    with connection.cursor() as cursor:
        change = "UPDATE geodata.edifici SET uso = 'prova', piani = 3 WHERE fid BETWEEN %s AND %s"
        cursor.execute(change, [first, last])
    forget_catalogue()


def plans() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%''prova''%%'")
        (found,) = cursor.fetchone()
    return int(found)


def test_it_is_prepared_when_it_comes_back(client: Client, city: SimpleNamespace) -> None:
    make(1, 2)
    before = plans()
    assert [(len(ask(client)["features"]), plans() - before) for _ in range(3)] == [(2, 0), (2, 1), (2, 1)]


def test_it_sees_rows_that_came_and_went(client: Client, city: SimpleNamespace) -> None:
    assert [ask(client)["numberReturned"] for _ in range(3)] == [0, 0, 0]
    make(1, 2)
    assert [one["id"] for one in ask(client)["features"]] == [1, 2]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM geodata.edifici WHERE fid = 1")
    forget_catalogue()
    assert [one["id"] for one in ask(client)["features"]] == [2]


def test_its_count_is_made_anew_with_the_data(client: Client, city: SimpleNamespace) -> None:
    make(1, 5)
    assert [ask(client)["numberMatched"] for _ in range(2)] == [5, 5]
    make(6, 8)
    assert ask(client)["numberMatched"] == 8


def test_its_pages_share_one_count(client: Client, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    make(1, 6)
    counts: list[Any] = []
    count = items._count

    def counting(*asked: Any) -> int:
        counts.append(asked)
        return count(*asked)

    monkeypatch.setattr(items, "_count", counting)
    address, pages = ASKED, 0
    while address:
        page = ask(client, address)
        assert page["numberMatched"] == 6
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
        pages += 1
    assert (pages, len(counts)) == (3, 1)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_open_attribute_that_closes_is_gone_from_the_next_answer(
    client: Client, city: SimpleNamespace, limit: int
) -> None:
    make(1, 3)
    address = f"{ASKED}&limit={limit}".replace("limit=2&", "")
    assert [set(ask(client, address)["features"][0]["properties"]) >= {"altezza"} for _ in range(3)] == [True] * 3
    city.buildings.fields.filter(name="altezza").update(access=Access.INTERNAL)
    forget_catalogue()
    assert "altezza" not in ask(client, address)["features"][0]["properties"]
