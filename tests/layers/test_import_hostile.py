"""Files made to harm, or merely broken, are refused in plain words and leave nothing behind."""

import gzip
import os
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from layers.importing import archives
from layers.importing.detect import FileKind, detect
from layers.importing.errors import ImportRefused
from layers.importing.kml import field_names
from layers.importing.options import Limits
from layers.importing.transcoding import in_utf8
from layers.models import Layer
from tests.layers.conftest import Importer
from tests.layers.test_import_formats import write


def geodata_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'geodata'::regnamespace AND relkind = 'r'")
        return {name for (name,) in cursor.fetchall()}


def refusal(import_path: Importer, path: Path) -> str:
    before, layers = geodata_tables(), Layer.objects.count()
    (outcome,) = import_path(path)
    assert outcome.result == "refused"
    assert outcome.layer is None
    assert geodata_tables() == before
    assert Layer.objects.count() == layers
    return outcome.reason


def zipped(path: Path, members: dict[str, bytes], **changes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = changes.get("mode", 0o644) << 16
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize("name", ["../fuori.shp", "/etc/x.shp", "a/../../x.shp", "C:\\x.shp", "..\\x.shp"])
def test_a_path_that_leaves_the_archive(tmp_path: Path, import_path: Importer, name: str) -> None:
    assert "esce dalla sua cartella" in refusal(import_path, zipped(tmp_path / "a.zip", {name: b"x"}))


def test_a_link_in_an_archive(tmp_path: Path, import_path: Importer) -> None:
    path = zipped(tmp_path / "a.zip", {"a.shp": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    assert "collegamento" in refusal(import_path, path)


def test_a_link_on_disk(tmp_path: Path, import_path: Importer) -> None:
    link = tmp_path / "dati.geojson"
    link.symlink_to("/etc/passwd")
    assert "non è un file normale" in refusal(import_path, link)


def test_a_compression_bomb(tmp_path: Path, import_path: Importer) -> None:
    path = zipped(tmp_path / "a.zip", {"a.shp": b"\0" * 40_000_000, "a.dbf": b""})
    assert "bomba" in refusal(import_path, path)


def test_sizes_are_counted_while_extracting(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.shp": os.urandom(300_000), "a.dbf": b"x"})
    with pytest.raises(ImportRefused, match="dimensione massima"):
        archives.extract_shapefiles(path, tmp_path, Limits(archive_bytes=100_000))
    with pytest.raises(ImportRefused, match="il massimo è 1"):
        archives.extract_shapefiles(path, tmp_path, Limits(archive_entries=1))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "a.geojson",
            b'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/etc/passwd',
            "XML ma non KML, GML né GPX",
        ),
        (
            "a.tif",
            b"<VRTDataset rasterXSize='1'><SourceFilename>/etc/passwd</SourceFilename>",
            "XML ma non KML, GML né GPX",
        ),
        ("a.kml", b'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;', "DOCTYPE"),
        ("a.gpkg", b"SQLite format 3\0" + b"\0" * 200, "non un GeoPackage"),
        ("a.gpkg", b"SQLite format 3\0" + b"\0" * 52 + b"GPKG" + b"\0" * 4000, "rovinato"),
        ("a.json", b'{"nodes": [], "links": []}', "non GeoJSON"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "GDAL"),
        ("a.zip", b"PK\x03\x04rotto", "zip è rovinato"),
        ("a.zip", None, "non contiene alcun file di dati"),
        ("a.csv", b"", "vuoto"),
        ("a.csv", b";;;\n;;;\n", "non contiene righe"),
        ("a.csv", b"nome;valore\na;1\nb;2\n", "Nessuna colonna di coordinate"),
        ("a.csv", b"solo una colonna\na\nb\n", "separatore"),
        ("a.csv.gz", gzip.compress(b"lat;lon\n45;10\n" * 4000, mtime=0)[:60], "gzip"),
        ("a.csv.gz", gzip.compress(b"n;lat;lon\n" + b"a;45.1;10.1\n" * 1_000_000, mtime=0), "bomba"),
        ("a.parquet", b"PAR1" + b"\0" * 100, "Parquet rovinato"),
        ("a.tif", b"II*\0" + b"\0" * 100, "raster"),
        ("a.xyz", b"qualcosa", "non riconosciuto"),
        ("a.dwg", b"AC1032", "come DXF"),
    ],
)
def test_a_file_that_is_not_what_it_should_be(tmp_path: Path, import_path: Importer, name, content, words) -> None:
    path = tmp_path / name
    path.write_bytes(content) if content is not None else zipped(path, {"leggimi.txt": b"x"})
    reason = refusal(import_path, path)
    assert words in reason
    assert str(tmp_path) not in reason


def test_a_name_like_a_gdal_prefix_is_only_a_name(tmp_path: Path, import_path: Importer) -> None:
    odd = tmp_path / "vsicurl" / "http:"
    odd.mkdir(parents=True)
    (outcome,) = import_path(write(odd / "strati.gpkg", "GPKG"))
    assert outcome.result == "imported"


def test_sql_in_names_stays_a_name(tmp_path: Path, import_path: Importer) -> None:
    path = tmp_path / "x'; DROP TABLE layers_layer; --.csv"
    path.write_text('lat,lon,"a""; DROP TABLE layers_layer; --",fid,geom\n45,10,1,7,8\n')
    (outcome,) = import_path(path)
    assert outcome.layer is not None
    names = [field.name for field in outcome.layer.fields.all()]
    assert names == ["lat", "lon", "a_drop_table_layers_layer", "fid_orig", "geom_orig"]


def test_a_failure_while_copying_leaves_neither_table_nor_row(tmp_path: Path, import_path, monkeypatch) -> None:
    from layers.importing import placing

    def broken(*_args: object) -> None:
        raise ImportRefused("rotto alla fine")

    monkeypatch.setattr(placing, "register", broken)
    assert refusal(import_path, write(tmp_path / "edifici.gpkg", "GPKG")) == "rotto alla fine"


def test_archives_in_archives_are_not_opened(tmp_path: Path, import_path: Importer) -> None:
    inner = zipped(tmp_path / "dentro.zip", {"a.shp": b"x", "a.dbf": b"x"})
    path = zipped(tmp_path / "fuori.zip", {"dentro.zip": inner.read_bytes()})
    assert "non contiene alcun file di dati" in refusal(import_path, path)


def test_a_size_that_is_only_claimed_is_not_believed(tmp_path: Path, import_path: Importer) -> None:
    # 10 GB claimed in both headers, a few bytes there.
    path = zipped(tmp_path / "a.zip", {"a.shp": b"\0\0\x27\x0a" * 30, "a.dbf": b"x"})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark)
        data[at + place : at + place + 4] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    refusal(import_path, path)


@pytest.mark.parametrize("name", ["/vsicurl/http://127.0.0.1/a.shp", "vsizip/a.shp", "http://127.0.0.1/a.shp"])
def test_names_that_gdal_would_follow_are_names(tmp_path: Path, import_path: Importer, name: str) -> None:
    refusal(import_path, zipped(tmp_path / "a.zip", {name: b"x", name[:-4] + ".dbf": b"x"}))


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ogr:FeatureCollection '
        b'xmlns:ogr="http://ogr" xmlns:gml="http://www.opengis.net/gml">&e;</ogr:FeatureCollection>',
        b'<?xml version="1.0"?>' + b" " * 70_000 + b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        b'<ogr:FeatureCollection xmlns:ogr="http://ogr" xmlns:gml="http://www.opengis.net/gml">&e;</ogr:FeatureCollection>',
    ],
)
def test_entities_of_a_gml(tmp_path: Path, import_path: Importer, content: bytes) -> None:
    (tmp_path / "a.gml").write_bytes(content)
    assert "root:" not in refusal(import_path, tmp_path / "a.gml")


def test_a_geopackage_that_attaches_or_views_other_files(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "a.gpkg", "GPKG", layer="edifici")
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TRIGGER t AFTER UPDATE ON edifici BEGIN SELECT load_extension('/tmp/x.so'); END")
        database.execute("CREATE VIEW rubata AS SELECT readfile('/etc/passwd') AS testo, fid, geom FROM edifici")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            "VALUES ('rubata', 'features', 'rubata', 32632)"
        )
        database.execute("INSERT INTO gpkg_geometry_columns VALUES ('rubata', 'geom', 'POLYGON', 32632, 0, 0)")
        database.commit()
    found = {one.source_layer: one for one in import_path(path)}
    assert found["edifici"].result == "imported"
    assert found["rubata"].result == "refused"


def test_a_view_that_never_ends(tmp_path: Path, import_path: Importer) -> None:
    path = write(tmp_path / "a.gpkg", "GPKG", layer="edifici")
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE VIEW righe AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) "
            "SELECT i AS fid, (SELECT geom FROM edifici LIMIT 1) AS geom FROM c"
        )
        database.execute("CREATE VIEW infinita AS SELECT fid, geom FROM righe")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) "
            "VALUES ('infinita', 'features', 'infinita', 32632)"
        )
        database.execute("INSERT INTO gpkg_geometry_columns VALUES ('infinita', 'geom', 'POLYGON', 32632, 0, 0)")
        database.commit()
    found = {one.source_layer: one for one in import_path(path)}
    assert found["edifici"].result == "imported"
    assert "ricorsiva" in found["infinita"].reason


def test_more_entries_than_an_archive_may_have_are_not_even_listed(tmp_path: Path, import_path: Importer) -> None:
    path = zipped(tmp_path / "a.zip", {"a.shp": b"x", "a.dbf": b"x"})
    data = bytearray(path.read_bytes())
    data[-12:-10] = (60_000).to_bytes(2, "little")
    path.write_bytes(bytes(data))
    assert "60000 file" in refusal(import_path, path)


def test_texts_made_to_be_searched_for_hours(tmp_path: Path) -> None:
    lines, drawing, names = (tmp_path / name for name in ("righe.json", "disegno.dxf", "nomi.kml"))
    lines.write_bytes(b"{" + b'"type":"Feature"' * 1000 + b"}" + b"\n" * 48_000 + b"x")
    assert detect(lines) == FileKind.GEOJSON
    drawing.write_bytes(b"0" + b"\n" * 65_000 + b"x")
    with pytest.raises(ImportRefused):
        detect(drawing)
    names.write_bytes(b"<Data " * 1_000_000)
    assert field_names(names) == {}
    names.write_text("<?xml" + " " * 1_000_000 + "città", encoding="latin-1")
    copy, _found = in_utf8(names, FileKind.KML, tmp_path / "testo.kml", "latin-1")
    assert copy.read_text(encoding="utf-8").endswith(" città")
