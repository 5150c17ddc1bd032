"""The short way for public answers: same answers and headers as the whole way, never for what depends on who asks."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from geoportal.models import User
from layers.models import Access, Field
from ogc.lane import PublicLane
from tests.geodata import forget_catalogue

ITEMS = "/ogc/collections/civici/items"
ADDRESSES = [
    f"{ITEMS}?limit=3",
    f"{ITEMS}/7",
    f"{ITEMS}/nessuno",
    f"{ITEMS}?limit=0",
    f"{ITEMS}?strano=1",
    "/ogc/collections/civici/tiles/WebMercatorQuad/14/5900/8647?f=mvt",
    "/ogc/collections/civici/tiles/WebMercatorQuad/2/9/0",
    "/ogc/collections/edifici/items?limit=2",
]
WHOLE_WAY = [name for name in settings.MIDDLEWARE if name != "ogc.lane.PublicLane"]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_short_and_whole_way_give_the_same_answer(city, client: Client, address: str, method: str) -> None:
    short = getattr(client, method)(address)
    with override_settings(MIDDLEWARE=WHOLE_WAY):
        whole = getattr(Client(), method)(address)
    assert short.status_code == whole.status_code
    # The data has no language; the whole way says one of everything.
    assert set(short.headers) == set(whole.headers) - {"Content-Language"}
    assert set(short["Vary"].split(", ")) <= set(whole["Vary"].split(", "))
    same = set(short.headers) - {"ETag", "Content-Length", "Vary"}  # the first two follow the timeStamp of a page
    assert {name: short[name] for name in same} == {name: whole[name] for name in same}
    assert len(short.content) == len(whole.content)
    assert "Content-Security-Policy" in short.headers and short["X-Frame-Options"] == "SAMEORIGIN"


def test_a_public_answer_leaves_the_session_alone_even_of_who_signed_in(city, client: Client) -> None:
    client.force_login(User.objects.create_user("rossi"))
    client.get(f"{ITEMS}?limit=1")  # plans, counts and catalogue are there from now on
    with CaptureQueriesContext(connection) as asked:
        assert client.get(f"{ITEMS}?limit=1").status_code == 200
    assert [query["sql"] for query in asked if "session" in query["sql"]] == []


def test_who_may_see_more_gets_more(city, client: Client) -> None:
    client.force_login(User.objects.create_superuser("capo"))
    more = client.get("/ogc/collections/edifici/items?limit=1").json()["features"][0]["properties"]
    less = Client().get("/ogc/collections/edifici/items?limit=1").json()["features"][0]["properties"]
    assert set(more) - set(less) == {"note"}
    assert client.get("/ogc/collections/vincoli/items").status_code == 200
    assert Client().get("/ogc/collections/vincoli/items").status_code == 404


def test_an_attribute_closed_later_is_gone_at_once(city, client: Client) -> None:
    assert "civico" in client.get(f"{ITEMS}/7").json()["properties"]
    Field.objects.filter(layer=city.numbers, name="civico").update(access=Access.INTERNAL)
    forget_catalogue()
    assert "civico" not in client.get(f"{ITEMS}/7").json()["properties"]


@pytest.mark.parametrize("asked", ["f=html", "limit=1&f=html"])
def test_pages_for_people_go_the_whole_way(city, rf, asked: str) -> None:
    handed_on = []
    lane = PublicLane(lambda request: handed_on.append(request))  # type: ignore[arg-type,return-value]
    lane(rf.get(f"{ITEMS}?{asked}"))
    lane(rf.get(ITEMS, HTTP_ACCEPT="text/html,*/*;q=0.8"))
    lane(rf.post(ITEMS))
    assert len(handed_on) == 3


def test_a_wrong_host_is_refused_here_too(city, client: Client) -> None:
    assert client.get(f"{ITEMS}?limit=1", HTTP_HOST="altrove.example").status_code == 400


def test_a_page_that_the_client_holds_costs_no_sql(city, client: Client) -> None:
    held = client.get(f"{ITEMS}?limit=5")["ETag"]
    assert held.startswith('W/"')
    with CaptureQueriesContext(connection) as asked:
        again = client.get(f"{ITEMS}?limit=5", headers={"if-none-match": held})
    assert again.status_code == 304 and again["ETag"] == held and not again.content
    assert asked.captured_queries == []
    assert client.get(f"{ITEMS}?limit=6", headers={"if-none-match": held}).status_code == 200


@pytest.mark.parametrize("address", [f"{ITEMS}?limit=1", f"{ITEMS}/7", ADDRESSES[5]])
@pytest.mark.parametrize("header", ["Bearer gpc_inventato", "Bearer x", "Basic Z3Bjlw==", "Basic bWFyaW86cGFyb2xh"])
def test_a_wrong_token_is_refused_where_everyone_may_read_too(city, address: str, header: str) -> None:
    answer = Client().get(address, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith(header.split()[0])
    assert answer["Access-Control-Allow-Origin"] == "*" and answer["Cache-Control"] == "no-store"
