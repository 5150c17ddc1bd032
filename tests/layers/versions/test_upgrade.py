"""An instance that has layers already is brought to the state in which they have a past."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from layers.models import LayerVersion
from tests.geodata import make_layer

POINTS = """
INSERT INTO {table} (geom, nome)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), 'punto ' || n FROM generate_series(1, 7) AS n
"""


@pytest.mark.django_db(transaction=True)
def test_what_layers_hold_is_where_their_history_begins() -> None:
    layer = make_layer("vecchio", "POINT", 32632, {"nome": "string"}, POINTS)
    newest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    for target in ([("layers", "0009_theme_stewards")], newest):
        MigrationExecutor(connection).migrate(target)
    version = LayerVersion.objects.get(layer=layer)
    assert (version.number, version.what, version.added) == (1, LayerVersion.What.BASELINE, 7)
