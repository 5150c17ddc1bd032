"""The layers of the bench, in a database of their own: buildings, parcels and streets, made up by rule."""

from __future__ import annotations

import psycopg2
from django.core.management import call_command
from django.db import connection

from geoportal.runtime.cluster import Cluster
from layers.catalogue import LayerEntry, catalogue
from layers.models import Layer
from layers.overviews.build import prepare
from layers.tiles import PREPARED_FROM
from tests.benchmarks.__main__ import DATABASE
from tests.geodata import forget_catalogue, make_layer

BUILDING = {f"a{n}": kind for n, kind in enumerate(["string", "integer", "number", "date"] * 3)}
BUILDINGS = """
INSERT INTO {table} (geom, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11)
SELECT ST_Rotate(ST_Buffer(ST_SetSRID(ST_MakePoint(x, y), 32632), 5 + n % 7, 'quad_segs=' || 2 + n % 4), n, x, y),
       'uso ' || n % 9, n % 7, n / 3.0, date '2000-01-01' + n % 9000, 'zona ' || n % 40, n, sqrt(n), date '2010-01-01',
       'via ' || n % 902, n % 100, n / 7.0, date '2020-01-01' + n % 1000
FROM (SELECT n, 574500 + (n % 560) * 22.0 AS x, 4993800 + (n / 560) * 26.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""
PARCEL = {"foglio": "string", "numero": "integer", "superficie": "number", "qualita": "string"}
PARCELS = """
INSERT INTO {table} (geom, foglio, numero, superficie, qualita)
SELECT ST_MakeEnvelope(x, y, x + 11, y + 9, 32632), 'F' || n / 5000, n % 5000, 99.0, 'qualità ' || n % 7
FROM (SELECT n, 570000 + (n % 1000) * 12.0 AS x, 4990000 + (n / 1000) * 10.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""
STREET = {"nome": "string", "lunghezza": "number"}
STREETS = """
INSERT INTO {table} (geom, nome, lunghezza)
SELECT ST_MakeLine(ST_SetSRID(ST_MakePoint(x, y), 32632), ST_SetSRID(ST_MakePoint(x + 90, y + n % 60), 32632)),
       'via ' || n % 900, 90
FROM (SELECT n, 575000 + (n % 170) * 60.0 AS x, 4994000 + (n / 170) * 40.0 AS y
      FROM generate_series(1, :many) AS n) AS grid
"""


def made_anew(cluster: Cluster) -> None:
    """The database of the bench, empty but for the product's own tables."""
    admin = psycopg2.connect(host=str(cluster.sockets), user="geoportal", dbname="geoportal")
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    admin.close()
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    call_command("migrate", verbosity=0)


def make(cluster: Cluster, buildings: int, parcels: int, streets: int) -> LayerEntry:
    """The layers `edifici`, `particelle` and `strade`, made anew; the first of them."""
    made_anew(cluster)
    make_layer("edifici", "POLYGON", 32632, BUILDING, BUILDINGS.replace(":many", str(buildings)))
    make_layer("strade", "LINESTRING", 32632, STREET, STREETS.replace(":many", str(streets)))
    make_layer("particelle", "POLYGON", 32632, PARCEL, PARCELS.replace(":many", str(parcels)))
    with connection.cursor() as cursor:
        # What an administrator would do for an attribute that is much filtered by; the other servers gain as much.
        cursor.execute("CREATE INDEX ON geodata.edifici (a8)")
        # Autovacuum would do it in the middle of a measurement.
        cursor.execute("VACUUM ANALYZE geodata.edifici, geodata.strade, geodata.particelle")
    for layer in Layer.objects.filter(feature_count__gte=PREPARED_FROM):
        prepare(layer.pk)  # what a worker does after the import
    forget_catalogue()
    return catalogue().layers["edifici"]
