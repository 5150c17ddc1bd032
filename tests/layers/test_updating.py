"""New data for a layer there is: appended, or synchronised by key or by position; shown before, whole or not at all."""

from pathlib import Path
from typing import Any

import pytest

from layers.importing.options import Mode
from layers.models import ImportOutcome, Layer
from tests.layers.conftest import Importer

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = "codice;nome;est;nord\na1;casa;580000;4998000\na2;scuola;580100;4998000\na3;torre;580200;4998000\n"
AFTER = "codice;nome;est;nord\na1;casa;580000;4998000\na2;museo;580100;4998000\na4;ponte;580300;4998000\n"
MOVED = "codice;nome;est;nord\nb1;casa;580000,4;4998000\nb2;scuola;580100;4998000\nb3;torre;580203;4998000\n"


@pytest.fixture
def layer(import_path: Importer, tmp_path: Path) -> Layer:
    (outcome,) = import_path(written(tmp_path / "edifici.csv", BEFORE), srid=32632)
    assert outcome.layer is not None
    return outcome.layer


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def update(layer: Layer, import_path: Importer, tmp_path: Path) -> Any:
    def run(text: str, mode: Mode, **options: Any) -> ImportOutcome:
        found = import_path(written(tmp_path / "nuovi.csv", text), slug="edifici", srid=32632, mode=mode, **options)
        return found[0]

    return run


def numbers(outcome: ImportOutcome) -> tuple[int, ...]:
    assert outcome.result != "refused", outcome.reason
    return tuple(outcome.changes[name] for name in ("added", "changed", "removed", "unchanged"))


def counted(layer: Layer) -> list[tuple[str, int | None, int | None, int | None]]:
    return list(layer.versions.order_by("number").values_list("what", "added", "changed", "removed"))


def test_appended_rows_get_numbers_of_their_own(layer: Layer, update: Any) -> None:
    assert numbers(update(AFTER, Mode.APPEND)) == (3, 0, 0, 0)
    layer.refresh_from_db()
    assert layer.feature_count == 6
    assert counted(layer) == [("import", 3, 0, 0), ("append", 3, 0, 0)]


def test_synchronised_by_key(layer: Layer, update: Any) -> None:
    outcome = update(AFTER, Mode.SYNCHRONISE, key=("codice",))
    assert numbers(outcome) == (1, 1, 1, 1)
    assert outcome.changes["samples"]["changed"][0]["after"]["nome"] == "museo"
    assert counted(layer)[-1] == ("synchronise", 1, 1, 1)
    assert numbers(update(AFTER, Mode.SYNCHRONISE, key=("codice",))) == (0, 0, 0, 3)
    assert layer.versions.count() == 2


def test_shown_first_and_nothing_written(layer: Layer, update: Any) -> None:
    before = Layer.objects.get(pk=layer.pk).data_version
    assert numbers(update(AFTER, Mode.SYNCHRONISE, key=("codice",), dry_run=True)) == (1, 1, 1, 1)
    layer.refresh_from_db()
    assert (layer.data_version, layer.versions.count(), layer.feature_count) == (before, 1, 3)


def test_synchronised_by_position_within_a_tolerance(layer: Layer, update: Any) -> None:
    # Without the codes house 1 has moved by 0.4 m and the tower, 3 m away, is another one.
    found = update(MOVED, Mode.SYNCHRONISE, tolerance=1.0, ignore=("codice", "est"), dry_run=True)
    assert numbers(found) == (1, 1, 1, 1)
    assert found.changes["moved"] == 1
    assert numbers(update(MOVED, Mode.SYNCHRONISE, tolerance=5.0, ignore=("codice", "est"), dry_run=True)) == (
        0,
        2,
        0,
        1,
    )
    assert numbers(update(MOVED, Mode.SYNCHRONISE, tolerance=5.0, match=("codice",), dry_run=True)) == (3, 0, 3, 0)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (AFTER, {}, "indicare la chiave"),
        (AFTER, {"key": ("targa",)}, "targa non è una colonna comune"),
        (AFTER.replace("a4", "a1"), {"key": ("codice",)}, "non distingue gli elementi del file: «a1» × 2"),
        (AFTER.replace("a4", ""), {"key": ("codice",)}, "non distingue gli elementi del file"),
        (AFTER, {"tolerance": 1.0, "ignore": ("targa",)}, "non ha la colonna targa"),
    ],
)
def test_what_cannot_be_synchronised_is_said_and_changes_nothing(layer, update, text, options, words) -> None:
    outcome = update(text, Mode.SYNCHRONISE, **options)
    assert words in outcome.reason
    assert layer.versions.count() == 1


def test_values_that_do_not_fit_leave_everything_as_it_was(layer: Layer, update: Any) -> None:
    # The coordinates are numbers in the layer, in the file one of them is a word.
    outcome = update(AFTER.replace("580300", "580300?"), Mode.APPEND)
    assert "Il database non accetta i dati" in outcome.reason
    layer.refresh_from_db()
    assert (layer.versions.count(), layer.feature_count) == (1, 3)


def test_columns_the_layer_lacks_are_named_not_added(layer: Layer, update: Any) -> None:
    outcome = update("codice;colore;est;nord\na7;rosso;580000;4998000\n", Mode.APPEND)
    assert any("colore" in note for note in outcome.notes)
    assert any("lasciate come sono: nome" in note for note in outcome.notes)


def test_only_rows_asked_for(layer: Layer, update: Any) -> None:
    assert numbers(update(AFTER, Mode.APPEND, where={"codice": "a4"})) == (1, 0, 0, 0)
    assert "non ha la colonna targa" in update(AFTER, Mode.APPEND, where={"targa": "x"}).reason
    assert "Nessun elemento" in update(AFTER, Mode.APPEND, where={"codice": "zz"}).reason


def test_without_a_layer_there_is_nothing_to_append_to(import_path: Importer, tmp_path: Path) -> None:
    (outcome,) = import_path(written(tmp_path / "soli.csv", AFTER), srid=32632, mode=Mode.APPEND)
    assert "un livello che c'è già" in outcome.reason
