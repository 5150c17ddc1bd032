"""OGC API - Tiles Part 1 (20-057): core, tileset, tilesets list, geodata tilesets, MVT. Tiles are decoded."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pyproj
import pytest
from django.db import connection
from django.test import Client

from layers.models import Layer, Style
from layers.statistics import refresh_statistics
from layers.tile_grids import UTM_32
from tests.geodata import forget_catalogue, make_layer
from tests.mvt import decode

MVT = "application/vnd.mapbox-vector-tile"
TO_3857 = pyproj.Transformer.from_crs(32632, 3857, always_xy=True)
WORLD = 40075016.685578488


def address_of(easting: float, northing: float, z: int) -> tuple[int, int, int]:
    """z, row, column of the tile that holds a point of EPSG:32632."""
    x, y = TO_3857.transform(easting, northing)
    return z, math.floor((0.5 - y / WORLD) * 2**z), math.floor((x / WORLD + 0.5) * 2**z)


def tile(client: Client, slug: str, z: int, y: int, x: int, query: str = "", status: int = 200):
    response = client.get(f"/ogc/collections/{slug}/tiles/WebMercatorQuad/{z}/{y}/{x}?f=mvt{query}")
    assert response.status_code == status, response.content
    return response


@pytest.mark.parametrize("z", [12, 13, 14, 15, 17])
@pytest.mark.parametrize("stored", [True, False])
def test_a_tile_holds_the_features_that_meet_it(
    client: Client, city: SimpleNamespace, tmp_path: Path, z: int, stored: bool
) -> None:
    if not stored:
        Layer.objects.filter(slug="edifici").update(tile_geometry_field="", data_version=2)
        forget_catalogue()
    z, y, x = address_of(580400, 4999300, z)
    response = tile(client, "edifici", z, y, x)
    assert response["Content-Type"] == MVT
    decoded = decode(response.content, "edifici", z, y, x, tmp_path)
    pixel = WORLD / 2**z / 4096
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fid, ST_X(c), ST_Y(c) FROM (SELECT fid, ST_Centroid(geom_3857) AS c, geom_3857 "
            "FROM geodata.edifici) AS f WHERE ST_Contains(ST_TileEnvelope(%s, %s, %s), geom_3857)",
            [z, x, y],
        )
        inside = {fid: (cx, cy) for fid, cx, cy in cursor.fetchall()}
    found = dict(zip(decoded.ids, decoded.geometries, strict=True))
    assert set(inside) <= set(found) and inside
    for fid, (cx, cy) in inside.items():
        centre = found[fid].centroid
        assert abs(centre.x - cx) <= 2 * pixel and abs(centre.y - cy) <= 2 * pixel


@pytest.mark.parametrize("z", [13, 15, 18])
def test_tiles_of_utm_32_hold_the_same_features_in_their_own_grid(
    client: Client, city: SimpleNamespace, tmp_path: Path, z: int
) -> None:
    side = UTM_32.side(z)
    y, x = math.floor((UTM_32.top - 4999300) / side), math.floor((580400 - UTM_32.left) / side)
    address = f"/ogc/collections/edifici/tiles/UTM32WGS84Quad/{z}/{y}/{x}?f=mvt"
    response = client.get(address)
    assert response.status_code == 200 and response["Content-Type"] == MVT
    west, north = UTM_32.left + x * side, UTM_32.top - y * side
    # The reader knows Web Mercator alone: its coordinates are turned into shares of the tile.
    decoded, mercator = decode(response.content, "edifici", z, y, x, tmp_path), WORLD / 2**z
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fid, ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM geodata.edifici "
            "WHERE ST_Contains(ST_MakeEnvelope(%s, %s, %s, %s, 32632), geom)",
            [west, north - side, west + side, north],
        )
        inside = {fid: (east, up) for fid, east, up in cursor.fetchall()}
    found = {fid: shape.centroid for fid, shape in zip(decoded.ids, decoded.geometries, strict=True)}
    assert inside and set(inside) <= set(found)
    for fid, (east, up) in inside.items():
        across = (found[fid].x + WORLD / 2) / mercator - x
        down = (WORLD / 2 - found[fid].y) / mercator - y
        assert west + across * side == pytest.approx(east, abs=2 * side / 4096)
        assert north - down * side == pytest.approx(up, abs=2 * side / 4096)


def test_tilesets_of_utm_32_have_limits_and_no_tilejson(client: Client, city: SimpleNamespace) -> None:
    listed = client.get("/ogc/collections/edifici/tiles").json()["tilesets"]
    assert [one["crs"].rsplit("/", 1)[1] for one in listed] == ["3857", "32632"]
    address = "/ogc/collections/edifici/tiles/UTM32WGS84Quad"
    document = client.get(address).json()
    limits = {one["tileMatrix"]: one for one in document["tileMatrixSetLimits"]}["15"]
    y, x = (UTM_32.top - 4999300) // UTM_32.side(15), (580400 - UTM_32.left) // UTM_32.side(15)
    assert limits["minTileRow"] <= y <= limits["maxTileRow"] and limits["minTileCol"] <= x <= limits["maxTileCol"]
    assert client.get(f"{address}?f=tilejson").status_code == 400
    assert client.get(f"{address}/0/0/0").status_code == 404 and client.get(f"{address}/3/7/4").status_code == 404
    inside = "{tileMatrix}/{maxTileRow}/{minTileCol}".format(**document["tileMatrixSetLimits"][2])
    assert client.get(f"{address}/{inside}").status_code == 200 and client.get(f"{address}/3/7/3").status_code == 404


def test_from_afar_one_point_of_each_cell_is_enough(client: Client, city: SimpleNamespace, tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO geodata.civici (geom) SELECT geom FROM geodata.civici")
    forget_catalogue()
    where = address_of(581500, 5000500, 11)
    far = decode(tile(client, "civici", *where).content, "civici", *where, tmp_path)
    assert 100 < len(far.ids) <= 237
    where = address_of(581500, 5000500, 14)
    near = decode(tile(client, "civici", *where).content, "civici", *where, tmp_path)
    inside = f"ST_Intersects(geom_3857, ST_TileEnvelope({where[0]}, {where[2]}, {where[1]}))"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM geodata.civici WHERE {inside}")
        assert len(near.ids) >= cursor.fetchone()[0] > 0


def test_shapes_in_degrees_of_any_datum_are_seen_from_afar(
    client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    """Another office's table has no copy of its shapes for tiles, and is often in the degrees of ETRS89 or RDN2008."""
    block = "ST_Transform(ST_MakeEnvelope(580000, 4999000, 581000, 5000000, 32632), 6706)"
    make_layer("isolati", "POLYGON", 6706, {}, f"INSERT INTO {{table}} (geom) SELECT {block}")
    Layer.objects.filter(slug="isolati").update(tile_geometry_field="")
    forget_catalogue()
    where = address_of(580500, 4999500, 9)
    assert decode(tile(client, "isolati", *where).content, "isolati", *where, tmp_path).ids == [1]


def test_a_tile_past_the_byte_cap_keeps_the_largest(
    client: Client, city: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.edifici SET geom = ST_Expand(geom, 3) WHERE fid <= 120")
    forget_catalogue()
    monkeypatch.setattr("layers.tiles.BYTES_CAP", 6000)
    where = address_of(580400, 4999300, 13)
    response = tile(client, "edifici", *where)
    decoded = decode(response.content, "edifici", *where, tmp_path)
    assert len(response.content) <= 6000 and len(decoded.ids) >= 100
    assert sum(fid <= 120 for fid in decoded.ids) >= min(100, len(decoded.ids))


def test_every_tile_in_range_is_answered_and_none_outside(client: Client, city: SimpleNamespace) -> None:
    deep, row, column = address_of(580400, 4999300, 22)
    assert tile(client, "edifici", deep, row, column + 4).content == b""
    for z, y, x in ((5, 0, 0), (deep, row, 0), (0, 1, 0), (3, 8, 0), (3, 0, 8), (23, 0, 0), (99, 0, 0)):
        tile(client, "edifici", z, y, x, status=404)
    for bad in ("a/0/0", "0/-1/0", "0/0/0.5", "1e1/0/0"):
        assert client.get(f"/ogc/collections/edifici/tiles/WebMercatorQuad/{bad}").status_code == 404
    assert client.get("/ogc/collections/edifici/tiles/Other/0/0/0").status_code == 404
    tile(client, "edifici", 0, 0, 0, "&bogus=1", status=400)


def test_a_tile_carries_what_the_style_draws_by_and_more_when_asked(
    client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    symbol: dict[str, object] = {}
    spec = {"kind": "categorised", "field": "uso", "classes": [{"symbol": symbol, "value": "scuola"}],
            "label": {"field": "note"}}  # fmt: skip
    Style.objects.create(layer=city.buildings, name="uso", title_it="Uso", spec=spec)
    forget_catalogue()
    where = address_of(580400, 4999300, 15)
    plain = decode(tile(client, "edifici", *where).content, "edifici", *where, tmp_path)
    assert {tuple(row) for row in plain.properties} == {("uso",)}
    more = decode(tile(client, "edifici", *where, "&properties=piani,rilevato").content, "edifici", *where, tmp_path)
    assert {tuple(sorted(row)) for row in more.properties} == {("piani", "rilevato")}
    tile(client, "edifici", *where, "&properties=note", status=400)


def test_a_versioned_public_tile_is_kept_for_ever_and_others_are_asked_again(
    client: Client, city: SimpleNamespace, django_assert_num_queries
) -> None:
    where = address_of(580400, 4999300, 15)
    first = tile(client, "edifici", *where, "&v=1")
    assert first["Cache-Control"] == "public, max-age=31536000, immutable" and "Cookie" not in first["Vary"]
    assert tile(client, "edifici", *where, "&v=0")["Cache-Control"] == "public, no-cache"
    path = "/ogc/collections/edifici/tiles/WebMercatorQuad/{}/{}/{}?f=mvt&v=1".format(*where)
    with django_assert_num_queries(0):
        again = client.get(path, headers={"if-none-match": first["ETag"]})
        assert client.get(path).content == first.content
    assert again.status_code == 304 and not again.content


def test_a_change_of_the_data_changes_the_tile_and_its_etag(client: Client, city: SimpleNamespace) -> None:
    where = address_of(580400, 4999300, 15)
    before = tile(client, "edifici", *where)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM geodata.edifici WHERE fid % 2 = 0")
    forget_catalogue()
    after = tile(client, "edifici", *where)
    assert after["ETag"] != before["ETag"] and len(after.content) < len(before.content)


def test_a_live_layer_is_never_kept(client: Client, city: SimpleNamespace) -> None:
    Layer.objects.filter(slug="civici").update(is_live=True)
    forget_catalogue()
    where = address_of(581500, 5000500, 13)
    before = tile(client, "civici", *where, "&v=1")
    assert before["Cache-Control"] == "no-cache"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM geodata.civici")
    assert tile(client, "civici", *where).content == b""


def test_what_was_written_past_the_measured_extent_is_served(client: Client, city: SimpleNamespace) -> None:
    """By another program: the trigger gives the data a new version, nobody has measured them again."""
    for layer in (city.buildings, city.numbers):
        refresh_statistics(layer)
    forget_catalogue()
    far = address_of(590000, 4999500, 16)
    pictures = "/ogc/collections/civici/map/tiles/WebMercatorQuad/{}/{}/{}?f=png"
    whole = "/ogc/tiles/WebMercatorQuad/{}/{}/{}?collections=civici,edifici"
    for path in (pictures, whole):
        assert client.get(path.format(*far)).status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO geodata.civici (geom) VALUES (ST_SetSRID(ST_MakePoint(590000, 4999500), 32632))")
    forget_catalogue()
    assert tile(client, "civici", *far).content == client.get(whole.format(*far)).content != b""
    Layer.objects.filter(slug="civici").update(is_live=True)
    forget_catalogue()
    described = client.get("/ogc/collections/civici/tiles/WebMercatorQuad?f=tilejson").json()
    assert described["bounds"][0] == -180
    assert tile(client, "civici", 16, 0, 0).content == b""


def test_a_tile_of_a_guarded_layer_is_private(client: Client, city: SimpleNamespace, admin_client: Client) -> None:
    where = address_of(581500, 5000500, 13)
    tile(client, "vincoli", *where, status=404)
    response = tile(admin_client, "vincoli", *where, "&v=1")
    assert response.content and response["Cache-Control"].startswith("private") and "Cookie" in response["Vary"]


def test_tilesets_lead_to_tiles(client: Client, city: SimpleNamespace, tmp_path: Path) -> None:
    listed = json.loads(client.get("/ogc/collections/edifici/tiles").content)["tilesets"]
    described = json.loads(client.get(listed[0]["links"][0]["href"]).content)
    template = next(link["href"] for link in described["links"] if link["rel"] == "item")
    for limit in described["tileMatrixSetLimits"][10:16]:
        place = {
            "{tileMatrix}": limit["tileMatrix"],
            "{tileRow}": limit["minTileRow"],
            "{tileCol}": limit["minTileCol"],
        }
        address = template
        for name, value in place.items():
            address = address.replace(name, str(value))
        response = client.get(address)
        assert response.status_code == 200 and "immutable" in response["Cache-Control"]
    scheme = next(link["href"] for link in described["links"] if link["rel"].endswith("/tiling-scheme"))
    matrices = json.loads(client.get(scheme).content)["tileMatrices"]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.0287178) and len(matrices) == 23


def test_tilejson_has_the_zooms_bounds_and_fields(client: Client, city: SimpleNamespace) -> None:
    described = json.loads(client.get("/ogc/collections/edifici/tiles/WebMercatorQuad?f=tilejson").content)
    assert described["tilejson"] == "3.0.0" and described["vector_layers"][0]["id"] == "edifici"
    assert client.get(described["tiles"][0].format(z=0, y=0, x=0)).status_code == 200
