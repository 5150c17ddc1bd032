"""Three squares of 100 m side by side, a line and a point, committed: Mapnik reads by a connection of its own."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from pytest_django import DjangoDbBlocker

from layers.catalogue import LayerEntry, catalogue
from layers.models import Access, Field, Layer, Style
from tests.geodata import drop, forget_catalogue, make_layer

WEST, SOUTH = 580_000.0, 4_998_000.0

SQUARES = """
INSERT INTO {table} (geom, uso, piani, quota, segreto)
SELECT ST_MakeEnvelope(580000 + n * 100, 4998000, 580100 + n * 100, 4998100, 32632), uso, n, n + 0.5, uso
FROM (VALUES (0, 'casa'), (1, 'd''Orto "!bbox!" è'), (2, NULL)) AS f(n, uso)
"""
LINES = """
INSERT INTO {table} (geom)
SELECT ST_SetSRID(ST_MakeLine(ST_MakePoint(580000, 4998050), ST_MakePoint(580300, 4998050)), 32632)
"""
POINTS = "INSERT INTO {table} (geom) SELECT ST_SetSRID(ST_MakePoint(580150, 4998050), 32632)"
RED, GREEN, BLUE = "#ff0000", "#00ff00", "#0000ff"


def solid(colour: str, **more: object) -> dict[str, object]:
    return {"fill": colour, "fill_opacity": 1, "stroke": colour, "stroke_width": 0, **more}


BY_USE = {
    "kind": "categorised",
    "field": "uso",
    "symbol": solid(BLUE),
    "classes": [
        {"symbol": solid(RED), "value": "casa"},
        {"symbol": solid(GREEN), "value": 'd\'Orto "!bbox!" è'},
    ],
}
BY_FLOOR = {
    "kind": "graduated",
    "field": "quota",
    "symbol": solid(BLUE),
    "classes": [
        {"symbol": solid(RED), "minimum": 0, "maximum": 1},
        {"symbol": solid(GREEN), "minimum": 1, "maximum": 2},
    ],
}


@pytest.fixture
def plot(transactional_db: None, django_db_blocker: DjangoDbBlocker) -> Iterator[SimpleNamespace]:
    """`quadrati` (styles uso, piani, segreto), `linea`, `punto` are public; `riservato` is for professionals."""
    Layer.objects.filter(is_live=True).delete()
    kinds = {"uso": "string", "piani": "integer", "quota": "number", "segreto": "string"}
    squares = make_layer("quadrati", "POLYGON", 32632, kinds, SQUARES)
    Field.objects.filter(layer=squares, name="segreto").update(access=Access.INTERNAL)
    Style.objects.create(layer=squares, name="uso", title_it="Uso", title_en="Use", spec=BY_USE)
    Style.objects.create(layer=squares, name="piani", title_it="Piani", spec=BY_FLOOR, is_default=False)
    hidden = {**BY_USE, "field": "segreto"}
    Style.objects.create(layer=squares, name="segreto", title_it="Segreto", spec=hidden, is_default=False)
    line = make_layer("linea", "LINESTRING", 32632, {}, LINES)
    Style.objects.create(layer=line, name="linea", title_it="Linea", spec={"symbol": solid(BLUE, stroke_width=4)})
    point = make_layer("punto", "POINT", 32632, {}, POINTS)
    Style.objects.create(layer=point, name="punto", title_it="Punto", spec={"symbol": solid(RED, size=20)})
    secret = make_layer("riservato", "POLYGON", 32632, kinds, SQUARES, access=Access.PROFESSIONAL)
    Style.objects.create(layer=secret, name="rosso", title_it="Rosso", spec={"symbol": solid(RED)})
    forget_catalogue()
    yield SimpleNamespace(squares=squares, line=line, point=point, secret=secret)
    drop(squares, line, point, secret)
    forget_catalogue()


def entry(slug: str) -> LayerEntry:
    return catalogue().layers[slug]
