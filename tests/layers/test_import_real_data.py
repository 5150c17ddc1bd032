"""The whole pack of real files: each goes in as pyogrio reads it, or is refused for the reason that holds."""

from pathlib import Path

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import rasterio
import shapely
from django.db import connection
from pyproj import Transformer

from layers.importing.folder import files_in, import_folder
from layers.importing.models import ImportOutcome, ImportRun
from layers.importing.options import ImportOptions
from layers.models import Layer

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = {
    "codes/istat_comuni_2020-01-01_cp1252.csv": "Nessuna colonna di coordinate",
    "derived/ghost_pair_agrone_25832_truth.csv": "Nessuna colonna di coordinate",
    "wifi_kiosk/freifunk_nodes_2015-09-25.json": "non GeoJSON",
    "wifi_kiosk/iot_lab_mqtt_messages_2020-03-31.json": "non GeoJSON",
}
COUNTS = {
    "addresses/anagni_civici.parquet": 11185,
    "mobility/mise_fuel_stations_2026-08-21_pipe.csv.gz": 23861,
    "mobility/trenord_gtfs_2023.zip": 433,
    "derived/catasto_fogli_D150.csv": 119,
    "wifi_kiosk/linknyc_kiosks_2025-04-26.csv": 2235,
    "wifi_kiosk/linknyc_per_ap_usage_2018-07.csv": 1709,
    "wifi_kiosk/nyc_wifi_hotspots_2024-11-21.csv": 3319,
}
"""What pyogrio cannot count by itself: rows of tables (the fuel stations less their 112 broken rows)."""
CRS = {
    "addresses/anagni_civici.parquet": (4326, 32632),
    "addresses/anncsu_lombardia_2025-10-10.pmtiles": (3857, 32632),
    "boundaries/istat2019_regions_shp.zip": (32632, 32632),
    "boundaries/lombardia_municipalities.topo.json": (4326, 32632),
    "cadastre/cdu_example_3004.gpkg": (3004, 32632),
    "cadastre/trento_agrone_parcels_25832_shp.zip": (25832, 25832),
    "derived/alberi_monumentali_lombardia_3003_cp1252_shp.zip": (3003, 32632),
    "green/mipaaf_monumental_trees.geojson": (4326, 4326),
    "wifi_kiosk/paris_wifi_hotspots.geojson": (4326, 4326),
}


@pytest.fixture
def outcomes(real_data: Path) -> dict[tuple[str, str], ImportOutcome]:
    run = ImportRun.objects.create(source=str(real_data))
    found = import_folder(run, real_data, ImportOptions())
    return {(outcome.file, outcome.source_layer): outcome for group in found for outcome in group}


def column(layer: Layer, expression: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {expression} FROM geodata."{layer.table_name}" ORDER BY fid')
        return [value for (value,) in cursor.fetchall()]


def test_every_file_of_the_pack_is_right_or_refused(real_data: Path, outcomes) -> None:
    assert {file for file, _layer in outcomes} == {
        path.relative_to(real_data).as_posix() for path in files_in(real_data)
    }
    refused = {file: row.reason for (file, _), row in outcomes.items() if row.result == ImportOutcome.Result.REFUSED}
    assert set(refused) == set(REFUSED)
    for file, words in REFUSED.items():
        assert words in refused[file]
    for (file, name), outcome in outcomes.items():
        if file in refused:
            continue
        if file.endswith(".tif"):
            check_raster(real_data / file, outcome)
        elif file in COUNTS:
            assert outcome.features == COUNTS[file], file
        else:
            check_against_pyogrio(real_data / file, name, outcome)
        if file in CRS:
            assert (outcome.crs_found, outcome.storage_srid) == (f"EPSG:{CRS[file][0]}", CRS[file][1]), file
    check_accents_and_traps(outcomes)


def check_raster(path: Path, outcome: ImportOutcome) -> None:
    assert outcome.layer is not None
    with rasterio.open(path) as source:
        info = outcome.layer.raster_info
        assert (info["width"], info["height"], len(info["bands"])) == (source.width, source.height, source.count)
        assert info["nodata"] == source.nodata
        assert outcome.layer.srid == source.crs.to_epsg()
        values = source.read(1, masked=True)
        assert info["bands"][0]["min"] == pytest.approx(float(values.min()))
        assert info["bands"][0]["max"] == pytest.approx(float(values.max()))


def check_against_pyogrio(path: Path, name: str, outcome: ImportOutcome) -> None:
    """Counts, nulls, attributes and the middle of every geometry as pyogrio reads them."""
    layer = outcome.layer
    assert layer is not None, outcome.reason
    encoding = outcome.encoding or None
    source = None if path.suffix == ".zip" else name
    meta, _fids, wkb, fields = pyogrio.raw.read(str(path), layer=source, encoding=encoding)
    read = np.asarray(shapely.from_wkb(wkb, on_invalid="fix"))
    assert outcome.features == len(read), path.name
    assert outcome.null_geometries == int(np.count_nonzero(shapely.is_missing(read)))
    assert {field.source_name for field in layer.fields.all()} == set(meta["fields"])
    for field in layer.fields.filter(type="string"):
        values = fields[list(meta["fields"]).index(field.source_name)]
        assert column(layer, f'"{field.name}"') == [value if value is None else str(value) for value in values]
    to_storage = Transformer.from_crs(int(outcome.crs_found.removeprefix("EPSG:")), layer.srid, always_xy=True)
    boxes = shapely.bounds(read)
    middle = to_storage.transform((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
    stored = np.array(column(layer, "ST_X(ST_Centroid(ST_Envelope(geom)))"), dtype=float)
    near = 1e-4 if layer.srid == 4326 else 25.0  # the middle of a box moves when the box is turned, and Monte Mario
    finite = np.isfinite(boxes[:, 0])
    assert np.abs(stored - middle[0])[finite].max() < near * (1 if "Point" in str(meta["geometry_type"]) else 40)


def check_accents_and_traps(outcomes: dict[tuple[str, str], ImportOutcome]) -> None:
    def layer(file: str) -> Layer:
        (found,) = (row.layer for (name, _), row in outcomes.items() if name == file)
        assert found is not None
        return found

    trees = layer("derived/alberi_monumentali_lombardia_3003_cp1252_shp.zip")
    assert any("Libertà" in str(value) for value in column(trees, "localita"))
    fuel = outcomes["mobility/mise_fuel_stations_2026-08-21_pipe.csv.gz", "mise_fuel_stations_2026-08-21_pipe"]
    assert (fuel.result, fuel.rejected_rows, fuel.null_geometries) == (ImportOutcome.Result.PARTLY, 112, 3)
    provinces = layer("boundaries/istat2019_provinces.gpkg")
    assert provinces.geometry_type == "MULTIPOLYGON"
    assert "Unità non amministrativa" in column(provinces, "tipo_uts")
    assert column(layer("derived/catasto_fogli_D150.csv"), "foglio")[0] == "0001"
    civics = layer("derived/anncsu_cremona_civici_2025-12-02.gpkg")
    assert (civics.feature_count, civics.geometry_type) == (26119, "POINT")
    terrain = outcomes["cadastre/cdu_example_3004.gpkg", "terreni_catastali"].layer
    assert terrain is not None
    spaced = outcomes["cadastre/cdu_example_3004.gpkg", "vincoli"].layer
    assert spaced is not None
    assert spaced.fields.get(source_name="riferimento legislativo").name == "riferimento_legislativo"
    kinds = {field.name: field.type for field in layer("wifi_kiosk/linknyc_per_ap_usage_2018-07.csv").fields.all()}
    assert "number" in kinds.values()
    assert sum(value is None for value in column(layer("wifi_kiosk/cremona_wifi_places.geojson"), "geom::text")) == 4
