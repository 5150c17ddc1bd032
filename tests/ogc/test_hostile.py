"""Texts that have broken other servers, as values and as identifiers: each is itself and nothing else.

The classes of attack are those of known holes in servers of this kind: quotes and escapes that leave a literal, the
wildcards of LIKE, NUL, property names that are paths, and numbers past every limit.
"""

import json
from types import SimpleNamespace
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from django.db import connection, transaction
from django.test import Client

TEXTS = (
    "O'Higgins", 'detto "Il Corto"', "a\\'b", "\\", "100%", "_", "%_%", "'; DROP TABLE geodata.civici; --",
    "' OR 1=1 --", "$1", "%(limit)s", "{table}", "E'\\x41'", "\U0001d11e", "è\u0301", "<b>&amp;</b>",
)  # fmt: skip
NAMES = (
    "owner__password",
    "via'--",
    'via"',
    "pg_sleep(1)",
    "geom",
    "fid) OR (1=1",
    "via.altro",
    "__class__",
    "exec('x')",
)


@pytest.fixture
def texts(city: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.civici SET via = 'altro'")
        for at, text in enumerate(TEXTS, 1):
            cursor.execute("UPDATE geodata.civici SET via = %s WHERE fid = %s", [text, at])


def found(client: Client, **params: str) -> list[int]:
    response = client.get("/ogc/collections/civici/items", {"limit": "1000", **params})
    assert response.status_code == 200, response.content
    return [feature["id"] for feature in response.json()["features"]]


@pytest.mark.parametrize(("at", "text"), list(enumerate(TEXTS, 1)))
def test_a_value_is_itself_in_every_way_of_asking(client: Client, texts: None, at: int, text: str) -> None:
    assert found(client, via=text) == [at]
    literal = text.replace("'", "''")
    assert found(client, filter=f"via = '{literal}'") == [at]
    tree = {"op": "=", "args": [{"property": "via"}, text]}
    assert found(client, filter=json.dumps(tree), **{"filter-lang": "cql2-json"}) == [at]
    xml = (
        '<fes:Filter xmlns:fes="http://www.opengis.net/fes/2.0"><fes:PropertyIsEqualTo><fes:ValueReference>via'
        f"</fes:ValueReference><fes:Literal>{escape(text)}</fes:Literal></fes:PropertyIsEqualTo></fes:Filter>"
    )
    asked = {"service": "WFS", "version": "2.0.0", "request": "GetFeature", "typenames": "cr:civici", "filter": xml}
    body = client.get("/ogc/wfs", {**asked, "outputformat": "application/json"}).json()
    assert [feature["properties"]["via"] for feature in body["features"]] == [text]


@pytest.mark.parametrize("text", [*TEXTS, "1 OR 1=1", "1;", "9" * 40, "-1", "1e3", "\x00", "../1"])
def test_an_identifier_that_is_none_finds_nothing(client: Client, city: SimpleNamespace, text: str) -> None:
    with transaction.atomic():
        response = client.get(f"/ogc/collections/civici/items/{quote(text, safe='')}")
        transaction.set_rollback(True)  # what PostgreSQL refused is not to spoil the next question of this test
    assert response.status_code == 404, response.content
    answer = client.get("/ogc/wfs", {"service": "WFS", "request": "GetFeature", "resourceid": f"civici.{text}"})
    assert answer.status_code in {200, 400, 404} and b"<wfs:member>" not in answer.content


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_attribute_is_refused_wherever_names_go(
    client: Client, city: SimpleNamespace, name: str
) -> None:
    here = "/ogc/collections/civici"
    tree = json.dumps({"op": "=", "args": [{"property": name}, "x"]})
    for path, params in (
        ("items", {name: "x"}), ("items", {"properties": name}), ("items", {"sortby": name}),
        ("items", {"filter": tree, "filter-lang": "cql2-json"}), ("export", {"properties": name, "f": "csv"}),
        ("tiles/WebMercatorQuad/14/5884/8648", {"f": "mvt", "properties": name}),
    ):  # fmt: skip
        response = client.get(f"{here}/{path}", params)
        assert response.status_code == 400, (path, params, response.content[:200])


@pytest.mark.parametrize("srid", [3003, 3857, 32632])
def test_a_map_of_a_box_that_is_nowhere_is_no_error_of_ours(
    client: Client, city: SimpleNamespace, blank_pictures: None, srid: int
) -> None:
    crs = f"http://www.opengis.net/def/crs/EPSG/0/{srid}"
    for box in ("-3.622598242150854e+16,-5.341168599564236e+41,0.0,0.0", "-1e300,-1e300,1e300,1e300"):
        response = client.get("/ogc/collections/edifici/map", {"bbox": box, "crs": crs})
        assert response.status_code in {200, 400}, (box, response.content[:200])


@pytest.mark.parametrize("shape", ["POINT EMPTY", "POLYGON EMPTY", "POLYGON((10 45))", "LINESTRING(1 1)"])
def test_a_shape_without_substance_is_no_error_of_ours(client: Client, city: SimpleNamespace, shape: str) -> None:
    for text in (f"S_INTERSECTS(geometry, {shape})", f"S_TOUCHES({shape}, geometry)"):
        response = client.get("/ogc/collections/civici/items", {"filter": text})
        assert response.status_code in {200, 400}, (text, response.content[:200])


def test_long_questions_are_answered_or_refused_before_they_cost(client: Client, city: SimpleNamespace) -> None:
    ring = ",".join(f"{10 + at / 1000} 45" for at in range(300))
    asked = {"filter": f"S_INTERSECTS(geometry,POLYGON(({ring},10.2 45.2,10 45)))", "limit": "1"}
    for form in ("json", "csv"):
        page = client.get("/ogc/collections/civici/items", {**asked, "f": form})
        assert page.status_code == 200 and sum(len(f"{name}: {value}") for name, value in page.items()) < 8000, form
    links = client.get("/ogc/collections/civici/items", asked).json()["links"]
    assert {"self", "alternate", "collection"} <= {link["rel"] for link in links}
    told = client.get("/ogc/collections/civici/items", {"q": "a" * 101})
    assert told.status_code == 400 and "100 letters" in told.json()["description"]
    outside = client.get("/ogc/collections/civici/tiles/WebMercatorQuad/12/" + "9" * 4000 + "/0")
    assert outside.status_code == 404 and len(outside.content) < 1000
