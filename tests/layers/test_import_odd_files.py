"""Legitimate files that are not written as one expects: encodings, mixed attributes, positions that lie beside."""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from django.core.files.uploadedfile import SimpleUploadedFile
from pyproj import CRS
from rasterio.transform import from_origin

from layers.importing.encodings import of_shapefile
from layers.importing.geoparquet import GeoParquetSource
from layers.importing.texts import decoded, readable_texts, unique_names
from layers.models import Layer
from layers.publishing.storage import put_aside
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import only, rows, write

EAST, NORTH = 580209.592, 4997897.927
GRID = np.arange(64, dtype="uint8").reshape(8, 8)


def collection(**properties: list[object]) -> str:
    """A GeoJSON of points with these properties, a value for each."""
    count = max(map(len, properties.values()))
    features = [
        {
            "type": "Feature",
            "properties": {name: values[place] for name, values in properties.items()},
            "geometry": {"type": "Point", "coordinates": [10.02, 45.13]},
        }
        for place in range(count)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


KML = (
    '<?xml version="1.0" encoding="UTF-16"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>'
    "<name>Città</name><Point><coordinates>10.02,45.13</coordinates></Point></Placemark></Document></kml>"
)


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("a.geojson", collection(nome=["Città"]).encode("utf-16"), "nome"),
        ("a.geojson", collection(nome=["Città"]).encode("cp1252"), "nome"),
        ("a.kml", KML.encode("utf-16"), "name"),
        ("a.csv", "nome;lat;lon\nCittà;45,13;10,02\n".encode("utf-16"), "nome"),
        ("a.geojsonl", json.dumps(json.loads(collection(nome=["Città"]))["features"][0]).encode(), "nome"),
        (
            "a.geojsonl",
            b"\xef\xbb\xbf" + b'{"type":"Feature","properties":{"nome":"Citt\xc3\xa0"},"geometry":null}\n'
            b'{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[10,45]}}\n',
            "nome",
        ),
    ],
)
def test_texts_that_are_not_plain_utf8(tmp_path: Path, import_path: Importer, name, content, column) -> None:
    (tmp_path / name).write_bytes(content)
    assert rows(only(import_path(tmp_path / name)), column)[0] == ("Città",)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_nested_values_are_json_and_mixed_ones_are_text(tmp_path: Path, import_path: Importer) -> None:
    text = collection(a=[{"b": [1, "è"]}, None], l=[["x"], []], m=[1, "due"], n=[{"b": 1}, "tre"])
    (tmp_path / "a.geojson").write_text(text)
    layer = only(import_path(tmp_path / "a.geojson"))
    assert {field.name: field.type for field in layer.fields.all()} == {
        "a": "json", "l": "json", "m": "string", "n": "string",
    }  # fmt: skip
    assert rows(layer, "a")[0] == ({"b": [1, "è"]},) or json.loads(str(rows(layer, "a")[0][0])) == {"b": [1, "è"]}
    assert rows(layer, "m") == [("1",), ("due",)]


def drawing(version: str, text: str, encoding: str) -> bytes:
    entity = f"  0\nTEXT\n  8\nTESTI\n 10\n{EAST}\n 20\n{NORTH}\n 40\n2.5\n  1\n{text}\n"
    header = (
        f"  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\n{version}\n  9\n$DWGCODEPAGE\n  3\nANSI_1252\n  0\nENDSEC\n"
    )
    return f"{header}  0\nSECTION\n  2\nENTITIES\n{entity}  0\nENDSEC\n  0\nEOF\n".encode(encoding)


@pytest.mark.parametrize(
    ("version", "text", "encoding"),
    [("AC1032", "Città", "utf-8"), ("AC1015", "Città", "cp1252"), ("AC1009", "Citt\\U+00E0", "ascii")],
)
def test_the_letters_of_a_drawing(
    tmp_path: Path, import_path: Importer, version: str, text: str, encoding: str
) -> None:
    (tmp_path / "a.dxf").write_bytes(drawing(version, text, encoding))
    assert rows(only(import_path(tmp_path / "a.dxf")), "text") == [("Città",)]


def raster(folder: Path, **changes: object) -> Path:
    path = folder / "orto.tif"
    made = {"crs": "EPSG:32632", "transform": from_origin(EAST, NORTH, 10, 10), "dtype": "uint8"} | changes
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, **made) as dataset:
        dataset.write(GRID[None])
    return path


def check(layer: Layer) -> None:
    assert layer.srid == 32632
    assert layer.storage_bbox == pytest.approx([EAST, NORTH - 80, EAST + 80, NORTH])
    assert (layer.raster_info["bands"][0]["min"], layer.raster_info["bands"][0]["max"]) == (0, 63)


def test_a_raster_whose_place_lies_beside_it(tmp_path: Path, import_path: Importer) -> None:
    path = raster(tmp_path, crs=None, transform=None)
    (tmp_path / "ORTO.TFW").write_text(f"10.0\n0\n0\n-10.0\n{EAST + 5}\n{NORTH - 5}\n")
    (tmp_path / "orto.prj").write_text(CRS.from_epsg(32632).to_wkt("WKT1_ESRI"))
    check(only(import_path(path)))


def test_a_raster_without_a_system_gets_it_from_its_numbers(tmp_path: Path, import_path: Importer) -> None:
    check(only(import_path(raster(tmp_path, crs=None))))


def test_a_raster_without_a_place_says_what_to_bring(tmp_path: Path, import_path: Importer) -> None:
    (outcome,) = import_path(raster(tmp_path, crs=None, transform=None))
    assert ".tfw" in outcome.reason


def test_the_system_that_a_person_chooses_is_written(tmp_path: Path, import_path: Importer) -> None:
    layer = only(import_path(raster(tmp_path, crs="EPSG:25832"), srid=32632))
    check(layer)


def test_what_belongs_to_a_file_is_kept_with_it(tmp_path: Path) -> None:
    files = [
        SimpleUploadedFile(name, b"x")
        for name in ("Foto Àerea.TIF", "foto àerea.tfw", "Foto Àerea.prj", "dati.gml", "dati.xsd", "altro.tfw")
    ]
    kept = put_aside(tmp_path, files)
    assert [one["name"] for one in kept] == ["Foto Àerea.TIF", "dati.gml", "altro.tfw"]
    assert sorted(path.name for path in (tmp_path / "000").iterdir()) == [
        "foto-aerea.prj", "foto-aerea.tfw", "foto-aerea.tif",
    ]  # fmt: skip


def test_samples_of_twelve_bits(tmp_path: Path, import_path: Importer) -> None:
    assert only(import_path(raster(tmp_path, dtype="uint16", nbits=12))).raster_info["bands"][0]["max"] == 63


def nested(shapes: list[shapely.Geometry]) -> pa.Array:
    """Coordinates in lists, as GeoParquet 1.1 has them."""
    _kind, points, offsets = shapely.to_ragged_array(shapes)
    values: pa.Array = pa.StructArray.from_arrays([points[:, 0], points[:, 1]], ["x", "y"])
    for level in offsets:
        values = pa.ListArray.from_arrays(pa.array(level, pa.int32()), values)
    return values


HOLED = shapely.Polygon(shapely.box(0, 0, 9, 9).exterior, [shapely.box(1, 1, 2, 2).exterior])


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Point(EAST, NORTH), shapely.LineString([(0, 0), (1, 2)]), shapely.MultiPoint([(0, 0), (1, 2)]), HOLED,
        shapely.MultiLineString([[(0, 0), (1, 2)], [(3, 3), (4, 4)]]),
        shapely.MultiPolygon([HOLED, shapely.box(20, 20, 30, 30)]),
    ],
    ids=lambda shape: type(shape).__name__,
)  # fmt: skip
def test_coordinates_in_lists(tmp_path: Path, shape: shapely.Geometry) -> None:
    other = shapely.transform(shape, lambda points: points + 40)
    geo = {
        "version": "1.1.0",
        "primary_column": "g",
        "columns": {"g": {"encoding": type(shape).__name__.lower(), "crs": None}},
    }
    table = pa.table({"n": [1, 2], "g": nested([shape, other])})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), tmp_path / "a.parquet")
    source = GeoParquetSource(tmp_path / "a.parquet", name="a", srid=32632)
    with source.batches() as batches:
        (batch,) = batches
    assert shapely.from_wkb(batch.wkb.to_pylist()).tolist() == [shape, other]


def test_a_parquet_that_says_no_system_is_guessed_from_its_numbers(tmp_path: Path) -> None:
    geo = {"version": "1.0.0", "primary_column": "g", "columns": {"g": {"encoding": "WKB", "crs": None}}}
    table = pa.table({"g": [shapely.to_wkb(shapely.Point(EAST, NORTH))]})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), tmp_path / "a.parquet")
    assert GeoParquetSource(tmp_path / "a.parquet", name="a").crs.name == "EPSG:32632"


@pytest.mark.parametrize("left_out", [".shx", ".dbf", ".prj", ""])
def test_a_shapefile_without_a_part_and_from_a_mac(tmp_path: Path, import_path: Importer, left_out: str) -> None:
    write(tmp_path / "edifici.shp", "ESRI Shapefile")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("edifici.*"):
            if part.suffix != left_out:
                archive.write(part, f"Consegna/{part.name}")
                archive.writestr(f"__MACOSX/Consegna/._{part.name}", b"\0\5\x16\7")
    layer = only(import_path(tmp_path / "a.zip"))
    assert (layer.feature_count, layer.srid) == (3, 32632)


@pytest.mark.parametrize("has_index", [True, False])
def test_loose_parts_with_and_without_the_index(tmp_path: Path, import_path: Importer, has_index: bool) -> None:
    path = write(tmp_path / "edifici.shp", "ESRI Shapefile")
    if not has_index:
        path.with_suffix(".shx").unlink()
    assert only(import_path(path)).feature_count == 3
    # Cut off within the last shape, it has for GDAL a last row without geometry, or two rows.
    path.write_bytes(path.read_bytes()[:-8])
    (outcome,) = import_path(path)
    assert "annuncia 3 elementi e se ne leggono 2" in outcome.reason
    assert path.with_suffix(".shx").exists() == has_index


def test_shapes_beyond_the_last_record_are_told(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "edifici.shp", "ESRI Shapefile")
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    content[4:8] = (1).to_bytes(4, "little")
    table.write_bytes(content[: int.from_bytes(content[8:10], "little") + int.from_bytes(content[10:12], "little")])
    (outcome,) = import_path(path)
    assert (outcome.result, outcome.features, outcome.rejected_rows) == ("partly", 1, 2)
    assert outcome.rejected_lines == [2, 3]
    assert any("forma 3" in note for note in outcome.notes)


@pytest.mark.parametrize(
    ("claimed", "language", "written"),
    [
        ("OEM 850", 0, "cp850"), ("850", 0, "cp850"), ("ANSI 1252", 0, "cp1252"), ("windows-1252", 0, "cp1252"),
        ("", 0x37, "cp850"), ("", 0x02, "cp850"), ("", 0, "cp1252"), ("boh", 0, "utf-8"),
    ],
)  # fmt: skip
def test_the_letters_of_a_dbf(tmp_path: Path, claimed: str, language: int, written: str) -> None:
    path = table(tmp_path, ["NOME"], ["Città"], language, written)
    if claimed:
        path.with_suffix(".cpg").write_bytes(claimed.encode("utf-16" if claimed == "boh" else "ascii"))
    assert of_shapefile(path).name == written


def table(folder: Path, names: list[str], values: list[str], language: int, encoding: str) -> Path:
    """The address of a shapefile of which only this DBF is there."""
    fields = b"".join(
        name.encode(encoding).ljust(11, b"\0") + b"C" + bytes(4) + bytes([20, 0]) + bytes(14) for name in names
    )
    record = b" " + b"".join(value.encode(encoding).ljust(20) for value in values)
    sizes = struct.pack("<IHH", 1, 32 + len(fields) + 1, len(record))
    head = b"\x03\x7c\x01\x01" + sizes + bytes(17) + bytes([language]) + bytes(2)
    (folder / "a.dbf").write_bytes(head + fields + b"\r" + record + b"\x1a")
    return folder / "a.shp"


def test_letters_in_the_names_of_a_dbf(tmp_path: Path) -> None:
    assert of_shapefile(table(tmp_path, ["ATTIVITÀ"], ["si"], 0, "cp1252")).name == "cp1252"


def test_a_code_that_its_domain_does_not_know_stays() -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, 3, None]), pa.array([None, "Buono", "Cattivo"]), safe=False)
    assert decoded(column).to_pylist() == ["Buono", "3", None]


def test_two_columns_of_one_name() -> None:
    assert unique_names(["NOME", "NOME", "B"]) == ["NOME", "NOME 2", "B"]


def test_texts_that_only_claim_to_be_utf8() -> None:
    raw = pa.array([b"Citt\xe0", "Libertà".encode(), None])
    broken = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    assert readable_texts(broken).to_pylist() == ["Città", "Libertà", None]


def test_shapes_beside_none_in_a_flatgeobuf(tmp_path: Path, import_path: Importer) -> None:
    shapes = np.array([shapely.box(580000, 4998000, 580009, 4998009), shapely.Point(580000, 4998000), None])
    path = write(tmp_path / "a.fgb", "FlatGeobuf", geometries=shapes, geometry_type="Unknown", SPATIAL_INDEX="NO")
    assert only(import_path(path)).feature_count == 3
    # Cut off within the last feature, it ends for GDAL with the one before.
    path.write_bytes(path.read_bytes()[:-8])
    (outcome,) = import_path(path)
    assert "annuncia 3 elementi" in outcome.reason
