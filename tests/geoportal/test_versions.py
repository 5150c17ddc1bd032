"""The pages and the interface of a layer's history."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.jobs.models import Job
from layers.jobs.registry import kinds
from layers.models import Access, Layer, LayerVersion
from layers.versions.recording import keep_versions, recorded
from tests.geodata import forget_catalogue, make_layer
from tests.layers.test_publishing import Doing

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
INSERT INTO {table} (geom, nome, segreto)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), 'casa ' || n, 'celato ' || n
FROM generate_series(1, 4) AS n
"""
PAGES = "/livelli/edifici/versioni/"
API = "/api/livelli/edifici/versioni"


@pytest.fixture
def layer(db: None) -> Layer:
    """Four houses; then one is renamed, one pulled down, one built."""
    made = make_layer("edifici", "POINT", 32632, {"nome": "string", "segreto": "string"}, FILL, access=Access.PUBLIC)
    made.fields.filter(name="segreto").update(access=Access.INTERNAL)
    author = User.objects.create_user("autrice")
    with recorded(LayerVersion.What.IMPORT, valid_from=datetime(2025, 1, 1, tzinfo=UTC)):
        keep_versions(made.pk)
    with recorded(LayerVersion.What.EDIT, author.pk, note="rilievo di marzo"), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE geodata.edifici SET nome = 'villa', segreto = 'altro' WHERE fid = 1;"
            "DELETE FROM geodata.edifici WHERE fid = 2;"
            "INSERT INTO geodata.edifici (geom, nome) "
            "VALUES (ST_SetSRID(ST_MakePoint(580009, 4998000), 32632), 'nuova')"
        )
    forget_catalogue()
    return made


@pytest.fixture
def steward(db: None) -> User:
    user = User.objects.create_user("curatrice")
    user.groups.add(Group.objects.get_or_create(name="curatori")[0])
    return user


def test_the_list_tells_everyone_what_and_the_office_who(client: Client, layer: Layer, steward: User) -> None:
    page = client.get(PAGES).content.decode()
    assert "Prima importazione" in page
    assert "autrice" not in page
    assert "rilievo di marzo" not in page
    assert "Ripristina" not in page
    rows = client.get(API).json()["versions"]
    assert [(row["number"], row["added"], row["changed"], row["removed"]) for row in rows] == [
        (2, 1, 1, 1),
        (1, 4, 0, 0),
    ]
    assert "user" not in rows[0]
    assert len(client.get(rows[1]["items"] + "&f=json").json()["features"]) == 4
    client.force_login(steward)
    page = client.get(PAGES).content.decode()
    assert "autrice" in page
    assert "Ripristina" in page
    assert client.get(API).json()["versions"][0]["user"] == "autrice"


def test_the_comparison_shows_what_differs_and_pages(client: Client, layer: Layer) -> None:
    page = client.get(f"{PAGES}confronto/").content.decode()
    assert 'data-count="changed">1<' in page
    assert "<del>casa 1</del> → <ins>villa</ins>" in page
    assert "celato" not in page
    found = client.get(f"{API}/confronto", {"da": "1", "a": "2", "limit": "2"}).json()
    assert (found["numberMatched"], found["numberReturned"], found["matchedBy"]) == (3, 2, "identifier")
    rest = client.get(found["links"][0]["href"]).json()
    changes = [one["properties"]["change"] for one in found["features"] + rest["features"]]
    assert changes == ["added", "changed", "removed"]
    assert rest["features"][0]["geometry"]["type"] == "Point"
    assert found["features"][1]["properties"]["differs"] == ["nome"]


@pytest.mark.parametrize(
    "query", ["da=9", "a=x", "solo=tutto", "limit=0", "limit=0000000000019999", "chiave=nome&da=1&a=2&offset=-1"]
)
def test_a_question_that_makes_no_sense_is_told_so(client: Client, layer: Layer, query: str) -> None:
    assert client.get(f"{API}/confronto?{query}").status_code == 400
    assert client.get(f"{PAGES}confronto/?{query}").status_code == 400
    assert client.get(f"{PAGES}?giorno=ieri").status_code == 400


def test_who_may_not_see_the_layer_sees_no_history(client: Client, layer: Layer) -> None:
    Layer.objects.filter(pk=layer.pk).update(access=Access.INTERNAL)
    forget_catalogue()
    for door in (PAGES, f"{PAGES}confronto/", API, f"{API}/confronto"):
        assert client.get(door).status_code == 404


def test_stewards_restore_through_a_job(client: Client, layer: Layer, steward: User) -> None:
    assert client.post(f"{PAGES}1/ripristina/")["Location"].startswith("/accedi/")
    assert client.post(f"{API}/1/ripristino").status_code == 401
    client.force_login(steward)
    assert client.post(f"{API}/7/ripristino").status_code == 404
    assert client.post(f"{PAGES}1/ripristina/").status_code == 302
    assert "Ripristino in corso" in client.get(PAGES).content.decode()
    job = Job.objects.get(kind="restore-version")
    assert kinds()[job.kind].handler(Doing(job))["version"] == 3
    last = layer.versions.first()
    assert last is not None
    assert (last.what, last.user_id, last.added, last.changed, last.removed) == ("restore", steward.pk, 1, 1, 1)
