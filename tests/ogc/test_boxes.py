"""A box that is read by its inside gives the features that the exact test gives, in every CRS."""

import random

import pytest
from django.db import connection

from layers.filters import SAME_DATUM, inner_box
from tests.geodata import make_layer

DOTS = """
INSERT INTO {table} (geom)
SELECT ST_Transform(ST_Rotate(ST_MakeEnvelope(x, y, x + 3, y + 2, 32632), n, x, y), :srid)
FROM (SELECT n, 579000 + (n * 7919) % 3001 AS x, 4998000 + (n * 104729) % 3001 AS y
      FROM generate_series(1, 3000) AS n) AS p
"""
BOX = {4326: (10.005, 45.13, 10.03, 45.15), 3857: (1113800.0, 5642500.0, 1116500.0, 5645500.0)}


@pytest.mark.parametrize(("asked", "storage"), [(4326, 32632), (4326, 4326), (3857, 32632), (3857, 4326), (4326, 3003)])
def test_what_the_inside_takes_in_meets_the_box(db: None, storage: int, asked: int) -> None:
    make_layer("punti", "POLYGON", storage, {}, DOTS.replace(":srid", str(storage)))
    west, south, east, north = BOX[asked]
    rng, found = random.Random(1), 0
    for _turn in range(8):
        box = (
            west + (east - west) * rng.random() / 3,
            south + (north - south) * rng.random() / 3,
            east - (east - west) * rng.random() / 3,
            north - (north - south) * rng.random() / 3,
        )
        inner = inner_box(box, asked, storage)
        assert (inner is not None) == ({asked, storage} <= SAME_DATUM)
        if inner is None:
            continue
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(*) FILTER (WHERE ST_Intersects(geom, box)), "
                "(SELECT count(*) FROM geodata.punti WHERE ST_Intersects(geom, box)) FROM geodata.punti, "
                "(SELECT ST_Transform(ST_Segmentize(ST_MakeEnvelope(%s, %s, %s, %s, %s), %s), %s) AS box) AS b "
                "WHERE geom @ ST_MakeEnvelope(%s, %s, %s, %s, %s) GROUP BY box",
                [*box, asked, (box[2] - box[0]) / 16, storage, *inner, storage],
            )
            within, meeting, all_meeting = cursor.fetchone()
        assert within == meeting and within > 0.8 * all_meeting
        found += within
    assert found or storage == 3003


def test_nothing_is_certain_of_what_cannot_be_told() -> None:
    assert inner_box((10.0, 45.0, 10.0, 45.0), 4326, 4326) is None
    assert inner_box((-180.0, -90.0, 180.0, 90.0), 4326, 32632) is None
    assert inner_box((170.0, 45.0, 175.0, 50.0), 4326, 3003) is None
