"""How far back history is kept, and that it goes with its layer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from layers.catalogue import catalogue
from layers.jobs.models import Job
from layers.jobs.registry import kinds
from layers.models import Layer, LayerGeneration, LayerVersion
from layers.search.changes import moment_of
from layers.versions import retention
from layers.versions.generations import retire
from layers.versions.recording import keep_versions, recorded
from layers.versions.restoring import restore
from tests.geodata import forget_catalogue, make_layer

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
INSERT INTO {table} (geom, nome)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), 'casa ' || n FROM generate_series(1, 3) AS n
"""


def days_ago(days: int) -> str:
    return (timezone.now() - timedelta(days=days)).isoformat()


def change(statement: str, days: int) -> None:
    moment = timezone.now() - timedelta(days=days)
    with recorded(LayerVersion.What.EDIT, valid_from=moment), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def layer() -> Layer:
    """Houses: three 40 days ago; 1 renamed 30 days ago, 2 gone 20 days ago, 3 renamed and 4 built 10 days ago."""
    made = make_layer("case", "POINT", 32632, {"nome": "string"}, FILL)
    with recorded(LayerVersion.What.IMPORT, valid_from=timezone.now() - timedelta(days=40)):
        assert keep_versions(made.pk)
    change("UPDATE geodata.case SET nome = 'villa' WHERE fid = 1", 30)
    change("DELETE FROM geodata.case WHERE fid = 2", 20)
    change(
        "UPDATE geodata.case SET nome = 'torre' WHERE fid = 3; INSERT INTO geodata.case (geom, nome) "
        "VALUES (ST_SetSRID(ST_MakePoint(580009, 4998000), 32632), 'casa 4')",
        10,
    )
    forget_catalogue()
    return made


def names(days: int) -> list[str]:
    found = Client().get("/ogc/collections/case/items", {"f": "json", "datetime": days_ago(days)})
    assert found.status_code == 200, found.content
    return sorted(feature["properties"]["nome"] for feature in found.json()["features"])


def past_tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'geodata_past'::regnamespace"
        )
        return sorted(row[0] for row in cursor.fetchall())


class Quiet:
    """A job that nobody watches."""

    parameters: dict[str, object] = {}
    user_id = None

    def progress(self, percent: int, message: str = "") -> None: ...
    def log(self, text: str) -> None: ...


def test_history_is_kept_for_ever_unless_somebody_says_otherwise(layer: Layer) -> None:
    assert retention.prunable() == []


def test_more_days_than_there_are_times_for_are_for_ever_too(layer: Layer, settings) -> None:
    settings.HISTORY_DAYS = 10**12
    assert retention.prunable() == []
    Layer.objects.filter(pk=layer.pk).update(history_days=2**31 - 1)
    assert retention.prunable() == []


@pytest.mark.parametrize("says", ["installation", "layer"])
def test_only_states_before_what_is_kept_go(layer: Layer, settings, says: str) -> None:
    before = {days: names(days) for days in (25, 15, 5, 0)}
    if says == "layer":
        Layer.objects.filter(pk=layer.pk).update(history_days=25)
    else:
        settings.HISTORY_DAYS = 25
    done = kinds()[retention.KIND].handler(Quiet())
    assert done["versions"] == {"case": 1}
    forget_catalogue()
    assert {days: names(days) for days in (25, 15, 5, 0)} == before
    assert before[25] == ["casa 2", "casa 3", "villa"]
    assert [row.number for row in layer.versions.order_by("number")] == [2, 3, 4]
    assert retention.prunable() == []


def test_a_moment_before_what_is_kept_is_refused_and_not_answered_with_nothing(layer: Layer) -> None:
    assert names(50) == []
    retention.forget_before(layer.pk, 3)
    forget_catalogue()
    refused = Client().get("/ogc/collections/case/items", {"f": "json", "datetime": days_ago(25)})
    assert refused.status_code == 400
    assert "begins at" in refused.content.decode()


def test_a_cut_history_goes_on_and_is_restored(layer: Layer) -> None:
    retention.forget_before(layer.pk, 3)
    change("UPDATE geodata.case SET nome = 'rudere' WHERE fid = 1", 1)
    forget_catalogue()
    assert names(15) == ["casa 3", "villa"]
    restore(layer.pk, 3)
    forget_catalogue()
    assert names(0) == ["casa 3", "villa"]
    assert names(5) == ["casa 4", "torre", "villa"]


def test_an_index_made_before_the_cut_is_made_anew(layer: Layer) -> None:
    retention.forget_before(layer.pk, 3)
    forget_catalogue()
    moment = moment_of(catalogue().layers["case"])
    assert moment is not None
    assert (moment.first, moment.version) == (3, 4)


def test_replaced_tables_go_with_the_last_of_their_versions(layer: Layer) -> None:
    replace(layer)
    assert len(past_tables()) == 3
    retention.forget_before(layer.pk, 5)
    assert past_tables() == [LayerGeneration.objects.get(layer=layer).history_table]


def test_the_past_goes_with_its_layer_and_the_administration_says_so_before(layer: Layer, admin_client: Client) -> None:
    replace(layer)
    forget_catalogue()
    page = admin_client.get(f"/admin/layers/layer/{layer.pk}/delete/").content.decode()
    assert "Tutta la storia: 5 versioni dal" in page
    assert "in 3 tabelle" in page, page[page.index("Tutta la") :][:200]
    layer.delete()
    assert past_tables() == []
    again = Layer.objects.create(slug="case", kind="vector", table_name="case", title_it="Case", srid=32632)
    assert keep_versions(again.pk)


def test_letting_go_is_queued_once_a_day_and_only_where_there_is_something(layer: Layer, monkeypatch) -> None:
    monkeypatch.setattr(retention, "_LOOK_S", 0.0)
    monkeypatch.setattr(retention, "_next_look", 0.0)
    retention.queue_due()
    assert not Job.objects.filter(kind=retention.KIND).exists()
    Layer.objects.filter(pk=layer.pk).update(history_days=25)
    retention.queue_due()
    retention.queue_due()
    assert Job.objects.filter(kind=retention.KIND).count() == 1


def replace(layer: Layer) -> None:
    """Another table takes the place of the layer's."""
    with recorded(LayerVersion.What.REPLACE):
        layer.refresh_from_db()
        assert retire(layer)
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE geodata.case (fid bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
                "geom geometry(Point, 32632), nome text); INSERT INTO geodata.case (nome) VALUES ('nuova')"
            )
        assert keep_versions(layer.pk, (1, 0, 3))
