"""Every format holds the same features: counts, attributes, CRS and places, read back by GDAL or another parser."""

import csv
import io
import json
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import shapely
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.exporting import rows
from layers.exporting.files import short_names
from layers.exporting.formats import FORMATS
from layers.models import Layer
from tests.geodata import forget_catalogue, make_layer

BUILDINGS, NUMBERS = "/ogc/collections/edifici", "/ogc/collections/civici"
PUBLIC_FIELDS = {"uso", "piani", "altezza", "demolito", "rilevato", "aggiornato"}
BY_GDAL = {"geojson": "geojson", "geojsonseq": "geojsons", "gpkg": "gpkg", "fgb": "fgb", "kml": "kml", "shp": "shp.zip"}
UTM = "http://www.opengis.net/def/crs/EPSG/0/32632"


def body(client: Client, path: str, status: int = 200) -> bytes:
    response: Any = client.get(path)
    whole = b"".join(response.streaming_content) if response.streaming else response.content
    assert response.status_code == status, whole[:500]
    return bytes(whole)


def read(client: Client, path: str, extension: str, folder: Path) -> tuple[dict[str, Any], Any]:
    file = folder / f"export.{extension}"
    file.write_bytes(body(client, path))
    name = f"/vsizip/{file}" if extension.endswith("zip") else file
    # A FlatGeobuf that is sent while it is read does not say how many features it has and where: they are counted.
    info = pyogrio.read_info(name, force_feature_count=True, force_total_bounds=True)
    return info, pyogrio.raw.read(name)


@pytest.mark.parametrize("form", BY_GDAL)
def test_gdal_reads_every_feature_with_its_attributes(city, client: Client, form: str, tmp_path: Path) -> None:
    info, (meta, _, geometry, values) = read(client, f"{BUILDINGS}/export?f={form}", BY_GDAL[form], tmp_path)
    assert info["features"] == len(geometry) == 500 and info["crs"] == "EPSG:4326"
    names = [name.lower() for name in meta["fields"]]
    assert set(names) >= PUBLIC_FIELDS and "note" not in names
    table = dict(zip(names, values, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(piani), array_agg(uso), array_agg(ST_X(p)), array_agg(ST_Y(p)) FROM "
            "(SELECT piani, uso, ST_Centroid(ST_Transform(geom, 4326)) AS p FROM geodata.edifici ORDER BY fid) AS f"
        )
        floors, uses, lon, lat = cursor.fetchone()
    # GeoJSON and GeoPackage keep the identifier as that of the feature.
    order = sorted(range(500), key=lambda at: int(table["fid"][at])) if "fid" in table else list(range(500))
    assert [int(table["piani"][at]) for at in order] == floors
    assert [table["uso"][at] or None for at in order] == uses
    centres = shapely.centroid(shapely.from_wkb(geometry))
    assert max(abs(shapely.get_x(centres)[at] - lon[n]) for n, at in enumerate(order)) < 2e-7
    assert max(abs(shapely.get_y(centres)[at] - lat[n]) for n, at in enumerate(order)) < 2e-7


@pytest.mark.parametrize("form", ["gpkg", "fgb", "shp"])
def test_files_are_in_the_crs_asked_for_easting_first(city, client: Client, form: str, tmp_path: Path) -> None:
    info, (_, _, geometry, _) = read(client, f"{NUMBERS}/export?f={form}&crs={UTM}", BY_GDAL[form], tmp_path)
    assert info["crs"] == "EPSG:32632"
    points = shapely.from_wkb(geometry)
    assert info["total_bounds"] == pytest.approx(shapely.total_bounds(points))
    assert shapely.get_x(points).min() >= 580000 and shapely.get_y(points).min() >= 4999000


def test_geoparquet(city, client: Client) -> None:
    file = pq.ParquetFile(io.BytesIO(body(client, f"{BUILDINGS}/export?f=parquet&crs={UTM}")))
    table = file.read()
    assert file.num_row_groups == 2  # the first leaves before the second is read
    geo = json.loads(table.schema.metadata[b"geo"])
    about = geo["columns"]["geom"]
    assert geo["version"] == "1.1.0" and about["geometry_types"] == ["Polygon"]
    assert pyproj.CRS.from_json_dict(about["crs"]).to_epsg() == 32632
    assert table.num_rows == 500 and set(table.column_names) == {"fid", "geom"} | PUBLIC_FIELDS
    assert table["aggiornato"][1].as_py().isoformat() == "2021-01-01T01:00:00+00:00"
    assert shapely.from_wkb(table["geom"][0].as_py()).bounds == (580000, 4999000, 580012, 4999009)


def test_a_shapefile_says_how_its_names_were_cut_and_what_its_texts_are_in(city, client: Client) -> None:
    fields = {"denominazione_ufficiale": "string", "denominazione_storica": "string"}
    fill = """INSERT INTO {table} (geom, denominazione_ufficiale, denominazione_storica)
    VALUES (ST_SetSRID(ST_MakePoint(580000, 4999000), 32632), 'Città', 'Perché')"""
    make_layer("vie", "POINT", 32632, fields, fill)
    with zipfile.ZipFile(io.BytesIO(body(client, "/ogc/collections/vie/export?f=shp"))) as archive:
        assert {name.rsplit(".", 1)[1] for name in archive.namelist()} == {"shp", "shx", "dbf", "prj", "cpg", "txt"}
        assert archive.read("vie.cpg").strip() == b"UTF-8"
        told = archive.read("LEGGIMI.txt").decode()
        assert "Città".encode() in archive.read("vie.dbf")
    assert "denominazi  denominazione_ufficiale" in told and "denomina_2  denominazione_storica" in told


def test_short_names_are_short_and_differ() -> None:
    names = short_names([f"attributo_lungo_{n}" for n in range(12)])
    assert len(set(names)) == 12 and max(map(len, names)) == 10


def test_csv_is_rfc_4180_and_opens_no_formula(city, client: Client) -> None:
    fill = """INSERT INTO {table} (geom, testo) SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4999000), 32632), t
    FROM unnest(ARRAY['=1+1', '-12,5', '+39 0372', '@x', E'a "b", c\\nd', NULL, 'Città']) WITH ORDINALITY AS u (t, n)"""
    make_layer("testi", "POINT", 32632, {"testo": "string"}, fill)
    text = body(client, "/ogc/collections/testi/export?f=csv").decode()
    assert text.startswith('"fid","testo","longitude","latitude"\r\n') and text.count("\r\n") == 8
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["testo"] for row in found] == ["'=1+1", "-12,5", "'+39 0372", "'@x", 'a "b", c\nd', "", "Città"]
    x, y = pyproj.Transformer.from_crs(32632, 4326, always_xy=True).transform(580001, 4999000)
    assert (float(found[0]["longitude"]), float(found[0]["latitude"])) == pytest.approx((x, y), abs=1e-7)
    metres = body(client, f"/ogc/collections/testi/export?f=csv&crs={UTM}").decode()
    assert metres.splitlines()[1] == '1,"\'=1+1",580001.000,4999000.000'


def test_csv_of_shapes_has_their_wkt(city, client: Client) -> None:
    first = next(csv.DictReader(io.StringIO(body(client, f"{BUILDINGS}/export?f=csv&crs={UTM}").decode(), newline="")))
    assert shapely.from_wkt(first["geometry"]).area == pytest.approx(108)
    assert (first["demolito"], first["rilevato"]) == ("true", "2020-01-01")


def test_geojson_text_sequence(city, client: Client) -> None:
    texts = body(client, f"{NUMBERS}/export?f=geojsonseq").split(b"\x1e")
    assert texts[0] == b"" and len(texts) == 238
    assert all(text.endswith(b"\n") and json.loads(text)["type"] == "Feature" for text in texts[1:])


def test_json_fg(city, client: Client) -> None:
    made = json.loads(body(client, f"{BUILDINGS}/items?f=jsonfg&limit=2&crs={UTM}"))
    feature = made["features"][0]
    assert made["coordRefSys"] == UTM and made["featureType"] == "edifici" and made["conformsTo"]
    assert feature["time"] == {"date": "2020-01-01"}
    assert feature["place"]["coordinates"][0][0] == [580000, 4999000]
    assert feature["geometry"]["coordinates"][0][0] == pytest.approx([10.02, 45.14], abs=0.02)
    plain = json.loads(body(client, f"{BUILDINGS}/items?f=jsonfg&limit=1"))["features"][0]
    assert plain["place"] is None and plain["geometry"] == feature["geometry"] and plain["id"] == feature["id"]


@pytest.mark.parametrize("form", [name for name in FORMATS if name not in {"geojson"}])
def test_pages_follow_next_in_the_same_format(city, client: Client, form: str) -> None:
    first: Any = client.get(f"{NUMBERS}/items?f={form}&limit=100&sortby=-civico")
    whole = b"".join(first.streaming_content)
    assert first["OGC-NumberReturned"] == "100" and first["OGC-NumberMatched"] == "237"
    links = dict(reversed(part.split("; rel=")) for part in first["Link"].replace('"', "").split(", "))
    address = next(link for rel, link in links.items() if rel.startswith("next")).strip("<>")
    assert f"f={form}" in address
    second = body(client, address.removeprefix("http://testserver"))
    assert second and second != whole


def test_pages_of_csv_hold_what_geojson_pages_hold(city, client: Client) -> None:
    query = "limit=7&offset=5&sortby=-altezza&filter=piani>3"
    ids = [feature["id"] for feature in json.loads(body(client, f"{BUILDINGS}/items?{query}"))["features"]]
    lines = csv.DictReader(io.StringIO(body(client, f"{BUILDINGS}/items?{query}&f=csv").decode(), newline=""))
    assert [int(line["fid"]) for line in lines] == ids


@pytest.mark.parametrize("form", FORMATS)
def test_filters_and_chosen_attributes_hold_in_every_format(city, client: Client, form: str, tmp_path: Path) -> None:
    path = f"{BUILDINGS}/export?f={form}&filter=uso='scuola' AND piani<4&properties=uso,piani"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geodata.edifici WHERE uso = 'scuola' AND piani < 4")
        (count,) = cursor.fetchone()
    if form == "parquet":
        table = pq.read_table(io.BytesIO(body(client, path)))
        assert (table.num_rows, set(table.column_names)) == (count, {"fid", "uso", "piani", "geom"})
    elif form == "csv":
        lines = list(csv.DictReader(io.StringIO(body(client, path).decode(), newline="")))
        assert len(lines) == count and set(lines[0]) == {"fid", "uso", "piani", "geometry"}
    elif form == "jsonfg":
        assert len(json.loads(body(client, path))["features"]) == count
    else:
        info, _ = read(client, path, BY_GDAL[form], tmp_path)
        assert info["features"] == count and "altezza" not in info["fields"]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_found_is_a_valid_empty_file(city, client: Client, form: str) -> None:
    made = body(client, f"{BUILDINGS}/export?f={form}&filter=piani>900")
    if form in {"geojson", "jsonfg"}:
        assert json.loads(made)["features"] == []
    elif form == "csv":
        assert made.count(b"\r\n") == 1
    else:
        assert (made == b"") == (form == "geojsonseq")


def test_hidden_layers_and_attributes_stay_hidden(city, client: Client) -> None:
    body(client, "/ogc/collections/vincoli/export?f=csv", 404)
    refused = body(client, f"{BUILDINGS}/export?f=csv&properties=note", 400)
    assert b"not an attribute" in refused
    assert b"riservata" not in body(client, f"{BUILDINGS}/export?f=csv")
    client.force_login(User.objects.create_superuser("capo"))
    assert b"riservata" in body(client, f"{BUILDINGS}/export?f=csv")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("f=dxf", "is not a format"),
        ("f=csv&limit=3", "is not a parameter"),
        ("f=csv&after=x", "is not a parameter"),
        ("f=shp&skipGeometry=true", "needs a geometry"),
        (f"f=kml&crs={UTM}", "longitude and latitude"),
        ("f=csv&filter=boh=1", "boh"),
        ("f=csv&bbox=1,2,3", "bbox"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_byte(city, client: Client, query: str, told: str) -> None:
    assert told in json.loads(body(client, f"{BUILDINGS}/export?{query}", 400))["description"]


def test_mixed_geometries_are_no_shapefile(city, client: Client) -> None:
    fill = """INSERT INTO {table} (geom) VALUES (ST_SetSRID(ST_MakePoint(580000, 4999000), 32632)),
    (ST_MakeEnvelope(580000, 4999000, 580010, 4999010, 32632))"""
    make_layer("misto", "GEOMETRY", 32632, {}, fill)
    assert b"f=gpkg" in body(client, "/ogc/collections/misto/export?f=shp", 400)
    assert body(client, "/ogc/collections/misto/export?f=gpkg")[:15] == b"SQLite format 3"


ODD = """INSERT INTO {table} (geom, testo) SELECT ST_SetSRID(g::geometry, 32632), t FROM (VALUES
    (NULL, NULL),
    ('POINT Z (580000 4999000 42)', E'<b> & "c" ]]>\\r\\nd\\x01'),
    ('LINESTRING Z (580000 4999000 1, 580009 4999000 2)', 'Città'),
    ('POLYGON Z EMPTY', ''),
    ('GEOMETRYCOLLECTION Z (POINT Z (580000 4999000 1), MULTIPOINT Z (580001 4999000 1, 580002 4999000 1))', 'x'),
    ('MULTIPOLYGON Z (((580000 4999000 1, 580009 4999000 1, 580009 4999009 1, 580000 4999000 1)))', 'fine')
) AS v (g, t)"""


@pytest.mark.parametrize("form", ["fgb", "kml"])
def test_odd_features_pass_the_blocks_of_a_stream(
    city, client: Client, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mixed, empty and missing geometries, heights, and texts that markup must not mistake for its own."""
    monkeypatch.setattr(rows, "FIRST_BLOCK", 1)
    monkeypatch.setattr(rows, "BLOCK", 2)
    make_layer("strano", "GEOMETRYZ", 32632, {"testo": "string"}, ODD, has_z=True)
    info, (meta, _, geometry, values) = read(client, f"/ogc/collections/strano/export?f={form}", form, tmp_path)
    texts = dict(zip([name.lower() for name in meta["fields"]], values, strict=True))["testo"]
    control = "\x01" if form == "fgb" else ""  # XML has no way to hold it
    assert info["features"] == 6 and [text or "" for text in texts] == [
        "",
        f'<b> & "c" ]]>\r\nd{control}',
        "Città",
        "",
        "x",
        "fine",
    ]
    shapes = [None if one is None or one.is_empty else one for one in shapely.from_wkb(geometry)]
    assert [one and len(shapely.get_coordinates(one)) for one in shapes] == [None, 1, 2, None, 3, 4]
    if form == "kml":  # GDAL knows no heights for a layer of many types
        assert shapely.get_z(shapes[1]) == 42
    make_layer("quote", "POINTZ", 32632, {"testo": "string"}, ODD + " WHERE t LIKE '<%'", has_z=True)
    _, (_, _, geometry, _) = read(client, f"/ogc/collections/quote/export?f={form}", form, tmp_path)
    assert [shapely.from_wkb(one).z for one in geometry] == [42]


def test_head_and_a_held_copy_make_no_file(city, client: Client, django_assert_num_queries) -> None:
    body(client, f"{BUILDINGS}/export?f=gpkg")
    with django_assert_num_queries(0):
        head = client.head(f"{BUILDINGS}/export?f=gpkg")
        again = client.get(f"{BUILDINGS}/export?f=gpkg", headers={"if-none-match": head["ETag"]})
    assert head["Content-Type"] == FORMATS["gpkg"].media and 'filename="edifici.gpkg"' in head["Content-Disposition"]
    assert again.status_code == 304


@pytest.mark.parametrize("form", ["geojson", "fgb", "kml", "parquet", "gpkg"])
def test_leaving_half_way_ends_the_query_and_removes_files(
    city: SimpleNamespace, client: Client, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(rows, "BLOCK", 10)
    response: Any = client.get(f"{BUILDINGS}/export?f={form}")
    parts = response._iterator  # what a server holds and closes
    next(parts)
    if form == "gpkg":
        assert list(tmp_path.glob("geoportal-export-*"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'export_%'")
        assert cursor.fetchone() == ((0,) if form == "gpkg" else (1,))
        parts.close()
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'export_%'")
        assert cursor.fetchone() == (0,)
    assert not list(tmp_path.glob("geoportal-export-*"))


def test_collections_link_to_their_exports(city, client: Client) -> None:
    links = json.loads(body(client, f"{BUILDINGS}?f=json"))["links"]
    found = {link["href"].rsplit("=", 1)[1] for link in links if link["rel"] == "enclosure"}
    assert found == set(FORMATS)
    assert b"/ogc/collections/edifici/export?f=gpkg" in body(client, f"{BUILDINGS}?f=html")
    Layer.objects.filter(slug="edifici").update(geometry_field="", geometry_type="")
    forget_catalogue()
    links = json.loads(body(client, f"{BUILDINGS}?f=json"))["links"]
    found = {link["href"].rsplit("=", 1)[1] for link in links if link["rel"] == "enclosure"}
    assert found == {"geojson", "geojsonseq", "jsonfg", "csv", "gpkg", "parquet"}
    for form in found:
        assert body(client, f"{BUILDINGS}/export?f={form}")


def test_a_connection_that_reached_into_another_office_is_not_kept(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers.exporting.rows.keeps_connections", lambda: True)
    own, foreign = rows._connected(), rows._connected()
    try:
        rows._leave(foreign, keeps=False)
        assert foreign.closed and foreign not in rows._idle
        rows._leave(own, keeps=True)
        assert not own.closed and own in rows._idle
    finally:
        rows._idle.clear()
        own.close()
