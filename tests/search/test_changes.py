"""After a change of a few features the index is what it would be had it been made anew, with little written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from layers import columns
from layers.models import Field, Layer, SearchEntry, SearchIndex, SearchWish, SearchWord
from layers.search.index import index_layer
from layers.versions.recording import keep_versions
from tests.geodata import forget_catalogue, make_layer

# A transaction makes one version: changes must be made one after the other.
pytestmark = pytest.mark.django_db(transaction=True)

STREETS = """
INSERT INTO {table} (geom, odonimo) VALUES
    (ST_GeomFromText('LINESTRING(580000 4998000, 580100 4998000)', 32632), 'Via Bissolati'),
    (ST_GeomFromText('LINESTRING(580100 4998000, 580200 4998000)', 32632), 'Via Bissolati'),
    (ST_GeomFromText('LINESTRING(580000 4998100, 580100 4998100)', 32632), 'Via Ruggero Manna')
"""


@pytest.fixture
def kept(town: SimpleNamespace) -> dict[str, Layer]:
    """The town with its history, indexed as of it."""
    axes = make_layer("assi", "LINESTRING", 32632, {"odonimo": "string"}, STREETS)
    Field.objects.filter(layer=axes).update(is_searchable=True)
    forget_catalogue()
    layers = {"civici": town.numbers, "particelle": town.parcels, "scuole": town.schools, "assi": axes}
    for layer in layers.values():
        keep_versions(layer.pk)
        forget_catalogue()
        index_layer(layer.pk, whole=True)
    return layers


def held(layer: Layer) -> tuple[list[Any], dict[Any, int]]:
    entries = SearchEntry.objects.filter(layer=layer).order_by("scope", "kind", "item", "norm")
    names = (
        "scope",
        "kind",
        "item",
        "title",
        "subtitle",
        "norm",
        "street",
        "number",
        "suffix",
        "words",
        "point",
        "bbox",
    )
    words = SearchWord.objects.filter(layer=layer, rows__gt=0)
    return [tuple(map(str, row)) for row in entries.values_list(*names)], {
        (word.scope, word.word): word.rows for word in words
    }


def written(layer: Layer) -> set[int]:
    return set(SearchEntry.objects.filter(layer=layer).values_list("pk", flat=True))


CHANGES = {
    "civici": [
        "UPDATE {t} SET civico = '200' WHERE odonimo = 'Via Dante' AND civico = '7'",
        "UPDATE {t} SET odonimo = 'Via Nuovissima' WHERE odonimo = 'Via Dante' AND civico = '8'",
        "DELETE FROM {t} WHERE odonimo = 'Via XX Settembre'",
        "INSERT INTO {t} (geom, odonimo, civico) SELECT geom, 'Via Mai Vista', '1' FROM {t} LIMIT 1",
        "UPDATE {t} SET geom = ST_Translate(geom, 5, 5) WHERE odonimo = 'Via Dante' AND civico = '9'",
    ],
    "particelle": [
        "UPDATE {t} SET foglio = '0099' WHERE foglio = '0012' AND particella = '345'",
        "DELETE FROM {t} WHERE foglio = '0010'",
        "INSERT INTO {t} (geom, foglio, particella) SELECT geom, '0120', '7' FROM {t} LIMIT 1",
    ],
    "scuole": [
        "UPDATE {t} SET nome = 'Liceo Manin' WHERE nome = 'Liceo Anguissola'",
        "UPDATE {t} SET dirigente = 'Margherita' WHERE dirigente = 'Girasole'",
        "DELETE FROM {t} WHERE tipo = 'infanzia'",
        "INSERT INTO {t} (geom, nome, tipo) SELECT geom, 'Scuola Bissolati', 'primaria' FROM {t} LIMIT 1",
    ],
    "assi": [
        "UPDATE {t} SET odonimo = 'Via Ruggero Manna' WHERE fid = 2",
        "DELETE FROM {t} WHERE fid = 3",
    ],
}  # fmt: skip


def test_changes_one_by_one_and_together_give_the_index_of_the_whole(kept: dict[str, Layer]) -> None:
    for layer, number, statement in (
        (kept[slug], number, one) for slug, statements in CHANGES.items() for number, one in enumerate(statements)
    ):
        before = written(layer)
        with connection.cursor() as cursor:
            cursor.execute(statement.format(t=f"geodata.{layer.table_name}"))
        if number == 1:
            continue  # this one and the next are done together
        forget_catalogue()
        index_layer(layer.pk)
        assert before & written(layer) or len(before) < 6, "the index was made anew"
        part = held(layer)
        index_layer(layer.pk, whole=True)
        assert part == held(layer), statement


def test_one_feature_of_many_writes_little(kept: dict[str, Layer]) -> None:
    layer = kept["civici"]
    before = written(layer)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.civici SET civico = '201' WHERE odonimo = 'Via Dante' AND civico = '7'")
    forget_catalogue()
    index_layer(layer.pk)
    # One street of eight, and no other.
    assert len(written(layer) - before) == 42 and len(before) == 8 * 39 + 2 + 8


def test_a_layer_without_history_or_with_other_fields_is_indexed_whole(kept: dict[str, Layer]) -> None:
    layer = kept["scuole"]
    Field.objects.filter(layer=layer, name="tipo").update(is_searchable=False)
    forget_catalogue()
    index_layer(layer.pk)
    part = held(layer)
    index_layer(layer.pk, whole=True)
    assert part == held(layer)
    assert SearchIndex.objects.get(layer=layer).version is not None


def test_a_wish_stays_while_its_layer_is_being_indexed(kept: dict[str, Layer]) -> None:
    from layers.jobs.kinds import search_job

    class Context:
        parameters: dict[str, Any] = {}
        user_id = None

        def progress(self, _percent: int, _message: str = "") -> None:
            # A change that comes while the job runs is done by the next one.
            SearchWish.objects.filter(layer=kept["scuole"]).update(asked_at="2030-01-01T00:00Z")

        def log(self, text: str) -> None:
            raise AssertionError(text)

    SearchWish.objects.all().delete()
    for layer in kept.values():
        Layer.objects.filter(pk=layer.pk).update(data_version=50)
    forget_catalogue()
    assert SearchWish.objects.count() == 4
    done = search_job(Context())
    assert set(done["entries"]) == set(kept)
    assert list(SearchWish.objects.values_list("layer__slug", flat=True)) == ["scuole"]


def test_filling_an_index_is_not_cut_off_by_the_limit_of_a_read(town: SimpleNamespace) -> None:
    limits: set[str] = set()

    def look(execute: Any, statement: Any, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO layers_searchentry" in str(statement):
            execute("SHOW statement_timeout", None, False, context)
            limits.update(context["cursor"].fetchone())
        return execute(statement, params, many, context)

    columns._column_types.cache_clear()  # as in the process of a job
    with connection.execute_wrapper(look):
        index_layer(town.schools.pk, whole=True)
    assert limits == {"0"}
