"""A small town to search in: house numbers, parcels, schools with a field for insiders, a layer for professionals."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from layers.models import Access, Field, Layer
from layers.search.index import index_layer
from tests.geodata import forget_catalogue, make_layer

ADDRESSES = """
INSERT INTO {table} (geom, odonimo, civico, esponente)
SELECT ST_SetSRID(ST_MakePoint(580000 + street * 300, 4998000 + n * 12), 32632), name, n::text, ''
FROM unnest(ARRAY['Via Dante', 'Via Giuseppe Garibaldi', 'Corso Vittorio Emanuele II', 'Via dell''Aquila',
                  'Viale Trento e Trieste', 'Via XX Settembre', 'Via Università', 'Piazza della Libertà'])
     WITH ORDINALITY AS streets (name, street), generate_series(1, 40) AS n WHERE n <> 13
UNION ALL VALUES
    (ST_SetSRID(ST_MakePoint(580305, 4998150), 32632), 'Via Dante', '12', 'A'),
    (ST_SetSRID(ST_MakePoint(580306, 4998152), 32632), 'Via Dante', '12', 'bis')
"""
PARCELS = """
INSERT INTO {table} (geom, foglio, particella)
SELECT ST_MakeEnvelope(x, y, x + 30, y + 20, 32632), lpad(sheet::text, 4, '0'), n::text
FROM (SELECT sheet, n, 580000 + sheet * 400 + n % 10 * 30 AS x, 4999000 + n / 10 * 20 AS y
      FROM generate_series(10, 14) AS sheet, generate_series(340, 349) AS n) AS grid
"""
SCHOOLS = """
INSERT INTO {table} (geom, nome, tipo, dirigente)
VALUES (ST_SetSRID(ST_MakePoint(580500, 4998500), 32632), 'Scuola primaria Trento Trieste', 'primaria', 'Fiordaliso'),
       (ST_SetSRID(ST_MakePoint(580600, 4998600), 32632), 'Liceo Anguissola', 'secondaria', 'Girasole'),
       (ST_SetSRID(ST_MakePoint(580700, 4998700), 32632), 'Asilo Sant''Agata', 'infanzia', NULL)
"""
PLANS = """
INSERT INTO {table} (geom, nome)
VALUES (ST_MakeEnvelope(580000, 4998000, 581000, 4999000, 32632), 'Vincolo Quadrifoglio')
"""


def searchable(layer: Layer, *names: str) -> None:
    Field.objects.filter(layer=layer, name__in=names).update(is_searchable=True)


@pytest.fixture
def town(db: None) -> Iterator[SimpleNamespace]:
    """`civici`, `particelle`, `scuole` (`dirigente` for insiders) and `vincoli` (for professionals), indexed."""
    Layer.objects.filter(is_live=True).delete()
    text = {"odonimo": "string", "civico": "string", "esponente": "string"}
    numbers = make_layer("civici", "POINT", 32632, text, ADDRESSES, title_it="Numeri civici", title_en="House numbers")
    searchable(numbers, *text)
    parcels = make_layer(
        "particelle", "POLYGON", 32632, {"foglio": "string", "particella": "string"}, PARCELS,
        title_it="Particelle catastali", title_en="Cadastral parcels",
    )  # fmt: skip
    searchable(parcels, "foglio", "particella")
    schools = make_layer(
        "scuole", "POINT", 32632, {"nome": "string", "tipo": "string", "dirigente": "string"}, SCHOOLS,
        title_it="Scuole e asili", title_en="Schools", keywords=["istruzione"],
    )  # fmt: skip
    searchable(schools, "nome", "tipo", "dirigente")
    Field.objects.filter(layer=schools, name="dirigente").update(access=Access.INTERNAL)
    plans = make_layer("vincoli", "POLYGON", 32632, {"nome": "string"}, PLANS, access=Access.PROFESSIONAL)
    searchable(plans, "nome")
    forget_catalogue()
    for layer in (numbers, parcels, schools, plans):
        index_layer(layer.pk)
    forget_catalogue()
    yield SimpleNamespace(numbers=numbers, parcels=parcels, schools=schools, plans=plans)
    forget_catalogue()
