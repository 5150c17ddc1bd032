"""A small city with what the services must cope with: polygons, points, dates, hidden and restricted attributes."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from layers.models import Access, Field, Layer
from tests.drawing.conftest import plot  # noqa: F401 - a fixture of these tests too
from tests.geodata import forget_catalogue, make_layer

BUILDINGS = """
INSERT INTO {table} (geom, uso, piani, altezza, demolito, rilevato, aggiornato, note)
SELECT ST_MakeEnvelope(x, y, x + 12, y + 9, 32632),
       (ARRAY['residenza', 'scuola', 'ufficio', NULL])[1 + n % 4], 1 + n % 7, n / 3.0, n % 10 = 0,
       date '2020-01-01' + n, timestamptz '2021-01-01 00:00Z' + n * interval '1 hour', 'riservata ' || n
FROM (SELECT n, 580000 + (n % 25) * 40 AS x, 4999000 + (n / 25) * 40 AS y FROM generate_series(0, 499) AS n) AS grid
"""
NUMBERS = """
INSERT INTO {table} (geom, via, civico)
SELECT ST_SetSRID(ST_MakePoint(580000 + n * 7919 % 3001, 4999000 + n * 104729 % 3001), 32632),
       'Via dell''Aquila ' || n % 9, n || 'A'
FROM generate_series(1, 237) AS n
"""
BUILDING_FIELDS = {
    "uso": "string",
    "piani": "integer",
    "altezza": "number",
    "demolito": "boolean",
    "rilevato": "date",
    "aggiornato": "datetime",
    "note": "string",
}


@pytest.fixture
def city(db: None) -> Iterator[SimpleNamespace]:
    """`edifici` (500 polygons, `note` for insiders), `civici` (237 points), `vincoli` (for professionals)."""
    Layer.objects.filter(is_live=True).delete()  # devices have tests of their own
    buildings = make_layer("edifici", "POLYGON", 32632, BUILDING_FIELDS, BUILDINGS, time_field="rilevato")
    Field.objects.filter(layer=buildings, name="note").update(access=Access.INTERNAL)
    Field.objects.filter(layer=buildings, name="uso").update(is_searchable=True)
    numbers = make_layer("civici", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS)
    Field.objects.filter(layer=numbers, name="via").update(is_searchable=True)
    secret = make_layer(
        "vincoli", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, access=Access.PROFESSIONAL
    )
    forget_catalogue()
    yield SimpleNamespace(buildings=buildings, numbers=numbers, secret=secret)
    forget_catalogue()


def layer_named(slug: str) -> Layer:
    return Layer.objects.get(slug=slug)


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapnik reads by a connection of its own, which does not see an uncommitted city: test_maps.py has pictures."""
    monkeypatch.setattr("layers.drawing.draw._render", lambda *_given: None)
