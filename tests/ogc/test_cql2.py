"""OGC API - Features Part 3 (19-079r2) filter and features-filter, and CQL2 (21-065r2): by class, text and JSON."""

import json
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from layers.models import Layer
from tests.geodata import forget_catalogue, make_layer

# Counted by plain SQL on the same table, which the tests run beside the filter.
CASES = {
    "basic": [
        ("uso = 'scuola'", "uso = 'scuola'"),
        ("uso <> 'scuola'", "uso <> 'scuola'"),
        ("piani >= 3 AND altezza < 50", "piani >= 3 AND altezza < 50"),
        ("piani = 1 OR piani = 2 AND uso = 'ufficio'", "piani = 1 OR (piani = 2 AND uso = 'ufficio')"),
        ("NOT (piani = 1 OR demolito = TRUE)", "NOT (piani = 1 OR demolito)"),
        ("demolito", "demolito"),
        ("uso IS NULL", "uso IS NULL"),
        ("uso IS NOT NULL", "uso IS NOT NULL"),
        ("geometry IS NULL", "geom IS NULL"),
        ("rilevato > DATE('2020-06-01')", "rilevato > '2020-06-01'"),
        ("rilevato = '2020-06-01'", "rilevato = '2020-06-01'"),
        ("aggiornato <= TIMESTAMP('2021-01-03T00:00:00Z')", "aggiornato <= '2021-01-03T00:00:00Z'"),
        ("TRUE", "true"),
    ],
    "advanced comparison": [
        ("uso LIKE 'sc%'", "uso LIKE 'sc%'"),
        ("uso LIKE 's_uol_'", "uso LIKE 's_uol_'"),
        ("uso NOT LIKE '%a'", "uso NOT LIKE '%a'"),
        ("piani BETWEEN 2 AND 4", "piani BETWEEN 2 AND 4"),
        ("piani IN (1, 5, 9)", "piani IN (1, 5, 9)"),
        ("uso NOT IN ('scuola', 'x')", "uso NOT IN ('scuola', 'x')"),
    ],
    "case and accents": [
        ("CASEI(uso) = CASEI('SCUOLA')", "uso = 'scuola'"),
        ("CASEI(uso) LIKE CASEI('%UOL%')", "uso LIKE '%uol%'"),
        ("ACCENTI(uso) = ACCENTI('scuòlà')", "uso = 'scuola'"),
    ],
    "spatial": [
        ("S_INTERSECTS(geometry, BBOX(10.015, 45.13, 10.02, 45.15))",
         "ST_Intersects(geom, ST_Transform(ST_MakeEnvelope(10.015, 45.13, 10.02, 45.15, 4326), 32632))"),
        ("S_INTERSECTS(geometry, POLYGON((10.015 45.13, 10.02 45.13, 10.02 45.15, 10.015 45.13)))",
         "ST_Intersects(geom, ST_Transform('SRID=4326;POLYGON((10.015 45.13, 10.02 45.13, 10.02 45.15, 10.015 45.13))'"
         "::geometry, 32632))"),
        ("S_DISJOINT(geometry, BBOX(10.015, 45.13, 10.02, 45.15))",
         "NOT ST_Intersects(geom, ST_Transform(ST_MakeEnvelope(10.015, 45.13, 10.02, 45.15, 4326), 32632))"),
        ("S_WITHIN(geom, BBOX(10, 45, 10.02, 46))",
         "ST_Within(geom, ST_Transform(ST_MakeEnvelope(10, 45, 10.02, 46, 4326), 32632))"),
        ("S_CONTAINS(BBOX(10, 45, 11, 46), geometry)", "true"),
        ("S_CROSSES(geometry, LINESTRING(10 45.14, 10.03 45.14))",
         "ST_Crosses(geom, ST_Transform('SRID=4326;LINESTRING(10 45.14, 10.03 45.14)'::geometry, 32632))"),
        ("S_TOUCHES(geometry, geometry)", "false"),
        ("S_EQUALS(geometry, geometry)", "true"),
        ("S_OVERLAPS(geometry, geometry)", "false"),
        ("S_INTERSECTS(geometry, GEOMETRYCOLLECTION(POINT(1 2)))", "false"),
        ("S_INTERSECTS(geometry, BBOX(-180, -90, 180, 90))", "true"),
    ],
    "temporal": [
        ("T_AFTER(rilevato, DATE('2020-06-01'))", "rilevato > '2020-06-01'"),
        ("T_BEFORE(aggiornato, TIMESTAMP('2021-01-03T00:00:00Z'))", "aggiornato < '2021-01-03T00:00:00Z'"),
        ("T_DURING(rilevato, INTERVAL('2020-02-01', '2020-03-01'))",
         "rilevato > '2020-02-01' AND rilevato < '2020-03-01'"),
        ("T_INTERSECTS(rilevato, INTERVAL('2020-02-01', '2020-03-01'))",
         "rilevato BETWEEN '2020-02-01' AND '2020-03-01'"),
        ("T_INTERSECTS(rilevato, INTERVAL('..', '2020-03-01'))", "rilevato <= '2020-03-01'"),
        ("T_INTERSECTS(aggiornato, INTERVAL('2021-01-02', '2021-01-03'))",
         "aggiornato >= '2021-01-02Z' AND aggiornato < '2021-01-04Z'"),
        ("T_EQUALS(rilevato, DATE('2020-06-01'))", "rilevato = '2020-06-01'"),
        ("T_DISJOINT(rilevato, INTERVAL('2020-02-01', '..'))", "rilevato < '2020-02-01'"),
    ],
    "property with property, arithmetic": [
        ("piani > altezza", "piani > altezza"),
        ("altezza * 2 + 1 > piani ^ 2", "altezza * 2 + 1 > piani ^ 2"),
        ("piani / 2 = 1.5", "piani = 3"),
        ("piani % 2 = 1", "piani % 2 = 1"),
        ("piani DIV 2 = 1", "piani IN (2, 3)"),
        ("-piani = -3", "piani = 3"),
    ],
}  # fmt: skip
ALL = [(text, same) for cases in CASES.values() for text, same in cases]


def matched(client: Client, text: str, status: int = 200, /, **params: str) -> Any:
    """A page by a filter; `lang` and `crs` stand for filter-lang and filter-crs."""
    named = {{"lang": "filter-lang", "crs": "filter-crs"}.get(name, name): value for name, value in params.items()}
    response = client.get("/ogc/collections/edifici/items", {"filter": text, "limit": "1000", **named})
    assert response.status_code == status, response.content[:400]
    return json.loads(response.content)


def counted(condition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geodata.edifici WHERE " + condition)
        (count,) = cursor.fetchone()
    return int(count)


@pytest.mark.parametrize(("text", "same"), ALL)
def test_a_filter_selects_what_the_same_sql_selects(
    client: Client, city: SimpleNamespace, text: str, same: str
) -> None:
    assert matched(client, text)["numberMatched"] == counted(same)


@pytest.mark.parametrize("text", [text for text, _ in ALL])
def test_json_selects_what_text_selects(client: Client, city: SimpleNamespace, text: str) -> None:
    import cql2

    tree = json.dumps(cql2.parse_text(text).to_json())
    by_json = matched(client, tree, lang="cql2-json")
    assert by_json["numberMatched"] == matched(client, text)["numberMatched"]


def test_geometries_are_read_in_filter_crs_with_its_axis_order(client: Client, city: SimpleNamespace) -> None:
    uri = "http://www.opengis.net/def/crs/EPSG/0/{}"
    boxes = {
        32632: "580000,4999000,580195,4999295",
        6707: "4999000,580000,4999295,580195",
        25832: "580000,4999000,580195,4999295",
    }
    counts = {
        srid: matched(client, f"S_INTERSECTS(geometry, BBOX({box}))", crs=uri.format(srid))["numberMatched"]
        for srid, box in boxes.items()
    }
    assert set(counts.values()) == {counted("geom && ST_MakeEnvelope(580000,4999000,580195,4999295,32632)")}
    east = matched(client, "S_INTERSECTS(geometry, POINT(580001 4999001))", crs=uri.format(32632))
    north = matched(client, "S_INTERSECTS(geometry, POINT(4999001 580001))", crs=uri.format(6707))
    assert east["numberMatched"] == north["numberMatched"] == 1


@pytest.fixture
def tagged(city: SimpleNamespace) -> Iterator[Layer]:
    yield make_layer("alberi", "POINT", 32632, {"segni": "json"}, """
        INSERT INTO {table} (geom, segni) VALUES
        ('SRID=32632;POINT(580000 4999000)', '["a", "b"]'), ('SRID=32632;POINT(580001 4999000)', '["b", "c"]'),
        ('SRID=32632;POINT(580002 4999000)', NULL), ('SRID=32632;POINT(580003 4999000)', '7')""")  # fmt: skip
    forget_catalogue()


@pytest.mark.parametrize(
    ("text", "ids"),
    [("A_CONTAINS(segni, ('b'))", [1, 2]), ("A_CONTAINS(segni, ('a', 'b'))", [1]), ("A_EQUALS(segni, ('b', 'a'))", [1]),
     ("A_CONTAINEDBY(segni, ('a', 'b', 'z'))", [1]), ("A_OVERLAPS(segni, ('c', 'z'))", [2])],
)  # fmt: skip
def test_arrays(client: Client, tagged: Layer, text: str, ids: list[int]) -> None:
    page = json.loads(client.get("/ogc/collections/alberi/items", {"filter": text}).content)
    assert [feature["id"] for feature in page["features"]] == ids


HOSTILE = [
    "note = 'x'", "fid = 1", "owner__password = 1", "uso = 'x' OR 1", "piani = 'tre'", "uso > 3", "foo(uso) = 1",
    "pg_sleep(9) = 1", "S_INTERSECTS(uso, POINT(1 2))", "S_INTERSECTS(geometry, 'x')", "S_INTERSECTS(geometry)",
    "uso LIKE 3", "piani IN ()", "uso =", "((((", "'", "piani / 0 = 1", "rilevato = 'ieri'", "uso LIKE '\\'",
    "S_INTERSECTS(geometry, BBOX(1, 9, 2, 3))", "S_INTERSECTS(geometry, POLYGON((0 0, 1 1)))",
    "T_AFTER(uso, DATE('2020-01-01'))",
    "T_DURING(rilevato, INTERVAL('x', '..'))", "(" * 300 + "TRUE" + ")" * 300, "NOT " * 3000 + "demolito", "x" * 9000,
    "piani" + "+1" * 2000 + "=1", "casei(" * 400 + "uso" + ")" * 400 + " = 'x'", "CASEI(piani) = 'x'",
    "A_CONTAINS(uso, ('x'))",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:30] for text in HOSTILE])
def test_a_filter_that_cannot_be_put_is_refused_with_a_reason(client: Client, city: SimpleNamespace, text: str) -> None:
    body = matched(client, text, 400)
    assert body["code"] == "InvalidParameterValue" and body["description"]


@pytest.mark.parametrize(
    "text",
    ["[" * 5000, '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Polygon","coordinates":[1,2]}]}',
     '{"op":"s_intersects","args":[{"property":"geom"},{"type":"MultiPolygon","coordinates":[[1],[2]]}]}',
     '{"op":"and","args":' * 500, "{}", "3x", '{"op":"=","args":[{"property":"piani"},NaN]}',
     '{"op":"not","args":[' * 80 + "true" + "]}" * 80, '{"op":"=","args":[{"property":{"property":"piani"}},1]}'],
)  # fmt: skip
def test_hostile_json_is_refused(client: Client, city: SimpleNamespace, text: str) -> None:
    matched(client, text, 400, lang="cql2-json")


@pytest.mark.parametrize("literal", ["'", '"', "\\", "%", "_", "'; DROP TABLE geodata.edifici; --", "%(limit)s", "{x}"])
def test_a_literal_is_a_value_whatever_it_holds(client: Client, city: SimpleNamespace, literal: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.edifici SET uso = %s WHERE fid = 7", [literal])
    forget_catalogue()
    quoted = literal.replace("'", "''")
    assert [one["id"] for one in matched(client, f"uso = '{quoted}'")["features"]] == [7]
    by_parameter = json.loads(client.get("/ogc/collections/edifici/items", {"uso": literal}).content)
    assert [one["id"] for one in by_parameter["features"]] == [7]


PROBE = """
import os
os.environ.setdefault("GEOPORTAL_SECRET_KEY", "x")
import django
django.setup()
from layers.cql2.reading import read_filter
from layers.errors import BadQuery
for text in (
    "(" * 10 + "a $" + ")" * 10,
    "f(" * 10 + "a $" + ")" * 10, "NOT (" * 10 + "a $" + ")" * 10, "(" * 200 + "a" + ")" * 200,
    "NOT " * 199 + "a", "a=" + "-" * 199 + "1", "a" + "^2" * 199 + "=1", "a=1" + " AND a=1" * 1000, "((a" * 60,
    "a IN (" + "1," * 3000 + "1)", "a=1" + " OR (((((((((a $)))))))))" * 50,
):
    try:
        read_filter(text, "cql2-text")
    except BadQuery:
        pass
"""


def test_what_the_caps_let_through_never_ends_the_process() -> None:
    """The native parser overflows its stack on deep input; at the caps it must not, whatever is nested."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_a_filter_pages_and_joins_other_conditions(client: Client, city: SimpleNamespace) -> None:
    page = matched(client, "piani > 3", limit="50", sortby="-altezza", uso="scuola")
    found = list(page["features"])
    while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = json.loads(client.get(following[0]).content)
        found += page["features"]
    assert len({one["id"] for one in found}) == len(found) == counted("piani > 3 AND uso = 'scuola'")
