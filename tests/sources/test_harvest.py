"""A harvest brings what is new, leaves what is there when anything is wrong, and says so."""

from __future__ import annotations

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection

from layers.models import Layer, LayerVersion, Source, SourceState
from layers.sources import health, services
from layers.sources.errors import SourceFailed
from layers.sources.harvest import Harvested, harvest
from tests.sources.conftest import Elsewhere

CSV = "nome,posti,lon,lat\nAsilo,30,10.02,45.13\nScuola,120,10.03,45.14\n"


def made(address: str, kind: str = "file", **values: Any) -> Source:
    given = {"title": "Servizi scolastici", "slug": "servizi-scolastici", "kind": kind, "address": address,
             "access": "public", "office": "Ufficio scuola"}  # fmt: skip
    return services.make(given | values, "")


def run(source: Source) -> Harvested:
    source.refresh_from_db()
    return harvest(source, lambda _done, _total: None)


def rows(column: str = "nome") -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM geodata.servizi_scolastici ORDER BY 1")
        return [value for (value,) in cursor.fetchall()]


def state(source: Source) -> SourceState:
    return SourceState.objects.get(pk=source.pk)


def test_a_csv_becomes_a_layer_and_is_asked_for_only_when_new(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati", CSV.encode(), "text/csv; charset=utf-8", ETag='"1"')
    source = made(f"{elsewhere.url}/dati")
    first = run(source)
    layer = Layer.objects.get(slug="servizi-scolastici")
    assert first.is_new and first.features == 2 and rows() == ["Asilo", "Scuola"]
    assert (layer.access, layer.attribution, layer.title_it) == ("public", "Ufficio scuola", "Servizi scolastici")
    assert state(source).health == "ok"
    version = layer.data_version
    assert not run(source).is_new
    assert elsewhere.asked[-1][1]["if-none-match"] == '"1"'
    layer.refresh_from_db()
    assert layer.data_version == version
    # Another ETag over the same bytes is nothing new either; other bytes replace the data.
    elsewhere.says("/dati", CSV.encode(), "text/csv", ETag='"2"')
    assert not run(source).is_new
    elsewhere.says("/dati", (CSV + "Nido,12,10.04,45.15\n").encode(), "text/csv", ETag='"3"')
    assert run(source).features == 3 and rows() == ["Asilo", "Nido", "Scuola"]
    layer.refresh_from_db()
    assert layer.data_version > version


def test_what_a_steward_wrote_of_the_layer_outlives_the_harvests(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    source = made(f"{elsewhere.url}/dati.csv")
    run(source)
    Layer.objects.update(title_it="Scuole e asili", access="internal")
    elsewhere.says("/dati.csv", (CSV + "Nido,12,10.04,45.15\n").encode())
    run(source)
    layer = Layer.objects.get(slug="servizi-scolastici")
    assert (layer.title_it, layer.access, layer.feature_count) == ("Scuole e asili", "internal", 3)


def test_a_fault_leaves_the_layer_as_it_is_and_recovers(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    source = made(f"{elsewhere.url}/dati.csv")
    run(source)
    for body in (b"<html>manutenzione</html>", b"", b"nome,posti,lon,lat\n"):
        elsewhere.says("/dati.csv", body)
        with pytest.raises(SourceFailed):
            run(source)
        assert rows() == ["Asilo", "Scuola"]
    del elsewhere.answers["/dati.csv"]
    with pytest.raises(SourceFailed, match="404"):
        run(source)
    failing = state(source)
    assert failing.health == "failing" and failing.failures == 4 and "404" in failing.error
    assert failing.since and failing.retry_at and failing.retry_at > failing.since
    elsewhere.says("/dati.csv", CSV.encode())
    run(source)
    assert (state(source).health, state(source).failures, state(source).error) == ("ok", 0, "")


def test_every_page_of_a_collection_is_read(db: None, elsewhere: Elsewhere) -> None:
    def page(start: int, next_: str) -> bytes:
        features = [
            {"type": "Feature", "id": n, "properties": {"nome": f"n{n}"},
             "geometry": {"type": "Point", "coordinates": [10 + n / 100, 45.1]}}
            for n in range(start, start + 3)
        ]  # fmt: skip
        links = [{"rel": "next", "href": next_}] if next_ else []
        return json.dumps({"type": "FeatureCollection", "features": features, "links": links}).encode()

    items = "/collections/punti/items"
    elsewhere.says(items, page(0, "/due"), "application/geo+json")
    elsewhere.says("/due", page(3, ""), "application/geo+json")
    source = made(elsewhere.url, "features", remote_name="punti")
    assert run(source).features == 6 and rows() == [f"n{n}" for n in range(6)]
    elsewhere.says("/due", page(3, f"{elsewhere.url}/due"), "application/geo+json")
    with pytest.raises(SourceFailed, match="tondo"):
        run(source)
    elsewhere.says("/due", page(3, "http://169.254.169.254/"), "application/geo+json")
    with pytest.raises(SourceFailed, match="altro host"):
        run(source)
    assert len(rows()) == 6


def test_rows_are_compared_by_a_key_and_what_has_not_changed_stays_the_same_feature(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    """Each harvest in a transaction of its own: what a transaction changes is one version."""
    csv = "Codice,nome,posti,lon,lat\nA1,Asilo,30,10.02,45.13\nS1,Scuola,120,10.03,45.14\nN1,Nido,12,10.04,45.15\n"
    elsewhere.says("/dati.csv", csv.encode())
    source = made(f"{elsewhere.url}/dati.csv", options={"id_field": "Codice"})
    run(source)
    with connection.cursor() as cursor:
        cursor.execute("SELECT codice, fid FROM geodata.servizi_scolastici")
        before = dict(cursor.fetchall())
    # Another order, one gone, one changed, one new.
    later = "Codice,nome,posti,lon,lat\nB1,Biblioteca,9,10.05,45.16\nN1,Nido,14,10.04,45.15\nA1,Asilo,30,10.02,45.13\n"
    elsewhere.says("/dati.csv", later.encode())
    done = run(source)
    assert "Aggiunti 1, cambiati 1, tolti 1." in done.message and done.features == 3
    with connection.cursor() as cursor:
        cursor.execute("SELECT codice, fid FROM geodata.servizi_scolastici")
        after = dict(cursor.fetchall())
    assert {code: after[code] for code in ("A1", "N1")} == {code: before[code] for code in ("A1", "N1")}
    versions = LayerVersion.objects.filter(layer__slug="servizi-scolastici")
    last = versions.latest("number")
    assert (last.what, last.added, last.changed, last.removed) == ("synchronise", 1, 1, 1)
    # The same rows in other bytes: no version.
    elsewhere.says("/dati.csv", later.encode() + b"\n")
    run(source)
    assert versions.latest("number") == last


def test_a_key_that_tells_nothing_apart_leaves_the_layer_and_says_why(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    source = made(f"{elsewhere.url}/dati.csv", options={"id_field": "posti"})
    run(source)
    elsewhere.says("/dati.csv", (CSV + "Nido,30,10.04,45.15\n").encode())
    with pytest.raises(SourceFailed, match=r"posti non distingue.*«30» × 2"):
        run(source)
    assert rows() == ["Asilo", "Scuola"] and state(source).health == "failing" and state(source).since
    Source.objects.update(options={"id_field": "targa"})
    with pytest.raises(SourceFailed, match="targa non è fra i campi della fonte: nome, posti"):
        run(source)


def test_a_features_own_identifier_is_a_key(db: None, elsewhere: Elsewhere) -> None:
    def page(*names: str) -> bytes:
        features = [
            {"type": "Feature", "id": f"punto.{name}", "properties": {"nome": name},
             "geometry": {"type": "Point", "coordinates": [10.02, 45.13]}} for name in names
        ]  # fmt: skip
        return json.dumps({"type": "FeatureCollection", "features": features}).encode()

    elsewhere.says("/collections/punti/items", page("a", "b"), "application/geo+json")
    source = made(elsewhere.url, "features", remote_name="punti", options={"id_field": "id"})
    run(source)
    before = dict(zip(rows("id"), rows("fid"), strict=True))
    elsewhere.says("/collections/punti/items", page("c", "b"), "application/geo+json")
    assert "Aggiunti 1, cambiati 0, tolti 1." in run(source).message
    with connection.cursor() as cursor:
        cursor.execute("SELECT fid FROM geodata.servizi_scolastici WHERE id = 'punto.b'")
        assert cursor.fetchone() == (before["punto.b"],)


def test_a_wfs_that_counts_nothing_is_read_by_its_links(db: None, elsewhere: Elsewhere) -> None:
    capabilities = (
        '<WFS_Capabilities version="2.0.0"><Operation><Value>application/json</Value></Operation><FeatureType>'
        "<Name>punti</Name><DefaultCRS>urn:ogc:def:crs:EPSG::4326</DefaultCRS></FeatureType></WFS_Capabilities>"
    )

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = {name.upper(): value for name, value in parse_qsl(handler.path.partition("?")[2])}
        start = int(asked.get("STARTINDEX", 0))
        features = [
            {"type": "Feature", "properties": {"nome": f"n{n}"},
             "geometry": {"type": "Point", "coordinates": [10 + n / 100, 45.1]}} for n in range(start, start + 3)
        ]  # fmt: skip
        links = [{"rel": "next", "href": "?STARTINDEX=3"}] if start == 0 else []
        page = {"type": "FeatureCollection", "numberMatched": "unknown", "features": features, "links": links}
        body = capabilities if asked["REQUEST"] == "GetCapabilities" else json.dumps(page)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    elsewhere.answers["/wfs"] = answer
    source = made(f"{elsewhere.url}/wfs", "wfs", remote_name="punti")
    assert run(source).features == 6 and rows() == [f"n{n}" for n in range(6)]
    # Asked for as longitude and latitude, whatever order the feature type's own system has.
    layer = Layer.objects.get(slug="servizi-scolastici")
    assert layer.bbox and layer.bbox == pytest.approx([10, 45.1, 10.05, 45.1], abs=1e-3)


def test_the_schedule_queues_each_due_source_once(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    source = made(f"{elsewhere.url}/dati.csv", every_minutes=60)
    SourceState.objects.update(next_run_at=source.created_at - timedelta(minutes=5))
    assert health.queue_due() == 1
    assert health.queue_due() == 0
    assert state(source).next_run_at > source.created_at  # type: ignore[operator]
    services.pause(source, is_enabled=False)
    SourceState.objects.update(next_run_at=source.created_at - timedelta(minutes=5))
    assert health.queue_due() == 0


def test_a_secret_is_in_no_row_in_clear(db: None, elsewhere: Elsewhere, settings: Any) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    given = {"title": "Chiusa", "slug": "chiusa", "kind": "file", "address": f"{elsewhere.url}/dati.csv",
             "user_name": "mario"}  # fmt: skip
    source = services.make(given, "un segreto lungo")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(s)::text FROM layers_source AS s")
        (row,) = cursor.fetchone()
    assert "segreto" not in row.replace('"secret"', "")
    run(source)
    assert elsewhere.asked[-1][1]["authorization"] == "Basic bWFyaW86dW4gc2VncmV0byBsdW5nbw=="
    settings.SOURCES_KEY = "un'altra chiave"
    source.refresh_from_db()
    with pytest.raises(services.SourceRefused, match="di nuovo la password"):
        run(source)


@pytest.mark.parametrize(("away_s", "pause_s"), [(0, 10), (20, 10), (200, 50), (100_000, 300)])
def test_the_pause_grows_with_the_outage_and_not_with_those_who_ask(
    db: None, elsewhere: Elsewhere, away_s: int, pause_s: int
) -> None:
    source = made(f"{elsewhere.url}/dati.csv")
    health.failed(source.pk, "via")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE layers_sourcestate SET since = now() - make_interval(secs => %s)", [away_s])
        for _asker in range(12):
            health.failed(source.pk, "via")
        cursor.execute("SELECT extract(epoch FROM retry_at - now()), failures FROM layers_sourcestate")
        assert tuple(map(int, cursor.fetchone())) == (pause_s, 13)
