"""Tiles from afar that are prepared for large layers: the same features as without, whole at borders, never old."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from layers import tiles
from layers.catalogue import catalogue
from layers.models import Field, Layer, TileOverview
from layers.overviews import build, jobs
from layers.tile_grids import TileAddress
from tests.geodata import forget_catalogue
from tests.mvt import decode
from tests.ogc.test_tiles import WORLD, address_of, tile

HERE = (580400.0, 4999300.0)
POINTS = (581500.0, 5000500.0)
Decoded = Any


def features(client: Client, slug: str, where: tuple[int, int, int], folder: Path, query: str = "") -> Decoded:
    return decode(tile(client, slug, *where, query).content, slug, *where, folder)


def prepare(*layers: Layer) -> None:
    for layer in layers:
        assert build.prepare(layer.pk)
    forget_catalogue()


ZOOMS = (13, 12, 10, 3)


def test_they_hold_the_shapes_that_a_tile_of_the_table_holds(
    client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    names = "&properties=uso,piani,altezza,demolito,rilevato,aggiornato"
    places = [address_of(*HERE, z) for z in ZOOMS]
    plain = [features(client, "edifici", where, tmp_path, names) for where in places]
    tags = [tile(client, "edifici", *where, names)["ETag"] for where in places]
    prepare(city.buildings)
    assert catalogue().layers["edifici"].has_far_tiles
    for where, before, tag in zip(places, plain, tags, strict=True):
        after = features(client, "edifici", where, tmp_path, names)
        assert tile(client, "edifici", *where, names)["ETag"] != tag
        held, was = (
            dict(zip(d.ids, zip(d.geometries, d.properties, strict=True), strict=True)) for d in (after, before)
        )
        assert held.keys() == was.keys()
        assert all(held[fid][0].equals(was[fid][0]) and held[fid][1] == was[fid][1] for fid in was)
    assert len(plain[0].ids) > 400


@pytest.mark.parametrize("z", ZOOMS)
def test_they_hold_one_point_of_each_half_pixel(client: Client, city: SimpleNamespace, tmp_path: Path, z: int) -> None:
    prepare(city.numbers)
    z, y, x = address_of(*POINTS, z)
    side = WORLD / 2**z

    def cell(across: float, down: float) -> tuple[int, int]:
        return int((across + WORLD / 2) // (side / 1024)), int((WORLD / 2 - down) // (side / 1024))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fid, ST_X(geom_3857), ST_Y(geom_3857) FROM geodata.civici "
            "WHERE ST_Contains(ST_TileEnvelope(%s, %s, %s), geom_3857)",
            [z, x, y],
        )
        inside = {fid: cell(across, down) for fid, across, down in cursor.fetchall()}
    shown = [inside[fid] for fid in features(client, "civici", (z, y, x), tmp_path).ids if fid in inside]
    assert len(shown) == len(set(shown)) and set(shown) == set(inside.values()) and shown


def test_a_cap_takes_the_largest_of_every_place_and_the_same_at_both_sides_of_a_border(
    client: Client, city: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    z, y, x = address_of(*HERE, 13)
    with connection.cursor() as cursor:
        # A dense town around the right border of the tile; one in nine is larger.
        cursor.execute(
            "DELETE FROM geodata.edifici; INSERT INTO geodata.edifici (geom) SELECT ST_Transform(ST_MakeEnvelope("
            "  e + i * 30 - 1510, m + j * 30, e + i * 30 - 1510 + 20 + 8 * w, m + j * 30 + 20 + 8 * w, 3857), 32632) "
            "FROM generate_series(0, 99) AS i, generate_series(0, 39) AS j, "
            "LATERAL (SELECT (mod(i, 3) = 1 AND mod(j, 3) = 1)::int AS w) AS large, "
            "(SELECT ST_XMax(t) AS e, ST_YMin(t) + 2400 AS m FROM ST_TileEnvelope(%s, %s, %s) AS t) AS here",
            [z, x, y],
        )
    Layer.objects.filter(pk=city.buildings.pk).update(bbox=[9.9, 45.0, 10.2, 45.3])
    monkeypatch.setattr("layers.tiles.BYTES_CAP", 20_000)
    monkeypatch.setattr("layers.overviews.build.BYTES_CAP", 20_000)
    prepare(city.buildings)
    left, right = (features(client, "edifici", (z, y, x + step), tmp_path) for step in (0, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fid, ST_Area(geom_3857) > 500, ST_XMin(geom_3857) < ST_XMax(t) AND ST_XMax(geom_3857) > ST_XMax(t) "
            "FROM geodata.edifici, ST_TileEnvelope(%s, %s, %s) AS t",
            [z, x, y],
        )
        known = {fid: (large, crosses) for fid, large, crosses in cursor.fetchall()}
    across = {fid for fid, (_large, crosses) in known.items() if crosses}
    shown = set(left.ids) & across
    assert shown and shown == set(right.ids) & across and shown < across
    assert len(left.ids) < 700 and sum(known[fid][0] for fid in left.ids) > 0.2 * len(left.ids)
    # Spread evenly: in each quarter of the town about a quarter of what is shown.
    middles = sorted(shape.centroid.y for shape in left.geometries)
    low, high = middles[0], middles[-1]
    quarters = [
        sum(low + (high - low) * n / 4 <= m < low + (high - low) * (n + 1) / 4 for m in middles) for n in range(4)
    ]
    assert min(quarters) > len(middles) / 6
    # From farther away nothing comes that was not there.
    parent = features(client, "edifici", (z - 1, y // 2, x // 2), tmp_path)
    assert set(parent.ids) <= set(known)


def test_after_an_edit_the_tile_is_of_the_new_data_at_once_and_prepared_again_later(
    client: Client, admin_client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    where = address_of(*HERE, 13)
    Layer.objects.filter(pk=city.buildings.pk).update(is_editable=True)
    prepare(city.buildings)
    held = catalogue().layers["edifici"]
    before = features(client, "edifici", where, tmp_path, "&properties=piani")
    gone, changed = before.ids[:2]
    item = "/ogc/collections/edifici/items/{}"
    for fid, call in ((gone, "delete"), (changed, "patch")):
        etag = admin_client.get(item.format(fid))["ETag"]
        body = {"data": json.dumps({"properties": {"piani": 77}}), "content_type": "application/merge-patch+json"}
        answer = getattr(admin_client, call)(
            item.format(fid), headers={"if-match": etag}, **({} if call == "delete" else body)
        )
        assert answer.status_code in (200, 204), answer.content
    # A process that has not yet heard of it.
    assert held.has_far_tiles
    late = decode(tiles.layer_tile(held, ("piani",), TileAddress(*where)), "edifici", *where, tmp_path)
    forget_catalogue()
    assert not catalogue().layers["edifici"].has_far_tiles
    now = features(client, "edifici", where, tmp_path, "&properties=piani")
    prepare(city.buildings)
    again = features(client, "edifici", where, tmp_path, "&properties=piani")
    for found in (late, now, again):
        by_id = dict(zip(found.ids, found.properties, strict=True))
        assert gone not in by_id and by_id[changed]["piani"] == 77 and len(by_id) == len(before.ids) - 1


def test_attributes_keep_their_rights_and_new_ones_are_read_from_the_table(
    client: Client, admin_client: Client, city: SimpleNamespace, tmp_path: Path
) -> None:
    where = address_of(*HERE, 12)
    prepare(city.buildings)
    tile(client, "edifici", *where, "&properties=note", status=400)
    notes = features(admin_client, "edifici", where, tmp_path, "&properties=note").properties
    assert notes and all(row["note"].startswith("riservata") for row in notes)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE geodata.edifici ADD COLUMN nuovo integer DEFAULT 5")
    Field.objects.create(layer=city.buildings, name="nuovo", type="integer", title_it="Nuovo")
    forget_catalogue()
    found = features(client, "edifici", where, tmp_path, "&properties=nuovo")
    assert found.ids and {row["nuovo"] for row in found.properties} == {5}


def test_large_layers_are_prepared_by_a_worker_once_they_are_quiet(
    client: Client, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = address_of(*HERE, 12)
    assert jobs.due() == []
    monkeypatch.setattr("layers.overviews.jobs.PREPARED_FROM", 400)
    monkeypatch.setattr("layers.tiles.PREPARED_FROM", 400)
    assert jobs.due() == []  # made a moment ago
    Layer.objects.update(data_updated_at="2024-01-01T00:00Z")
    assert jobs.due() == [city.buildings.pk]
    forget_catalogue()
    version = catalogue().layers["edifici"].data_version
    assert tile(client, "edifici", *where, f"&v={version}")["Cache-Control"] == "public, no-cache"
    context = SimpleNamespace(parameters={}, user_id=None, progress=lambda *_: None, log=lambda text: pytest.fail(text))
    assert jobs.prepare_far_tiles(context)["rows"]["edifici"] >= 500
    assert jobs.due() == []
    forget_catalogue()
    assert "immutable" in tile(client, "edifici", *where, f"&v={version}")["Cache-Control"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.edifici SET piani = 1 WHERE fid = 1")
    assert jobs.due() == []  # not at once
    Layer.objects.update(data_updated_at="2024-01-01T00:00Z")
    TileOverview.objects.update(seconds=-1e6)
    assert jobs.due() == [city.buildings.pk]
    Layer.objects.update(feature_count=3)
    assert jobs.prepare_far_tiles(context)["rows"] == {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'geodata_tiles'::regnamespace")
        assert cursor.fetchone() == (0,)


def test_shapes_that_reach_through_many_tiles_are_left_in_their_table(city: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE geodata.edifici SET geom = ST_Expand(geom, 9000)")
    assert build.prepare(city.buildings.pk) is None
    forget_catalogue()
    assert not catalogue().layers["edifici"].has_far_tiles


def test_a_data_version_never_goes_back(city: SimpleNamespace) -> None:
    read_before = Layer.objects.get(pk=city.buildings.pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM geodata.edifici WHERE fid = 1")
    read_before.abstract_it = "Nuova descrizione"
    read_before.save()
    now = Layer.objects.get(pk=city.buildings.pk)
    assert now.data_version == read_before.data_version + 1 and now.abstract_it == "Nuova descrizione"
