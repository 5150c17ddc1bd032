"""A table that another took the place of stays readable as it was, with the columns and the rights it had."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from layers.catalogue import catalogue
from layers.importing.options import moment_of
from layers.models import Access, Layer
from layers.rights import EVERYTHING, PUBLIC
from layers.versions.comparing import Wanted, compare
from layers.versions.restoring import restore
from tests.geodata import forget_catalogue

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = "codice;nome;piani;segreto;lat;lon\na1;casa;2;x;45,10;10,0\na2;scuola;3;y;45,11;10,0\na3;torre;9;z;45,12;10,0\n"
SECOND = "codice;nome;altezza;lat;lon\na1;casa;6,5;45,10;10,0\na2;museo;9,1;45,11;10,0\na4;ponte;2,2;45,13;10,0\n"


@pytest.fixture
def layer(import_path: Any, tmp_path: Path) -> Layer:
    """Imported twice: `piani` and `segreto` went, `altezza` came; one feature of three stayed what it was."""
    path = tmp_path / "edifici.csv"
    path.write_text(FIRST)
    (outcome,) = import_path(path, access="public", valid_from=moment_of("2025-01-01"))
    made: Layer = outcome.layer
    made.fields.filter(name="segreto").update(access=Access.INTERNAL)
    path.write_text(SECOND)
    (outcome,) = import_path(path, valid_from=moment_of("2025-06-01"))
    assert (outcome.changes["added"], outcome.changes["removed"], outcome.changes["unchanged"]) == (2, 2, 1)
    assert "colonne tolte: piani, segreto" in outcome.changes["notes"]
    forget_catalogue()
    return made


def first(client: Client, **asked: str) -> dict[str, Any]:
    answer = client.get("/ogc/collections/edifici/items", {"f": "json", "sortby": "codice", **asked})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["features"][0]["properties"]
    return found


def test_the_old_columns_are_there_with_the_rights_they_had(client: Client, layer: Layer) -> None:
    assert set(first(client)) == {"codice", "nome", "altezza", "lat", "lon"}
    assert set(first(client, datetime="2025-03-01")) == {"codice", "nome", "piani", "lat", "lon"}
    assert first(client, datetime="2025-03-01", filter="piani > 8")["codice"] == "a3"
    # Hidden today, hidden in the past.
    layer.fields.filter(name="nome").update(is_visible=False)
    forget_catalogue()
    assert set(first(client, datetime="2025-03-01")) == {"codice", "piani", "lat", "lon"}


def test_states_of_two_tables_are_compared_by_content_then_place_or_by_a_key(layer: Layer) -> None:
    entry = catalogue().layers["edifici"]
    by_place = compare(entry, (1, 2), PUBLIC, Wanted())
    assert (by_place.added, by_place.changed, by_place.removed, by_place.by) == (1, 1, 1, "place")
    by_key = compare(entry, (1, 2), PUBLIC, Wanted(only="changed", key=("codice",)))
    assert by_key.page[0].differing == [
        ("nome", "scuola", "museo"), ("piani", 3, None), ("altezza", None, 9.1),
    ]  # fmt: skip
    assert "segreto" not in by_key.page[0].before
    assert "segreto" in compare(entry, (1, 2), EVERYTHING, Wanted()).page[1].before


def test_the_old_table_comes_back_as_a_third_version(client: Client, layer: Layer) -> None:
    made = restore(layer.pk, 1)
    forget_catalogue()
    assert (made.number, made.what, made.added, made.removed) == (3, "restore", 2, 2)
    assert set(first(client)) == {"codice", "nome", "piani", "lat", "lon"}
    assert layer.fields.get(name="segreto").access == Access.INTERNAL
    assert set(first(client, datetime="2025-07-01")) == {"codice", "nome", "altezza", "lat", "lon"}
    again = client.get("/ogc/collections/edifici/items", {"f": "json"}).json()
    old = client.get("/ogc/collections/edifici/items", {"f": "json", "datetime": "2025-03-01"}).json()
    assert again["features"] == old["features"]


def test_a_view_that_reads_the_table_stops_the_replacement(layer: Layer, import_path: Any, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW geodata.di_altri AS SELECT nome FROM geodata.edifici")
    (tmp_path / "edifici.csv").write_text(FIRST)
    (outcome,) = import_path(tmp_path / "edifici.csv")
    assert outcome.result == "refused"
    assert "geodata.di_altri" in outcome.reason
    assert layer.versions.count() == 2


def test_a_date_that_goes_back_is_refused(layer: Layer, import_path: Any, tmp_path: Path) -> None:
    (outcome,) = import_path(tmp_path / "edifici.csv", valid_from=moment_of("2025-05-01"))
    assert "deve venire dopo quella della versione 2" in outcome.reason


def test_the_same_data_again_is_no_version_and_keeps_the_identifiers(
    layer: Layer, import_path: Any, tmp_path: Path
) -> None:
    lines = SECOND.splitlines()
    (tmp_path / "edifici.csv").write_text("\n".join([lines[0], lines[3], lines[1], lines[2]]) + "\n")
    (outcome,) = import_path(tmp_path / "edifici.csv")
    assert (outcome.result, outcome.changes["unchanged"], outcome.changes["version"]) == ("imported", 3, 2)
    assert layer.versions.count() == 2
