"""What archives hold beside one shapefile, tables beside layers, and files under the name of another kind."""

import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from layers.models import Layer
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import only, write

PLACE = {"type": "Point", "coordinates": [10.02, 45.13]}
FEATURE = {"type": "Feature", "properties": {"città": "Libertà"}, "geometry": PLACE}
GEOJSON = json.dumps({"type": "FeatureCollection", "features": [FEATURE]}).encode()
CSV = b"nome;lat;lon\nFontana;45.13;10.02\n"
KML = """<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>
<name>Libertà</name><ExtendedData><Data name="città"><value>Crémona</value></Data></ExtendedData>
<Point><coordinates>10.02,45.13</coordinates></Point></Placemark></Document></kml>""".encode()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def shapefile(folder: Path, name: str = "edifici") -> dict[str, bytes]:
    folder.mkdir()
    write(folder / f"{name}.shp", "ESRI Shapefile")
    return {part.name: part.read_bytes() for part in folder.iterdir()}


def raster() -> bytes:
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=8, height=8, count=1, dtype="uint8",
                         transform=from_origin(580_000, 4_998_000, 1, 1), crs="EPSG:32632") as made:  # fmt: skip
            made.write(np.ones((1, 8, 8), np.uint8))
        return bytes(memory.read())


def test_everything_in_an_archive_is_read_or_named(tmp_path: Path, import_path: Importer) -> None:
    shape = shapefile(tmp_path / "a")
    inner = io.BytesIO()
    zipfile.ZipFile(inner, "w").close()
    members = {f"DBT/nord/{name}": content for name, content in shape.items()}
    members |= {f"DBT/sud/{name.upper()}": content for name, content in shape.items()}
    members |= {
        "DBT/punti.geojson": GEOJSON,
        "DBT/fontane.csv": CSV,
        "DBT/codici.csv": b"codice;nome\n1;Uno\n",
        "DBT/ortofoto.tif": raster(),
        "DBT/tavola.dwg": b"AC1032",
        "DBT/altri.zip": inner.getvalue(),
        "DBT/LEGGIMI.txt": b"Licenza: CC BY 4.0",
    }
    outcomes = import_path(zipped(tmp_path / "comune.zip", members))
    assert {one.source_layer: one.result for one in outcomes} == {
        "nord edifici": "imported", "sud EDIFICI": "imported", "punti": "imported", "fontane": "imported",
    }  # fmt: skip
    notes = " ".join(outcomes[0].notes)
    for word in ("ortofoto", "tavola.dwg", "altri.zip", "codici"):
        assert word in notes
    assert "LEGGIMI" not in notes


@pytest.mark.parametrize(
    ("name", "content"),
    [("punti.geojson", GEOJSON), ("ortofoto.tif", None), ("elenco.TXT", CSV)],
)
def test_a_single_file_in_an_archive(tmp_path: Path, import_path: Importer, name: str, content: bytes | None) -> None:
    content = content or raster()
    layer = only(import_path(zipped(tmp_path / "dati.zip", {f"cartella/{name}": content})))
    assert (layer.kind == Layer.Kind.RASTER) == name.endswith("tif")


def test_a_table_beside_layers_goes_in_when_it_is_named(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "dati.gpkg", "GPKG", layer="edifici")
    with closing(sqlite3.connect(path)) as database:
        for table in ("codici", "layer_styles"):
            database.execute(f"CREATE TABLE {table} (fid INTEGER PRIMARY KEY, codice TEXT, descrizione TEXT)")
            database.execute(f"INSERT INTO {table} VALUES (1, '01', 'Città')")
            listed = "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)"
            database.execute(listed, (table, table))
        database.commit()
    (outcome,) = import_path(path)
    assert outcome.source_layer == "edifici"
    assert "codici" in " ".join(outcome.notes)
    assert "layer_styles" not in " ".join(outcome.notes)
    layer = only(import_path(path, only_layers=("codici",)))
    assert (layer.geometry_field, layer.srid, layer.feature_count) == ("", None, 1)


def test_what_a_file_is_called_does_not_matter(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "dati.gpkg", "GPKG", layer="edifici")
    with path.open("r+b") as stream:
        stream.seek(68)
        stream.write(b"\0\0\0\0")
    assert only(import_path(path.rename(tmp_path / "dati.sqlite"))).feature_count == 3
    (tmp_path / "punti.zip").write_bytes(GEOJSON)
    assert only(import_path(tmp_path / "punti.zip")).feature_count == 1
    (tmp_path / "mappa.kmz").write_bytes(KML)
    layer = only(import_path(tmp_path / "mappa.kmz"))
    last = layer.fields.order_by("position").last()
    assert last is not None
    assert (last.name, last.source_name, last.title_it) == ("citta", "città", "Città")


def test_a_database_that_is_something_else_says_what(tmp_path: Path, import_path: Importer) -> None:
    with closing(sqlite3.connect(tmp_path / "tessere.mbtiles")) as database:
        database.execute("CREATE TABLE tiles (a)")
        database.execute("CREATE TABLE metadata (a)")
    (outcome,) = import_path(tmp_path / "tessere.mbtiles")
    assert "PMTiles" in outcome.reason
