"""Every change of a raster is a version: the files before are kept, shown at a date, compared, restored, let go."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from django.conf import settings
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from layers.importing.options import Mode, moment_of
from layers.models import ImportOutcome, Layer, LayerVersion, RasterState
from layers.versions import raster_files, retention
from layers.versions.recording import VersionRefused
from layers.versions.restoring import restore
from tests.geodata import forget_catalogue
from tests.layers.conftest import Importer

pytestmark = pytest.mark.django_db(transaction=True)

WEST, NORTH, SIZE = 580000.0, 5000000.0, 64
COVERAGE = "/ogc/collections/quote/coverage"


def write(path: Path, values: np.ndarray, west: float = WEST, **profile: Any) -> Path:
    place = {"crs": "EPSG:32632", "transform": from_origin(west, NORTH, 5, 5), "nodata": -1}
    height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=1, height=height, width=width, dtype=values.dtype, **(place | profile)
    ) as file:
        file.write(values, 1)
    return path


def first_values() -> np.ndarray:
    values = np.full((SIZE, SIZE), 10, dtype="int16")
    values[:, :4] = -1
    return values


def second_values() -> np.ndarray:
    """252 pixels come where there were none, 60 go, 120 change."""
    values = first_values()
    values[:, :4] = 10
    values[-1] = -1
    values[10:12] = 20
    return values


@pytest.fixture(autouse=True)
def rasters(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A place of its own for the files, so that none is overlooked."""
    settings.RASTER_DIR = tmp_path / "raster"
    settings.RASTER_DIR.mkdir()
    yield settings.RASTER_DIR
    forget_catalogue()


@pytest.fixture
def layer(import_path: Importer, tmp_path: Path) -> Layer:
    """Two versions, of January and of June 2025."""
    source = tmp_path / "quote.tif"
    import_path(write(source, first_values()), valid_from=moment_of("2025-01-01"), slug="quote", access="public")
    (outcome,) = import_path(
        write(source, second_values()), valid_from=moment_of("2025-06-01"), slug="quote", note="volo di maggio"
    )
    assert outcome.result == ImportOutcome.Result.IMPORTED, outcome.reason
    assert outcome.changes | {"unchanged": 0} == {
        "mode": "replace", "unit": "pixel", "added": 252, "changed": 120, "removed": 60, "unchanged": 0, "version": 2,
    }  # fmt: skip
    forget_catalogue()
    return Layer.objects.get(slug="quote")


def shown(moment: str = "") -> np.ndarray:
    forget_catalogue()
    answer = Client().get(COVERAGE, {"f": "tif", **({"datetime": moment} if moment else {})})
    assert answer.status_code == 200, answer.content
    with MemoryFile(answer.content) as memory, memory.open() as found:
        values: np.ndarray = found.read(1)
    return values


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_each_replacement_is_a_version_with_its_file(layer: Layer, rasters: Path) -> None:
    rows = list(layer.versions.order_by("number").select_related("raster"))
    assert [(row.number, row.what, row.added, row.changed, row.removed) for row in rows] == [
        (1, "import", SIZE * SIZE - 256, 0, 0),
        (2, "replace", 252, 120, 60),
    ]
    assert rows[1].note == f"volo di maggio; {layer.source_file}"
    for row in rows:
        assert row.raster is not None
        body = (rasters / row.raster.path).read_bytes()
        assert (row.raster.checksum, row.raster.bytes) == (hashlib.sha256(body).hexdigest(), len(body))
    assert rows[1].raster is not None and rows[1].raster.path == layer.raster_path
    assert len(files(rasters)) == 2


def test_the_state_of_a_date_is_shown_at_every_door(layer: Layer) -> None:
    assert (shown() == second_values()).all()
    assert (shown("2025-03-01") == first_values()).all()
    assert (shown("../2025-06-01") == second_values()).all()
    client = Client()
    before = client.get(COVERAGE, {"datetime": "2024-12-31"})
    assert before.status_code == 400 and b"datetime" in before.content
    wms = (
        "/ogc/wms?service=WMS&version=1.3.0&request=GetMap&layers=quote&styles=&crs=EPSG:32632&width=64&height=64"
        f"&bbox={WEST},{NORTH - 320},{WEST + 320},{NORTH}&format=image/png&transparent=true"
    )
    box = f"bbox={WEST},{NORTH - 320},{WEST + 320},{NORTH}&width=64&height=64"
    crs = "http://www.opengis.net/def/crs/EPSG/0/32632"
    maps = f"/ogc/collections/quote/map?f=png&crs={crs}&bbox-crs={crs}&{box}"
    several = maps.replace("collections/quote/map?", "map?collections=quote&")
    tile = "/ogc/collections/quote/map/tiles/WebMercatorQuad/15/11768/17296?f=png"
    for address, name in ((wms, "TIME"), (maps, "datetime"), (several, "datetime"), (tile, "datetime")):
        pictures, tags = [], set()
        for moment in ("", "2025-03-01", "2025-06-01T12:00:00Z", "2024-12-31"):
            answer = client.get(address + (f"&{name}={moment}" if moment else ""))
            assert answer.status_code == 200, answer.content
            with MemoryFile(answer.content) as memory, memory.open() as picture:
                pictures.append(picture.read())
            tags.add(answer["ETag"])
            assert (
                client.get(
                    address + (f"&{name}={moment}" if moment else ""), headers={"If-None-Match": answer["ETag"]}
                ).status_code
                == 304
            )
        today, first, second, before_all = pictures
        assert (today == second).all(), address
        assert (today != first).any(), address
        assert not before_all[-1].any(), address
        # The version of today is also asked for by its moment, so of four answers two may share a tag.
        assert len(tags) == 3
    told = client.get("/ogc/wms?service=WMS&request=GetCapabilities").content.decode()
    january, june = "2024-12-31T23:00:00Z", "2025-05-31T22:00:00Z"
    assert f'default="{june}" nearestValue="1" current="1">{january},{june}</Dimension>' in told
    old = client.get("/ogc/wms?service=WMS&version=1.1.1&request=GetCapabilities").content.decode()
    assert f">{january},{june}</Extent>" in old
    assert b"InvalidDimensionValue" in client.get(f"{wms}&TIME=2025-01-01,2025-06-01").content


def test_the_same_content_again_is_no_version_and_leaves_no_file(
    layer: Layer, import_path: Importer, tmp_path: Path, rasters: Path
) -> None:
    source = write(tmp_path / "quote.tif", second_values())
    (outcome,) = import_path(source, slug="quote")
    assert outcome.changes["version"] == 2 and layer.versions.count() == 2
    assert len(files(rasters)) == 2
    # An earlier content is a version again, in the file it had.
    (outcome,) = import_path(write(source, first_values()), slug="quote")
    assert (outcome.changes["added"], outcome.changes["removed"], outcome.changes["version"]) == (60, 252, 3)
    assert len(files(rasters)) == 2 and RasterState.objects.count() == 2
    assert (shown() == first_values()).all()


def test_a_comparison_alone_and_a_refusal_leave_nothing(
    layer: Layer, import_path: Importer, tmp_path: Path, rasters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(rasters)
    source = write(tmp_path / "altre.tif", np.full((8, 8), 3, dtype="int16"))
    (outcome,) = import_path(source, slug="quote", dry_run=True)
    assert outcome.result == ImportOutcome.Result.CHECKED
    assert (outcome.changes["added"], outcome.changes["removed"]) == (64, SIZE * SIZE - 64)
    for bad in ({"mode": Mode.APPEND}, {"valid_from": moment_of("2025-05-31")}):
        (outcome,) = import_path(source, slug="quote", **bad)
        assert outcome.result == ImportOutcome.Result.REFUSED, outcome.reason

    def broken(*_given: Any) -> None:
        raise DatabaseError("the connection is gone")

    monkeypatch.setattr("layers.versions.rasters.keep", broken)
    (outcome,) = import_path(source, slug="quote")
    assert outcome.result == ImportOutcome.Result.REFUSED
    assert files(rasters) == before and layer.versions.count() == 2
    assert (shown() == second_values()).all()


def test_restoring_is_a_version_in_the_file_of_then(layer: Layer, rasters: Path) -> None:
    made = restore(layer.pk, 1)
    assert (made.number, made.what, made.added, made.changed, made.removed) == (3, "restore", 60, 120, 252)
    assert (shown() == first_values()).all()
    assert (shown("2025-07-01") == second_values()).all()
    assert len(files(rasters)) == 2
    with pytest.raises(VersionRefused):
        restore(layer.pk, 3)
    with pytest.raises(LookupError):
        restore(layer.pk, 9)


def test_a_raster_from_before_there_were_versions_begins_its_history_when_it_is_replaced(
    import_path: Importer, tmp_path: Path, rasters: Path
) -> None:
    write(rasters / "vecchio.tif", first_values())
    since = timezone.now() - timedelta(days=90)
    old = Layer.objects.create(
        slug="quote", title_it="Quote", kind="raster", raster_path="vecchio.tif", srid=32632, data_updated_at=since,
        raster_info={"width": SIZE, "height": SIZE},
    )  # fmt: skip
    import_path(write(tmp_path / "nuovo.tif", second_values()), slug="quote")
    assert list(old.versions.order_by("number").values_list("what", "changed")) == [("baseline", 0), ("replace", 120)]
    assert (shown((since + timedelta(days=1)).isoformat()) == first_values()).all()
    # Somebody writes another file into the row by hand: that becomes a version too before anything else does.
    write(rasters / "a-mano.tif", first_values())
    Layer.objects.filter(pk=old.pk).update(raster_path="a-mano.tif")
    restore(old.pk, 2)
    assert list(old.versions.order_by("number").values_list("what", flat=True))[2:] == ["database", "restore"]


def test_a_lost_file_can_be_replaced_and_an_older_one_brought_back(
    layer: Layer, import_path: Importer, tmp_path: Path, rasters: Path
) -> None:
    (rasters / layer.raster_path).unlink()
    (outcome,) = import_path(write(tmp_path / "quote.tif", np.full((8, 8), 3, dtype="int16")), slug="quote")
    assert (outcome.changes["added"], outcome.changes["version"]) == (64, 3)
    layer.refresh_from_db()
    (rasters / layer.raster_path).unlink()
    restore(layer.pk, 1)
    assert (shown() == first_values()).all()


def test_a_lost_file_comes_back_with_the_same_file_again(
    layer: Layer, import_path: Importer, tmp_path: Path, rasters: Path
) -> None:
    held, before = files(rasters), shown()
    (rasters / layer.raster_path).unlink()
    again = write(tmp_path / "quote.tif", second_values())
    (outcome,) = import_path(again, slug="quote")
    assert (outcome.changes["changed"], outcome.changes["version"]) == (0, 2)
    assert files(rasters) == held and (shown() == before).all()


def test_old_states_go_with_their_files_when_they_are_not_kept(layer: Layer, rasters: Path) -> None:
    Layer.objects.filter(pk=layer.pk).update(history_days=30)
    held = retention.kept([layer.pk])
    assert (held.versions, held.files) == (2, 1)
    assert held.bytes == LayerVersion.objects.get(layer=layer, number=1).raster.bytes  # type: ignore[union-attr]
    assert retention.prunable() == [(layer.pk, 2)]
    assert retention.forget_before(layer.pk, 2) == 1
    assert files(rasters) == {layer.raster_path}
    forget_catalogue()
    assert Client().get(COVERAGE, {"datetime": "2025-03-01"}).status_code == 400


def test_a_deleted_layer_leaves_no_file(layer: Layer, rasters: Path) -> None:
    layer.delete()
    assert not files(rasters)
    assert not LayerVersion.objects.filter(raster__isnull=False).exists()


def test_what_a_killed_import_left_is_swept_a_day_later(layer: Layer, rasters: Path) -> None:
    left = (".quote-0123456789ab.tif.part", "quote-0123456789ab.tif", "quote-0123456789ab.tif.aux.xml")
    others = ("posato-a-mano.tif", "quote-ba9876543210.tif")
    for name in (*left, *others):
        (rasters / name).touch()
    past = time.time() - raster_files.LEFT_OVER_S - 60
    for path in rasters.iterdir():
        if path.name != others[1]:
            os.utime(path, (past, past))
    assert raster_files.sweep() == 3
    assert files(rasters) == {*others, *RasterState.objects.values_list("path", flat=True)}
    assert rasters == settings.RASTER_DIR


def test_two_versions_are_compared_in_numbers_and_in_a_picture(layer: Layer) -> None:
    client = Client()
    body = client.get("/api/livelli/quote/versioni/confronto", {"da": "1", "a": "2"}).json()
    assert (body["added"], body["changed"], body["removed"], body["both"]) == (252, 120, 60, 3780)
    assert (body["least"], body["greatest"], body["isExact"], body["sameGrid"]) == (0, 10, True, True)
    assert body["mean"] == pytest.approx(1200 / 3780)
    with MemoryFile(client.get(body["picture"]).content) as memory, memory.open() as found:
        picture = found.read()
    assert picture.shape == (4, SIZE, SIZE)
    assert tuple(picture[:, 5, 1]) == (26, 122, 66, 255)  # came
    assert tuple(picture[:, 63, 40]) == (110, 110, 110, 255)  # went
    assert tuple(picture[:, 40, 40]) == (247, 247, 247, 255)  # stayed
    assert tuple(picture[:, 11, 40]) == (178, 24, 43, 255)  # more
    assert tuple(picture[:, 63, 1]) == (0, 0, 0, 0)  # never was
    page = client.get("/livelli/quote/versioni/confronto/", {"da": "2", "a": "1"}).content.decode()
    assert '<dd class="col-5" data-count="added">60</dd>' in page
    assert '<dd class="col-5" data-count="mean">-0,3175</dd>' in page
    assert client.get("/livelli/quote/versioni/confronto/", {"banda": "2"}).status_code == 400


def test_states_on_different_grids_are_compared_where_they_lie(
    layer: Layer, import_path: Importer, tmp_path: Path
) -> None:
    """The third version is of cells of 10 m, half a kilometre further east than the second at its east edge."""
    values = np.full((SIZE, SIZE), 10, dtype="int16")
    place = {"transform": from_origin(WEST, NORTH, 10, 10)}
    import_path(write(tmp_path / "quote.tif", values, **place), slug="quote")
    forget_catalogue()
    body = Client().get("/api/livelli/quote/versioni/confronto", {"da": "1", "a": "3"}).json()
    assert (body["sameGrid"], body["isExact"], body["cell"]) == (False, False, 10)
    # 60 of the 64 columns of the first had a value, twice as fine.
    assert (body["both"], body["changed"], body["removed"]) == (30 * 32, 0, 0)
    assert body["added"] == SIZE * SIZE - 30 * 32


def test_classes_are_compared_as_classes(import_path: Importer, tmp_path: Path) -> None:
    source = tmp_path / "uso.tif"
    for last in (3, 4):
        values = np.full((SIZE, SIZE), 1, dtype="uint8")
        values[:8] = last
        with rasterio.open(
            source, "w", driver="GTiff", count=1, height=SIZE, width=SIZE, dtype="uint8", crs="EPSG:32632", nodata=0,
            transform=from_origin(WEST, NORTH, 5, 5),
        ) as file:  # fmt: skip
            file.write_colormap(1, {1: (0, 90, 0, 255), 3: (90, 0, 0, 255), 4: (0, 0, 90, 255)})
            file.write(values, 1)
        import_path(source, slug="uso", access="public")
    forget_catalogue()
    body = Client().get("/api/livelli/uso/versioni/confronto").json()
    assert body["transitions"] == [{"old": 3, "new": 4, "cells": 8 * SIZE}]
    assert body["mean"] is None
    assert "Da una classe all" in Client().get("/livelli/uso/versioni/confronto/").content.decode()


def test_the_history_shows_a_day_and_hides_people_from_the_public(layer: Layer) -> None:
    client = Client()
    rows = client.get("/api/livelli/quote/versioni").json()["versions"]
    assert [(row["number"], row["width"], row["bands"], row["dataType"]) for row in rows] == [
        (2, SIZE, 1, "int16"),
        (1, SIZE, 1, "int16"),
    ]
    assert "note" not in rows[0]
    assert client.get(rows[1]["coverage"]).status_code == 200
    page = client.get("/livelli/quote/versioni/", {"giorno": "2025-03-01"}).content.decode()
    assert "/ogc/collections/quote/map?f=png&amp;transparent=false&amp;datetime=2025-03-01" in page
    assert "volo di maggio" not in page
    assert "non c'era ancora" in client.get("/livelli/quote/versioni/", {"giorno": "2024-01-01"}).content.decode()
    assert "alert-danger" in client.get("/livelli/quote/versioni/", {"giorno": "ieri"}).content.decode()
    assert "/livelli/quote/versioni/" in client.get("/livelli/quote/").content.decode()
    # Old states are open to those the layer is open to, no one else.
    Layer.objects.filter(pk=layer.pk).update(access="internal")
    forget_catalogue()
    for address in (
        "/livelli/quote/versioni/", "/livelli/quote/versioni/confronto/", "/api/livelli/quote/versioni",
        "/livelli/quote/versioni/confronto/differenza.png?da=1&a=2", f"{COVERAGE}?datetime=2025-03-01",
        "/ogc/collections/quote/map?datetime=2025-03-01",
    ):  # fmt: skip
        assert client.get(address).status_code == 404, address
