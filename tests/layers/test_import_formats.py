"""Every format goes in with its counts, CRS, names and values."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import shapely
from django.db import connection
from pyproj import CRS

from layers.importing.models import ImportOutcome
from layers.models import Layer
from tests.layers.conftest import Importer

SQUARES = np.array([shapely.box(580000 + 50 * n, 4998000, 580040 + 50 * n, 4998040) for n in range(3)], dtype=object)
NAMES = np.array(["Città", "Libertà", None], dtype=object)
FLOORS = np.array([1, 2, 3], dtype=np.int32)


def write(path: Path, driver: str, *, crs: str = "EPSG:32632", geometries=SQUARES, **options) -> Path:
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(geometries),
        [NAMES[: len(geometries)], FLOORS[: len(geometries)]],
        ["Nome Via", "piani"],
        geometry_type=options.pop("geometry_type", "Polygon"),
        crs=crs,
        driver=driver,
        **options,
    )
    return path


def rows(layer: Layer, columns: str = "*") -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {columns} FROM geodata."{layer.table_name}" ORDER BY fid')
        return list(cursor.fetchall())


def only(outcomes: list[ImportOutcome]) -> Layer:
    (outcome,) = outcomes
    assert outcome.result == "imported", outcome.reason
    assert outcome.layer is not None
    return outcome.layer


@pytest.mark.parametrize(
    ("name", "driver"), [("edifici.gpkg", "GPKG"), ("edifici.fgb", "FlatGeobuf"), ("edifici.geojson", "GeoJSON")]
)
def test_a_file_becomes_a_layer_with_everything_it_says(tmp_path: Path, import_path: Importer, name, driver) -> None:
    crs = "EPSG:4326" if driver == "GeoJSON" else "EPSG:32632"
    shapes = np.array([shapely.box(10 + n / 100, 45, 10.005 + n / 100, 45.01) for n in range(3)], dtype=object)
    layer = only(
        import_path(write(tmp_path / name, driver, crs=crs, geometries=SQUARES if crs != "EPSG:4326" else shapes))
    )
    assert (layer.slug, layer.title_it, layer.srid, layer.feature_count) == ("edifici", "Edifici", 32632, 3)
    assert (layer.geometry_type, layer.table_name, layer.tile_geometry_field) == ("POLYGON", "edifici", "geom_3857")
    assert [(f.name, f.source_name, f.type) for f in layer.fields.all()] == [
        ("nome_via", "Nome Via", "string"),
        ("piani", "piani", "integer"),
    ]
    assert sorted(row[0] or "" for row in rows(layer, "nome_via")) == ["", "Città", "Libertà"]
    assert layer.bbox is not None
    assert 9.9 < layer.bbox[0] < layer.bbox[2] < 10.1


def test_geoparquet_is_read_with_its_crs(tmp_path: Path, import_path: Importer) -> None:
    geo = {
        "version": "1.0.0",
        "primary_column": "forma",
        "columns": {"forma": {"encoding": "WKB", "geometry_types": [], "crs": CRS.from_epsg(7791).to_json_dict()}},
    }
    table = pa.table({"forma": shapely.to_wkb(SQUARES), "lista": [["a"], [], None]})
    path = tmp_path / "forme.parquet"
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    layer = only(import_path(path))
    assert (layer.srid, layer.feature_count) == (7791, 3)
    assert rows(layer, "lista::text") == [('["a"]',), ("[]",), (None,)]
