"""A remote that is no longer what it was: other columns, other geometries, other order of axes."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client

from layers.models import Field, Layer, Style
from layers.sources import services
from layers.sources.errors import SourceChanged, SourceErred
from tests.geodata import forget_catalogue
from tests.sources.conftest import Elsewhere
from tests.sources.test_harvest import made, rows, run, state

CSV = "codice,nome,posti,lon,lat\nA1,Asilo,30,10.02,45.13\nS1,Scuola,120,10.03,45.14\n"
TILE = "/ogc/collections/servizi-scolastici/tiles/WebMercatorQuad/12/1471/2161"


def test_features_and_what_is_said_of_them_outlive_new_and_wider_columns(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/dati.csv", CSV.encode())
    source = made(f"{elsewhere.url}/dati.csv", options={"id_field": "codice"})
    run(source)
    layer = Layer.objects.get(slug="servizi-scolastici")
    Field.objects.filter(layer=layer, name="posti").update(title_it="Posti a tavola", access="internal")
    Style.objects.create(layer=layer, name="capienza", title_it="Capienza", spec={})
    with connection.cursor() as cursor:
        cursor.execute("SELECT codice, fid FROM geodata.servizi_scolastici")
        before = dict(cursor.fetchall())
    # Another order, one more column, halves among the numbers, one row more.
    later = ("codice,nome,posti,lon,lat,telefono\nN1,Nido,12,10.04,45.15,x\nS1,Scuola,120.5,10.03,45.14,y\n"
             "A1,Asilo,30,10.02,45.13,z\n")  # fmt: skip
    elsewhere.says("/dati.csv", later.encode())
    said = run(source).message
    assert "Struttura cambiata: colonne nuove: telefono; posti: da bigint a double precision." in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT codice, fid FROM geodata.servizi_scolastici")
        after = dict(cursor.fetchall())
        assert {code: after[code] for code in before} == before and after["N1"] > max(before.values())
        cursor.execute("INSERT INTO geodata.servizi_scolastici (codice) VALUES ('Z9') RETURNING fid")
        assert cursor.fetchone()[0] > max(after.values())
    kept = Layer.objects.get(slug="servizi-scolastici")
    field = kept.fields.get(name="posti")
    assert kept.pk == layer.pk and (field.title_it, field.access, field.type) == (
        "Posti a tavola",
        "internal",
        "number",
    )
    assert kept.styles.filter(name="capienza").exists()
    assert "telefono" in kept.versions.latest("number").note


def test_other_geometries_and_types_wait_and_an_accepted_change_leaves_the_map_drawing(
    transactional_db: None, elsewhere: Elsewhere
) -> None:
    """Committed: maps are drawn over connections of their own."""

    def answer(kind: str, coordinates: Any, **facts: Any) -> None:
        feature = {"type": "Feature", "properties": facts, "geometry": {"type": kind, "coordinates": coordinates}}
        body = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
        elsewhere.says("/dati.geojson", body, "application/geo+json")

    answer("Point", [10.02, 45.13], nome="a", posti=3)
    source = made(f"{elsewhere.url}/dati.geojson")
    run(source)
    layer = Layer.objects.get(slug="servizi-scolastici")
    Style.objects.create(layer=layer, name="predefinito", title_it="P", spec={"label": {"field": "posti"}})
    ring = [[[10.02, 45.13], [10.03, 45.13], [10.03, 45.14], [10.02, 45.13]]]
    answer("Polygon", ring, nome="a", posti=3)
    with pytest.raises(SourceChanged, match="la geometria è POLYGON e non POINT"):
        run(source)
    answer("Point", [10.02, 45.13], nome="a", posti="molti", altro=1)
    with pytest.raises(SourceChanged, match=r"posti \(integer → string\); nuovi: altro"):
        run(source)
    assert state(source).health == "changed" and rows("posti") == [3]
    assert Layer.objects.get(pk=layer.pk).geometry_type == "POINT"
    answer("Polygon", ring, nome="a", altro=1)
    with pytest.raises(SourceChanged, match="mancano posti integer"):
        run(source)
    services.accept_change(source)
    assert "colonne tolte: posti" in run(source).message
    forget_catalogue()
    assert Client().get(TILE).status_code == 200
    assert Client().get("/ogc/collections/servizi-scolastici/map?f=png&width=64").status_code == 200
    assert Client().get("/livelli/servizi-scolastici/").status_code == 200


BOX = "9.9 45.0", "10.2 45.2"
GML = """<wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:x="http://example.org/x" numberMatched="1" numberReturned="1"><wfs:member>
 <x:punti gml:id="p.1"><x:nome>a</x:nome>
 <x:geom><gml:Point gml:id="g.1" srsName="{srs}"><gml:pos>{pos}</gml:pos></gml:Point></x:geom></x:punti></wfs:member>
</wfs:FeatureCollection>"""


def wfs(elsewhere: Elsewhere, body: str, box: tuple[str, str], formats: str, srs: str) -> None:
    """A server that answers one thing, whatever CRS it is asked for."""
    capabilities = (
        f'<WFS_Capabilities version="2.0.0"><Operation><Value>{formats}</Value></Operation><FeatureType>'
        f"<Name>punti</Name><DefaultCRS>{srs}</DefaultCRS><WGS84BoundingBox><LowerCorner>{box[0]}</LowerCorner><UpperCorner>{box[1]}"
        "</UpperCorner></WGS84BoundingBox></FeatureType></WFS_Capabilities>"
    )

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = {name.upper(): value for name, value in parse_qsl(handler.path.partition("?")[2])}
        sent = (capabilities if asked["REQUEST"] == "GetCapabilities" else body).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(sent)))
        handler.end_headers()
        handler.wfile.write(sent)

    elsewhere.answers["/wfs"] = answer


def points(x: float, y: float) -> str:
    feature = {"type": "Feature", "properties": {"nome": "a"}, "geometry": {"type": "Point", "coordinates": [x, y]}}
    return json.dumps({"type": "FeatureCollection", "numberMatched": 1, "features": [feature]})


URN, PLAIN, UTM = "urn:ogc:def:crs:EPSG::4326", "EPSG:4326", "urn:ogc:def:crs:EPSG::32632"
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "formats", "srs"),
    [
        (points(10.024, 45.133), JSON, URN),
        (points(45.133, 10.024), JSON, URN),
        (points(580524.1, 4998216.5), JSON, UTM),
        (points(4998216.5, 580524.1), JSON, UTM),
        (GML.format(srs=URN, pos="45.133 10.024"), "", URN),
        (GML.format(srs=URN, pos="10.024 45.133"), "", URN),
        (GML.format(srs=PLAIN, pos="10.024 45.133"), "", PLAIN),
        (GML.format(srs=PLAIN, pos="45.133 10.024"), "", PLAIN),
    ],
    ids=["json", "json-turned", "json-metres", "json-metres-turned", "urn", "urn-turned", "plain", "plain-turned"],
)  # fmt: skip
def test_a_server_that_mixes_up_axes_is_read_by_the_extent_it_declares(
    db: None, elsewhere: Elsewhere, body: str, formats: str, srs: str
) -> None:
    wfs(elsewhere, body, BOX, formats, srs)
    run(made(f"{elsewhere.url}/wfs", "wfs", remote_name="punti"))
    layer = Layer.objects.get(slug="servizi-scolastici")
    assert layer.bbox and layer.bbox == pytest.approx([10.024, 45.133, 10.024, 45.133], abs=1e-3)


def test_data_in_another_place_than_declared_is_refused_and_what_was_there_stays(
    db: None, elsewhere: Elsewhere
) -> None:
    wfs(elsewhere, points(10.024, 45.133), BOX, JSON, URN)
    source = made(f"{elsewhere.url}/wfs", "wfs", remote_name="punti")
    run(source)
    wfs(elsewhere, points(2.35, 48.85), BOX, JSON, URN)
    with pytest.raises(SourceErred, match=r"2\.3500, 48\.8500.*la fonte dichiara 9\.9000, 45\.0000, 10\.2000"):
        run(source)
    assert state(source).health == "failing"
    assert Layer.objects.get(slug="servizi-scolastici").bbox == pytest.approx(
        [10.024, 45.133, 10.024, 45.133], abs=1e-3
    )
    # A declared extent with its own axes mixed up does not turn good data.
    wfs(elsewhere, points(10.025, 45.134), ("45.0 9.9", "45.2 10.2"), JSON, URN)
    run(source)
    # A steward's word on the axes is not doubted.
    source.refresh_from_db()
    source.options = {"swap": True}
    source.save()
    wfs(elsewhere, points(48.85, 2.35), BOX, JSON, URN)
    run(source)
    assert Layer.objects.get(slug="servizi-scolastici").bbox == pytest.approx([2.35, 48.85, 2.35, 48.85], abs=1e-3)
