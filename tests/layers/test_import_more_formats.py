"""Exchange formats of surveyors, walkers and other systems: DXF, GML, GPX, KMZ, File Geodatabase."""

import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely
from django.db import connection

from tests.layers.conftest import Importer
from tests.layers.test_import_formats import SQUARES, only, rows, write

DEGREES = np.array([shapely.Point(10.02 + n / 100, 45.13) for n in range(3)], dtype=object)


def packed(path: Path, folder: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if file.is_file():
                name = file.relative_to(folder).as_posix() if folder.is_dir() else file.name
                archive.write(file, f"{inside}{name}")
    return path


@pytest.mark.filterwarnings("ignore:Normalized/laundered field name")
def test_a_geodatabase_in_a_zip(tmp_path: Path, import_path: Importer) -> None:
    folder = write(tmp_path / "comune.gdb", "OpenFileGDB", layer="edifici", geometry_type="MultiPolygon")
    layer = only(import_path(packed(tmp_path / "comune.gdb.zip", folder, "dati/comune.gdb/")))
    assert (layer.feature_count, layer.srid, layer.geometry_type) == (3, 32632, "MULTIPOLYGON")
    assert sorted(row[0] or "" for row in rows(layer, "nome_via")) == ["", "Città", "Libertà"]


@pytest.mark.filterwarnings("ignore:Field name .* adjusted")
def test_gml_leaves_nothing_beside_the_file(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "edifici.gml", "GML", layer="edifici")
    for left in tmp_path.glob("*.xsd"):
        left.unlink()
    layer = only(import_path(path))
    assert (layer.feature_count, layer.srid) == (3, 32632)
    assert layer.storage_bbox == pytest.approx(list(shapely.total_bounds(SQUARES)))
    assert [file.name for file in tmp_path.iterdir()] == ["edifici.gml"]


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_dxf_gets_its_system_from_its_numbers(tmp_path: Path, import_path: Importer) -> None:
    lines = np.array([shapely.LineString([(580000, 4998000), (580010 + n, 4998010)]) for n in range(2)])
    path = tmp_path / "rilievo.dxf"
    pyogrio.raw.write(path, shapely.to_wkb(lines), [], [], geometry_type="LineString", driver="DXF", crs=None)
    layer = only(import_path(path))
    assert (layer.feature_count, layer.srid) == (2, 32632)


def test_gpx_gives_the_kinds_it_holds(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "giro.gpx"
    path.write_text(
        '<?xml version="1.0"?><gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">'
        '<wpt lat="45.13" lon="10.02"><name>Fontana</name></wpt></gpx>'
    )
    layer = only(import_path(path))
    assert (layer.feature_count, layer.geometry_type, layer.srid) == (1, "POINT", 32632)


def test_kmz_is_the_kml_inside(tmp_path: Path, import_path: Importer) -> None:
    document = tmp_path / "doc.kml"
    pyogrio.raw.write(
        document, shapely.to_wkb(DEGREES), [np.array(["a", "b", "c"], dtype=object)], ["Name"],
        geometry_type="Point", driver="KML", crs="EPSG:4326",
    )  # fmt: skip
    layer = only(import_path(packed(tmp_path / "luoghi.kmz", document)))
    assert layer.feature_count == 3
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT ST_X(ST_Transform(ST_Force2D(geom), 4326)) FROM geodata."{layer.table_name}" LIMIT 1')
        assert 10 < cursor.fetchone()[0] < 10.1


def test_an_entity_inside_a_kmz_is_refused(tmp_path: Path, import_path: Importer) -> None:
    document = tmp_path / "doc.kml"
    document.write_text('<!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>')
    (outcome,) = import_path(packed(tmp_path / "cattivo.kmz", document))
    assert "DOCTYPE" in outcome.reason
