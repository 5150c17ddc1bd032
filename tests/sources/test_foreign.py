"""Another office's PostgreSQL as a layer: read while it answers, and nobody else's trouble when it does not."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker

from layers.catalogue import catalogue
from layers.models import Field, Layer, Source, SourceState
from layers.sources import bounded, foreign, gate, health, services, table_copy
from layers.sources.errors import SourceChanged, SourceFailed, SourceRefused
from layers.sources.harvest import Harvested, harvest
from tests.geodata import drop, forget_catalogue, make_layer
from tests.ogc.conftest import NUMBERS
from tests.sources.servers import PASSWORD, USER, Office, office

ITEMS = "/ogc/collections/particelle-ufficio/items"
TILE = "/ogc/collections/particelle-ufficio/tiles/WebMercatorQuad/12/1471/2161?f=mvt"
PICTURE = "/ogc/collections/particelle-ufficio/map?f=png&width=64&bbox=10.01,45.12,10.04,45.14"
OURS = "/ogc/collections/civici-nostri/items?limit=1"


@pytest.fixture(scope="module")
def there() -> Iterator[Office]:
    folder = Path(tempfile.mkdtemp(prefix="geoportal-office-"))
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    made = office(folder)
    yield made
    made.remove()


@pytest.fixture
def allowed(settings: Any, there: Office) -> None:
    settings.SOURCE_HOSTS, settings.SOURCE_NETWORKS = [f"127.0.0.1:{there.port}"], ["127.0.0.0/8"]


def values(there: Office, **more: Any) -> dict[str, Any]:
    return {
        "title": "Particelle dell'ufficio", "slug": "particelle-ufficio", "kind": "postgres", "address": there.address,
        "remote_name": "catasto.particelle", "user_name": USER, "access": "public", "timeout_ms": 700, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def attached(there: Office, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Source]:
    """The office's plots as a layer, beside one of our own; committed: sources are read by threads of their own."""
    from django.test import override_settings

    with django_db_blocker.unblock():
        with override_settings(SOURCE_HOSTS=[f"127.0.0.1:{there.port}"], SOURCE_NETWORKS=["127.0.0.0/8"]):
            source = services.make(values(there), PASSWORD)
        ours = make_layer("civici-nostri", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS)
        forget_catalogue()
    yield source
    with django_db_blocker.unblock():
        services.remove(Source.objects.get(pk=source.pk))
        drop(ours)
        ours.delete()
        forget_catalogue()


@pytest.fixture
def source(attached: Source, allowed: None, there: Office, db: None) -> Source:
    forget_catalogue()
    # What a test before this one noted was rolled back with it; its own connection may still be looking.
    for desk in bounded._desks.values():
        desk.is_stuck = False
    return Source.objects.get(pk=attached.pk)


def test_the_layer_is_what_the_table_says(source: Source) -> None:
    layer = Layer.objects.get(slug="particelle-ufficio")
    assert (layer.srid, layer.geometry_type, layer.feature_count, layer.is_live) == (32632, "POLYGON", 500, True)
    types = dict(Field.objects.filter(layer=layer).values_list("name", "type"))
    assert types == {
        "gid": "integer", "foglio": "string", "particella": "string", "superficie": "number", "uso": "string",
        "rilevata": "date",
    }  # fmt: skip


def test_features_tiles_filters_and_pictures_are_read_over_there(source: Source) -> None:
    client = Client()
    page = client.get(f"{ITEMS}?foglio=0003&limit=500").json()
    assert page["numberMatched"] == 100 and page["features"][0]["properties"]["uso"] in {"prato", "seminativo"}
    assert client.get(f"{ITEMS}/42").json()["properties"]["particella"] == "42"
    assert client.get(f"{ITEMS}?filter=uso='prato' AND gid<10").json()["numberMatched"] == 5
    assert len(client.get(TILE).content) > 100
    assert client.get(PICTURE)["Content-Type"] == "image/png"
    export = client.get("/ogc/collections/particelle-ufficio/export?f=csv")
    assert b"".join(export.streaming_content).count(b"\n") == 501  # type: ignore[attr-defined]


def test_a_box_is_looked_for_by_the_index_over_there(source: Source) -> None:
    statement = (
        "EXPLAIN (VERBOSE, FORMAT JSON) SELECT fid FROM geodata.particelle_ufficio "
        "WHERE geom && ST_MakeEnvelope(580000, 4998000, 580100, 4998100, 32632) AND foglio = '0001'"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        plan = json.dumps(cursor.fetchone()[0])
    assert "Remote SQL" in plan and "&&" in plan.split("Remote SQL")[1] and "Foglio" in plan.split("Remote SQL")[1]


def test_a_password_is_where_only_its_owner_reads_it(source: Source) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(s)::text FROM layers_source AS s")
        rows = [cursor.fetchone()[0]]
        cursor.execute("SELECT srvoptions::text FROM pg_foreign_server")
        rows += [row[0] or "" for row in cursor.fetchall()]
        cursor.execute("SELECT has_table_privilege('pg_user_mapping', 'SELECT')")
        assert cursor.fetchone() == (False,)
    assert not [row for row in rows if "parola" in row]


def buffered(slug: str) -> Any:
    inputs = {"layer": slug, "distance": 1, "ids": [1]}
    return Client().post(
        "/ogc/processes/buffer/execution", json.dumps({"inputs": inputs}), content_type="application/json"
    )


def test_a_stopped_server_takes_its_own_layer_alone_and_comes_back(
    source: Source, there: Office, admin_client: Client
) -> None:
    client = Client()
    assert client.get(ITEMS).status_code == 200 and buffered("particelle-ufficio").status_code == 200
    there.stop()
    try:
        for address in (ITEMS, TILE, PICTURE):
            away = client.get(address)
            assert away.status_code == 503 and away["Retry-After"]
        assert buffered("particelle-ufficio").json()["code"] == "SourceAway"
        assert buffered("civici-nostri").status_code == 200
        said = client.get(ITEMS).json()
        assert said["code"] == "SourceAway" and "particelle-ufficio" in said["description"]
        state = SourceState.objects.get(pk=source.pk)
        assert state.health == "failing" and f"{state.since:%Y}" in said["description"]
        for address in (
            OURS,
            "/ogc/collections",
            "/ogc/collections/particelle-ufficio",
            "/",
            "/ogc/tiles/WebMercatorQuad/12/1471/2161",
        ):
            started = time.monotonic()
            assert client.get(address).status_code == 200, address
            assert time.monotonic() - started < 15
        assert client.get("/api/qui?lon=10.024&lat=45.133").status_code == 200
        asked = {"field": "superficie", "kind": "graduated", "method": "quantile", "count": 5}
        classes = admin_client.post("/livelli/particelle-ufficio/stile/classi", asked, content_type="application/json")
        assert classes.status_code == 503 and "fonte" in classes.json()["error"]
        with pytest.raises(SourceFailed):
            foreign.look_at(source)
    finally:
        there.start()
    # Nobody tells us: the next look, or the next reader after the pause, finds it well.
    assert client.get(ITEMS).status_code == 503
    SourceState.objects.filter(pk=source.pk).update(retry_at=state.since)
    assert client.get(ITEMS).status_code == 200
    assert SourceState.objects.get(pk=source.pk).health == "ok"


def test_a_silent_server_costs_a_reader_its_own_time_and_nobody_else(source: Source, there: Office) -> None:
    client = Client()
    assert client.get(ITEMS).status_code == 200
    there.halt()
    try:
        started = time.monotonic()
        assert client.get(ITEMS).status_code == 503
        waited = time.monotonic() - started
        assert waited < 15, waited
        # While it is stuck others are told at once, and our own layers know nothing of it.
        for _turn in range(3):
            assert client.get(TILE).status_code == 503
        assert client.get(OURS).status_code == 200
        assert time.monotonic() - started - waited < 15
        assert SourceState.objects.get(pk=source.pk).health == "failing"
    finally:
        there.go_on()
    end = time.monotonic() + 60
    while time.monotonic() < end and client.get(ITEMS).status_code != 200:
        SourceState.objects.filter(pk=source.pk).update(retry_at=source.created_at)
        time.sleep(0.1)
    assert client.get(ITEMS).status_code == 200


def test_one_slow_answer_may_be_the_questions_fault_and_three_are_not(source: Source) -> None:
    layer = catalogue().layers["particelle-ufficio"]
    for is_open in (True, True, False):
        health.failed(source.pk, "lenta", is_slow=True)
        assert gate.may_be_asked(layer) == is_open


SLOWED = """
ALTER TABLE catasto.particelle RENAME TO vere;
CREATE VIEW catasto.particelle AS SELECT * FROM catasto.vere WHERE pg_sleep(0.05) IS NOT NULL;
GRANT SELECT ON catasto.particelle TO lettore;
"""


def test_a_slow_table_is_ended_over_there_too(source: Source, there: Office) -> None:
    there.do(SLOWED)
    try:
        started = time.monotonic()
        assert Client().get(f"{ITEMS}?limit=500").status_code == 503
        assert time.monotonic() - started < 15
        assert SourceState.objects.get(pk=source.pk).failures == 1
        assert Client().get(OURS).status_code == 200
    finally:
        there.do("DROP VIEW catasto.particelle; ALTER TABLE catasto.vere RENAME TO particelle")


def aside[T](do: Callable[[], T]) -> T:
    """Outside of the test's transaction, which would keep the table over there locked."""

    def done() -> T:
        try:
            return do()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(done).result(30)


def test_another_shape_is_told_and_mended_by_a_steward(source: Source, there: Office) -> None:
    there.do("ALTER TABLE catasto.particelle RENAME COLUMN particella TO mappale")
    try:
        with pytest.raises(SourceChanged, match="particella text"):
            aside(lambda: foreign.look_at(source))
        assert SourceState.objects.get(pk=source.pk).health == "changed"
        aside(lambda: services.accept_change(source))
        names = set(Field.objects.filter(layer__slug="particelle-ufficio").values_list("name", flat=True))
        assert "mappale" in names and "particella" not in names
        assert SourceState.objects.get(pk=source.pk).health == "ok"
    finally:
        there.do("ALTER TABLE catasto.particelle RENAME COLUMN mappale TO particella")
        aside(lambda: services.accept_change(source))


def test_a_column_of_another_type_is_taken_as_what_it_is_now(source: Source, there: Office) -> None:
    there.do("ALTER TABLE catasto.particelle ALTER COLUMN superficie TYPE text")
    try:
        aside(lambda: services.accept_change(source))
        held = Field.objects.get(layer__slug="particelle-ufficio", name="superficie")
        assert held.type == "string"
    finally:
        there.do("ALTER TABLE catasto.particelle ALTER COLUMN superficie TYPE numeric(10, 2) USING superficie::numeric")
        aside(lambda: services.accept_change(source))
    held.refresh_from_db()
    assert held.type == "number"


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"remote_name": "catasto.nessuna"}, SourceFailed, "particelle"),
        ({"remote_name": "catasto.senza_chiave"}, SourceRefused, "identifichi"),
        ({"user_name": ""}, SourceRefused, "utente"),
        ({"address": "10.0.0.1/ufficio"}, SourceRefused, "GEOPORTAL_SOURCE_HOSTS"),
        ({"address": "host=127.0.0.1 dbname=x"}, SourceRefused, "host:porta"),
        ({"options": {"geometry_field": "forma"}}, SourceRefused, "geom"),
    ],
)
def test_what_cannot_be_attached_is_explained(
    db: None, there: Office, allowed: None, more: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        services.make(values(there, slug="altra", **more), PASSWORD)
    assert not Source.objects.filter(slug="altra").exists()


def test_a_wrong_password_is_said_without_it(db: None, there: Office, allowed: None) -> None:
    with pytest.raises(SourceFailed, match="password") as caught:
        services.make(values(there, slug="altra"), "sbagliata-davvero")
    assert "sbagliata" not in str(caught.value)


def test_a_file_beside_the_database_is_attached_by_gdal(db: None, settings: Any, there: Office) -> None:
    folder = there.cluster.root / "dati"
    folder.mkdir(exist_ok=True)
    (folder / "scuole.csv").write_text("nome,posti,WKT\nAsilo,30,POINT (10.02 45.13)\nNido,12,POINT (10.03 45.14)\n")
    there.cluster.root.chmod(0o755)
    settings.SOURCE_FOLDERS = [str(folder)]
    source = services.make(
        {"title": "Scuole", "slug": "scuole-file", "kind": "ogr", "address": str(folder / "scuole.csv"),
         "remote_name": "scuole", "access": "public", "options": {"format": "CSV", "srid": 4326}},
        "",
    )  # fmt: skip
    layer = Layer.objects.get(slug="scuole-file")
    assert (layer.feature_count, layer.srid) == (2, 4326) and layer.fields.filter(name="nome").exists()
    forget_catalogue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nome, ST_AsText(geom) FROM geodata.scuole_file ORDER BY fid")
        assert cursor.fetchone() == ("Asilo", "POINT(10.02 45.13)")
    with pytest.raises(SourceFailed, match="altre"):
        services.make({"title": "X", "slug": "x-file", "kind": "ogr", "address": str(folder / "scuole.csv"),
                       "remote_name": "altre", "options": {"format": "CSV", "srid": 4326}}, "")  # fmt: skip
    services.remove(source)
    assert not Layer.objects.filter(slug="scuole-file").exists()


GDAL_PASSWORD = PASSWORD.replace("'", "\\'")


def plots_file(there: Office, name: str, form: str) -> Path:
    """The office's plots as a file beside the database, written anew."""
    folder = there.cluster.root / "dati"
    folder.mkdir(exist_ok=True)
    there.cluster.root.chmod(0o755)
    link = f"PG:host=127.0.0.1 port={there.port} dbname=ufficio user={USER} password='{GDAL_PASSWORD}'"
    command = [
        "ogr2ogr",
        "-f",
        form,
        "-overwrite",
        str(folder / name),
        link,
        "catasto.gdal",
        "-nln",
        "particelle",
        "-preserve_fid",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder / name


@pytest.fixture
def by_gdal(there: Office) -> Iterator[str]:
    """A server that whoever runs the database has made of the office's for GDAL, with its password."""
    link = f"host=127.0.0.1 port={there.port} dbname=ufficio user={USER} password='{GDAL_PASSWORD}'"
    with closing(psycopg2.connect(**connection.get_connection_params())) as own:
        own.autocommit = True
        with own.cursor() as cursor:
            cursor.execute(
                "CREATE SERVER ufficio_gdal FOREIGN DATA WRAPPER ogr_fdw OPTIONS (datasource %s, format 'PostgreSQL')",
                [f"PG:{link}"],
            )
            yield "server:ufficio_gdal"
            cursor.execute("DROP SERVER ufficio_gdal CASCADE")


@pytest.mark.parametrize("form", ["PostgreSQL", "GPKG", "ESRI Shapefile"])
def test_what_gdal_reads_is_copied_on_a_schedule_too(
    db: None, there: Office, settings: Any, form: str, by_gdal: str
) -> None:
    there.do(SLOW.replace("lente", "gdal"))
    given: dict[str, Any] = {"address": by_gdal, "remote_name": "catasto.gdal", "options": {"copy": True}}
    name = {"GPKG": "particelle.gpkg", "ESRI Shapefile": "particelle.shp"}.get(form)
    if name:
        settings.SOURCE_FOLDERS = [str(there.cluster.root / "dati")]
        given = {"address": str(plots_file(there, name, form)), "remote_name": "particelle",
                 "options": {"copy": True, "format": form}}  # fmt: skip
    if form == "ESRI Shapefile":
        # Its rows are numbered as they come: two columns say what each is of.
        given["options"]["id_field"] = "foglio, particella"
    source = services.make({"title": "P", "slug": "per-gdal", "kind": "ogr", "access": "public", **given}, "")

    def again() -> Harvested:
        return harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None)

    try:
        assert again().features == 500
        layer = Layer.objects.get(slug="per-gdal")
        assert not layer.is_live and layer.srid == 32632 and "POLYGON" in layer.geometry_type
        kinds = {field.name: field.type for field in layer.fields.all()}
        assert {"foglio": "string", "superficie": "number", "rilevata": "date"}.items() <= kinds.items()
        assert not again().is_new
        with connection.cursor() as cursor:
            cursor.execute("SELECT fid FROM geodata.per_gdal WHERE superficie = 10.5")
            (fid,) = cursor.fetchone()
            there.do(
                "UPDATE catasto.gdal SET superficie = 99.25 WHERE gid = 7; DELETE FROM catasto.gdal WHERE gid = 499"
            )
            if name:
                plots_file(there, name, form)
            assert "Aggiunti 0, cambiati 1, tolti 1." in again().message
            cursor.execute("SELECT fid FROM geodata.per_gdal WHERE superficie = 99.25")
            assert cursor.fetchone() == (fid,)
    finally:
        there.do("DROP TABLE catasto.gdal")


SLOW = """
CREATE TABLE catasto.lente (LIKE catasto.particelle INCLUDING ALL);
INSERT INTO catasto.lente SELECT * FROM catasto.particelle;
GRANT SELECT ON catasto.lente TO lettore;
"""


LARGE = """
CREATE TABLE catasto.troppe (LIKE catasto.particelle INCLUDING ALL);
INSERT INTO catasto.troppe (gid, particella, geom)
SELECT n, (SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 400) WHERE n > 0),
       ST_MakeEnvelope(580000, 4998000, 580030, 4998030, 32632)
FROM generate_series(1, 300) AS n;
GRANT SELECT ON catasto.troppe TO lettore;
"""
"""Each row some ten kilobytes that nothing packs smaller than half."""


def test_a_slow_table_is_copied_on_a_schedule_and_maps_read_the_copy(db: None, there: Office, allowed: None) -> None:
    there.do(SLOW)
    given = values(there, slug="particelle-copiate", remote_name="catasto.lente", options={"copy": True})
    source = services.make(given, PASSWORD)
    assert source.layer is None and source.is_harvest
    first = harvest(source, lambda _done, _total: None)
    assert first.features == 500
    layer = Layer.objects.get(slug="particelle-copiate")
    kinds = {field.name: field.type for field in layer.fields.all()}
    assert not layer.is_live and layer.srid == 32632
    assert kinds == {"gid": "integer", "foglio": "string", "particella": "string", "superficie": "number",
                     "uso": "string", "rilevata": "date"}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT foglio, superficie, fid FROM geodata.particelle_copiate WHERE gid = 7")
        sheet, area, fid = cursor.fetchone()
        assert (sheet, area) == ("0001", 10.5)
        # Nothing of the reading is left, the password neither.
        cursor.execute("SELECT count(*) FROM pg_foreign_server WHERE srvname = %s", [f"source_{source.pk}"])
        assert cursor.fetchone() == (0,)
    assert not harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None).is_new
    there.do("UPDATE catasto.lente SET superficie = 99 WHERE gid = 7; DELETE FROM catasto.lente WHERE gid = 9")
    try:
        again = harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None)
        assert "Aggiunti 0, cambiati 1, tolti 1." in again.message
        with connection.cursor() as cursor:
            cursor.execute("SELECT fid, superficie FROM geodata.particelle_copiate WHERE gid = 7")
            assert cursor.fetchone() == (fid, 99)
        there.halt()
        forget_catalogue()
        answer = Client().get("/ogc/collections/particelle-copiate/items?gid=7")
        assert answer.json()["features"][0]["properties"]["superficie"] == 99
        Source.objects.update(harvest_seconds=1)
        with pytest.raises(SourceFailed):
            harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None)
    finally:
        there.go_on()
    state = SourceState.objects.get(source=source)
    assert state.health == "failing" and state.since and "entro" in state.error
    services.remove(Source.objects.get(pk=source.pk))
    assert Layer.objects.filter(slug="particelle-copiate").exists()


def test_a_table_that_is_too_large_is_left_before_it_is_written_whole(
    db: None, there: Office, allowed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.do(LARGE)
    given = values(there, slug="particelle-troppe", remote_name="catasto.troppe", options={"copy": True})
    source = services.make(given, PASSWORD)
    Source.objects.filter(pk=source.pk).update(max_megabytes=1)
    batches: list[int] = []
    real = table_copy._batch
    monkeypatch.setattr(table_copy, "ROWS", 100)

    def counted(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
        batches.append(len(rows))
        return real(rows, schema)

    monkeypatch.setattr(table_copy, "_batch", counted)
    with pytest.raises(SourceFailed, match="dimensione massima"):
        harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None)
    assert 0 < sum(batches) < 300
    services.remove(Source.objects.get(pk=source.pk))
