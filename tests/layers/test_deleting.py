"""A deleted layer leaves nothing behind, or the page says what stays and why; who deleted it is written down."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from geoportal.models import User
from layers.deleting import LayerBusy, delete_layer
from layers.jobs.models import Job
from layers.jobs.services import enqueue
from layers.models import DeletedLayer, Layer, SearchEntry, TileOverview
from layers.search.index import index_layer
from layers.styles.defaults import default_style
from layers.styles.model import dump
from tests.geodata import forget_catalogue, make_layer
from tests.layers.conftest import Importer

pytestmark = pytest.mark.django_db(transaction=True)

CSV = "nome;lat;lon\ncasa;45,10;10,0\nscuola;45,11;10,0\n"
PAGE = "/livelli/edifici/elimina/"
FILL = "INSERT INTO {table} (geom, nome) VALUES (ST_SetSRID(ST_MakePoint(580000, 4998000), 32632), 'casa')"


@pytest.fixture
def layer(import_path: Importer, tmp_path: Path) -> Layer:
    """Imported twice, so that it has a past; searchable."""
    path = tmp_path / "edifici.csv"
    for text in (CSV, CSV.replace("scuola", "museo")):
        path.write_text(text)
        (outcome,) = import_path(path, access="public")
    made = outcome.layer
    assert made is not None
    made.fields.filter(name="nome").update(is_searchable=True)
    forget_catalogue()
    index_layer(made.pk)
    return made


@pytest.fixture
def steward(db: None) -> Client:
    user = User.objects.create_user("curatrice")
    user.groups.add(Group.objects.get_or_create(name="curatori")[0])
    client = Client()
    client.force_login(user)
    return client


def tables(word: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname || '.' || c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'v') AND n.nspname LIKE 'geodata%%' AND c.relname LIKE %s ORDER BY 1",
            [f"{word}%"],
        )
        return [row[0] for row in cursor.fetchall()]


def test_the_page_tells_what_goes_and_wants_the_name(layer: Layer, steward: Client) -> None:
    page = steward.get(PAGE).content.decode()
    assert "I dati: 2 elementi" in page and "La storia: 2 versioni" in page
    assert f'href="{PAGE}"' in steward.get("/livelli/edifici/").content.decode()
    answer = steward.post(PAGE, {"nome": "edificio"})
    assert answer.status_code == 400 and "scrivere il suo nome" in answer.content.decode()
    assert Layer.objects.filter(pk=layer.pk).exists()
    assert Client().get(PAGE).status_code == 302
    assert PAGE not in Client().get("/livelli/edifici/").content.decode()
    plain = Client()
    plain.force_login(User.objects.create_user("passante"))
    assert plain.post(PAGE, {"nome": "edifici"}).status_code in (302, 403)
    assert Layer.objects.filter(pk=layer.pk).exists()


def test_nothing_is_left_and_the_name_is_free_again(
    layer: Layer, steward: Client, import_path: Importer, tmp_path: Path
) -> None:
    layer.refresh_from_db()
    assert len(tables("edifici")) == 4 and SearchEntry.objects.filter(layer=layer).exists()
    layer.styles.create(name="altro", title_it="Altro", spec=dump(default_style("edifici", "POINT")))
    job = enqueue("restore-version", {"layer": layer.pk, "number": 1, "language": "it"})
    assert steward.post(PAGE, {"nome": "edifici"}).status_code == 302
    forget_catalogue()
    assert tables("edifici") == []
    assert not SearchEntry.objects.filter(layer_id=layer.pk).exists()
    assert Job.objects.get(pk=job.pk).state == Job.State.CANCELLED
    for address in ("/livelli/edifici/", "/ogc/collections/edifici", "/ogc/collections/edifici/items"):
        assert Client().get(address).status_code == 404, address
    row = DeletedLayer.objects.get()
    assert (row.user_name, row.layer, row.features, row.versions, row.kept) == ("curatrice", "edifici", 2, 2, "")
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()
    (outcome,) = import_path(tmp_path / "edifici.csv")
    assert outcome.layer is not None and outcome.layer.slug == "edifici"
    # Browsers keep tiles of the layer before for ever, by its name and data version.
    outcome.layer.refresh_from_db()
    assert outcome.layer.data_version > layer.data_version + 1_000_000


def test_a_table_that_others_made_or_read_stays_and_the_page_says_why(layer: Layer, steward: Client) -> None:
    make_layer("misure", "POINT", 32632, {"nome": "string"}, FILL)
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW geodata.edifici_altrui AS SELECT nome FROM geodata.edifici")
    forget_catalogue()
    try:
        assert "geodata.edifici_altrui" in steward.get(PAGE).content.decode()
        assert "fatta nel database" in steward.get("/livelli/misure/elimina/").content.decode()
        assert steward.post("/livelli/misure/elimina/", {"nome": "misure"}).status_code == 302
        assert steward.post(PAGE, {"nome": "edifici"}).status_code == 302
        assert "geodata.misure" in tables("misure") and "geodata.edifici" in tables("edifici")
        assert all(DeletedLayer.objects.values_list("kept", flat=True))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS geodata.misure, geodata.edifici CASCADE")


def test_a_layer_is_not_deleted_while_it_is_written_nor_twice(
    layer: Layer, steward: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = User.objects.create_user("altra")
    TileOverview.objects.create(layer=layer, data_version=1, is_useful=False)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        for written in ("layers_layer WHERE id", "layers_tileoverview WHERE layer_id"):
            with other.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {written} = %s FOR UPDATE", [layer.pk])
            with pytest.raises(LayerBusy):
                delete_layer(layer.pk, user)
            other.rollback()
    finally:
        other.close()

    # Two clicks: the second request has found the layer, and waits until the first is done.
    def twice(number: int, user: User) -> None:
        delete_layer(number, user)
        delete_layer(number, user)

    monkeypatch.setattr("geoportal.catalogue.deleting.delete_layer", twice)
    assert steward.post(PAGE, {"nome": "edifici"}).status_code == 404
    assert tables("edifici") == []


def test_the_administration_says_it_and_does_it_too(layer: Layer, admin_client: Client) -> None:
    page = admin_client.get(f"/admin/layers/layer/{layer.pk}/delete/").content.decode()
    assert "edifici: tutti i dati, 2 elementi" in page
    admin_client.post(
        "/admin/layers/layer/", {"action": "delete_selected", "_selected_action": layer.pk, "post": "yes"}
    )
    assert tables("edifici") == []
    assert DeletedLayer.objects.get().user_name == "admin"
