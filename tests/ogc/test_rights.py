"""Every door of the services against every kind of asker: who may not see a thing never learns of it."""

import json
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from layers.rights import PROFESSIONALS, TECHNICIANS

DOORS = (
    "", "/items", "/items/1", "/queryables", "/schema", "/tiles", "/tiles/WebMercatorQuad",
    "/tiles/WebMercatorQuad/0/0/0?f=mvt",
)  # fmt: skip


def signed_in(role: str) -> Client:
    user = User.objects.create_user(f"uno-{role}", password="x")
    if role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("role", "sees"), [(None, False), ("", False), (PROFESSIONALS, True), (TECHNICIANS, True)])
def test_a_layer_for_professionals_opens_to_them_alone(
    city: SimpleNamespace, door: str, role: str | None, sees: bool
) -> None:
    client = Client() if role is None else signed_in(role)
    response = client.get(f"/ogc/collections/vincoli{door}")
    assert response.status_code == (200 if sees else 404)
    if sees:
        assert "public" not in response["Cache-Control"] and "Cookie" in response["Vary"]
    else:
        assert response.content == client.get(f"/ogc/collections/vincolo{door}").content.replace(b"vincolo", b"vincoli")


@pytest.mark.parametrize("path", ["/collections", "/openapi"])
def test_lists_name_only_what_the_asker_may_see(city: SimpleNamespace, path: str) -> None:
    assert b"vincoli" not in Client().get(f"/ogc{path}").content
    assert b"vincoli" in signed_in(PROFESSIONALS).get(f"/ogc{path}").content
    assert b"vincoli" not in Client().get(f"/ogc{path}").content


def test_a_hidden_attribute_is_nowhere(city: SimpleNamespace) -> None:
    client = Client()
    for path in ("/collections/edifici/queryables", "/collections/edifici/schema", "/openapi",
                 "/collections/edifici/items", "/collections/edifici/items/1"):  # fmt: skip
        assert b"note" not in client.get(f"/ogc{path}").content
    for query in ("note=riservata 1", "sortby=note", "properties=note"):
        assert client.get(f"/ogc/collections/edifici/items?{query}").status_code == 400


def test_an_insider_reads_filters_and_sorts_by_it(city: SimpleNamespace) -> None:
    client = signed_in(TECHNICIANS)
    page = json.loads(client.get("/ogc/collections/edifici/items?note=riservata 7&sortby=-note").content)
    assert [feature["properties"]["note"] for feature in page["features"]] == ["riservata 7"]
    assert b"note" in client.get("/ogc/collections/edifici/queryables").content
