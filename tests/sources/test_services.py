"""A second product as the foreign server: its WMS and WMTS shown through ours, its WFS and collections harvested."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import rasterio
from django.db.models import F
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from layers.catalogue import catalogue
from layers.crs import epsg
from layers.drawing.view import View
from layers.errors import RemoteAnswerUnread
from layers.models import Layer, Source, SourceState
from layers.sources import gate, remote_maps, services
from layers.sources.errors import SourceFailed, SourceRefused
from layers.sources.harvest import harvest
from layers.sources.remote_info import Spot, remote_info
from tests.geodata import drop, forget_catalogue, make_layer
from tests.liveserver import served
from tests.ogc.conftest import BUILDING_FIELDS, BUILDINGS
from tests.ports import free_port

TILE = "map/tiles/WebMercatorQuad/16/23538/34592?f=png"
"""Over the buildings."""


class Other:
    """The other product, which can be stopped and started."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._stack.enter_context(served(port=self._port))

    def stop(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def other(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Other]:
    made = Other()
    with django_db_blocker.unblock():
        layer = make_layer("edifici-altrui", "POLYGON", 32632, BUILDING_FIELDS, BUILDINGS)
        forget_catalogue()
        made.start()
    yield made
    made.stop()
    with django_db_blocker.unblock():
        drop(layer)
        layer.delete()
        forget_catalogue()


def allowing(url: str) -> Any:
    return override_settings(SOURCE_HOSTS=[url.removeprefix("http://")], SOURCE_NETWORKS=["127.0.0.0/8"])


@pytest.fixture
def allowed(other: Other) -> Iterator[None]:
    with allowing(other.url):
        yield


@pytest.fixture(scope="module")
def cascaded(other: Other, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Source]]:
    """The other's buildings by WMS and by WMTS; committed, since sources are read by threads of their own."""
    made = {}
    with django_db_blocker.unblock(), allowing(other.url):
        for kind, path in (("wms", "/ogc/wms"), ("wmts", "/ogc/wmts/1.0.0/WMTSCapabilities.xml")):
            values = {"title": f"Edifici {kind}", "slug": f"edifici-{kind}", "kind": kind, "address": other.url + path,
                      "remote_name": "edifici-altrui", "access": "public", "timeout_ms": 5000}  # fmt: skip
            made[kind] = services.make(values, "")
        forget_catalogue()
    yield made
    with django_db_blocker.unblock():
        for source in made.values():
            services.remove(Source.objects.get(pk=source.pk))
        forget_catalogue()


def pixels(body: bytes) -> Any:
    with rasterio.open(io.BytesIO(body)) as picture:
        return picture.read()


@pytest.mark.parametrize("kind", ["wms", "wmts"])
def test_a_map_of_theirs_is_a_layer_of_ours(db: None, allowed: None, cascaded: dict[str, Source], kind: str) -> None:
    forget_catalogue()
    layer = Layer.objects.get(slug=f"edifici-{kind}")
    assert layer.kind == "remote" and layer.bbox and 10 < layer.bbox[0] < 10.1
    client, here = Client(), f"/ogc/collections/edifici-{kind}"
    shown = client.get(f"{here}/{TILE}")
    assert shown.status_code == 200, shown.content
    ours = pixels(shown.content)
    theirs = pixels(client.get(f"/ogc/collections/edifici-altrui/{TILE}").content)
    assert ours.shape == (4, 256, 256) and (ours[3] > 0).sum() > 300
    # Their tile is a palette or RGBA; what is seen is the same.
    seen = theirs[3] > 0 if theirs.shape[0] == 4 else None
    assert seen is None or np.mean((ours[3] > 0) == seen) > 0.98
    box = "bbox=10.018,45.135,10.032,45.142&width=200"
    for crs in (
        "",
        "&crs=http://www.opengis.net/def/crs/EPSG/0/32632",
        "&crs=http://www.opengis.net/def/crs/EPSG/0/4326",
    ):
        picture = client.get(f"{here}/map?f=png&{box}{crs}")
        assert picture.status_code == 200, picture.content
        assert (pixels(picture.content)[3] > 0).sum() > 300, crs
    wms = client.get(f"/ogc/wms?service=WMS&version=1.3.0&request=GetMap&layers=edifici-{kind}&styles=&crs=EPSG:3857"
                     "&bbox=1115143,5643483,1116143,5644483&width=128&height=128&format=image/png")  # fmt: skip
    assert wms["Content-Type"] == "image/png"
    assert client.get(f"{here}/items").status_code == 404
    assert b"Edifici" in client.get(f"{here}?f=html").content
    assert b"coverage" not in client.get(here).content


INFO = (
    "/ogc/wms?service=WMS&version=1.3.0&request=GetFeatureInfo&styles=&crs=EPSG:32632&bbox=579990,4998990,580090,4999090"
    "&width=101&height=101&i=15&j=86&feature_count=9"
)


def asked_of_a_point(client: Client, layer: str, form: str) -> Any:
    return client.get(f"{INFO}&layers={layer}&query_layers={layer}&info_format={form}")


@pytest.mark.parametrize("kind", ["wms", "wmts"])
def test_a_point_of_theirs_is_told_as_they_tell_it(
    db: None, allowed: None, cascaded: dict[str, Source], kind: str
) -> None:
    forget_catalogue()
    client, slug = Client(), f"edifici-{kind}"
    ours = asked_of_a_point(client, slug, "application/json").json()["features"]
    theirs = asked_of_a_point(client, "edifici-altrui", "application/json").json()["features"]
    assert theirs and [one["properties"] for one in ours] == [one["properties"] for one in theirs]
    assert ours[0]["geometry"] is None and ours[0]["id"].startswith(f"{slug}.")
    value = next(str(value) for value in theirs[0]["properties"].values() if isinstance(value, str))
    for form in ("text/html", "text/plain"):
        assert value in asked_of_a_point(client, slug, form).content.decode()
    listed = client.get("/ogc/wms?service=WMS&request=GetCapabilities").content.decode()
    assert re.search(rf'<Layer queryable="1"[^>]*>\s*<Name>{slug}<', listed)
    assert SourceState.objects.get(source__slug=slug).health == "ok"


def test_a_service_that_tells_of_no_points_is_not_asked_and_the_map_says_so(
    db: None, allowed: None, cascaded: dict[str, Source]
) -> None:
    layer = Layer.objects.get(slug="edifici-wmts")
    layer.raster_info["remote"] |= {"info": ""}
    layer.save()
    forget_catalogue()
    client = Client()
    listed = client.get("/ogc/wms?service=WMS&request=GetCapabilities").content.decode()
    assert re.search(r'<Layer queryable="0"[^>]*>\s*<Name>edifici-wmts<', listed)
    refused = asked_of_a_point(client, "edifici-wmts", "application/json")
    assert refused.status_code == 400 and b"LayerNotQueryable" in refused.content
    said = "Il servizio d'origine non dice che cosa c'è in un punto."
    assert client.get("/", headers={"Accept-Language": "it"}).content.decode().count(said) == 1
    # What it offers is looked at now and then; tiles of what it offered before are others than those of now.
    remote_maps.look_at(Source.objects.get(slug="edifici-wmts"))
    again = Layer.objects.get(pk=layer.pk)
    assert again.raster_info["remote"]["info"] and again.data_version > layer.data_version


def test_a_point_is_found_in_a_crs_that_they_do_not_know(
    db: None, allowed: None, cascaded: dict[str, Source], other: Other
) -> None:
    forget_catalogue()
    layer = Layer.objects.get(slug="edifici-wms")
    only = layer.raster_info | {"remote": layer.raster_info["remote"] | {"srids": [3857]}}
    entry = dataclasses.replace(catalogue().layers["edifici-wms"], raster_info=only)
    spot = Spot(View(epsg(32632), (579990, 4998990, 580090, 4999090), 101, 101), 15, 86)
    known = remote_info(catalogue().layers["edifici-wms"], spot, 5)
    assert known and [one["properties"] for one in remote_info(entry, spot, 5)] == [one["properties"] for one in known]


def test_a_service_that_only_cannot_tell_of_points_goes_on_drawing(
    db: None, allowed: None, cascaded: dict[str, Source]
) -> None:
    """Its answer to the question is an error; its maps are well, and so is the source."""
    forget_catalogue()
    held = Layer.objects.get(slug="edifici-wms").raster_info
    entry = dataclasses.replace(
        catalogue().layers["edifici-wms"], raster_info=held | {"remote": held["remote"] | {"info": "text/nonsense"}}
    )
    spot = Spot(View(epsg(32632), (579990, 4998990, 580090, 4999090), 101, 101), 15, 86)
    with pytest.raises(RemoteAnswerUnread, match="another server"):
        gate.read(entry, lambda: remote_info(entry, spot, 5))
    assert SourceState.objects.get(source__slug="edifici-wms").failures == 0


def test_a_stopped_map_server_takes_its_own_layers_alone_and_comes_back(
    db: None, cascaded: dict[str, Source], other: Other
) -> None:
    forget_catalogue()
    client = Client()
    remote_maps._cache.__init__(1 << 20)  # type: ignore[misc]
    other.stop()
    with allowing(other.url):
        for kind in ("wms", "wmts"):
            away = client.get(f"/ogc/collections/edifici-{kind}/{TILE}")
            assert away.status_code == 503 and "has not answered since" in away.json()["description"], kind
            assert away["Retry-After"]
            assert SourceState.objects.get(source__slug=f"edifici-{kind}").health == "failing"
        assert client.get(f"/ogc/collections/edifici-altrui/{TILE}").status_code == 200
        assert asked_of_a_point(client, "edifici-altrui", "application/json").status_code == 200
        # A client of a WMS is told in its own words.
        told = asked_of_a_point(client, "edifici-wms", "application/json")
        assert told.status_code == 503 and told["Content-Type"] == "text/xml"
        assert b"ServiceExceptionReport" in told.content and b"has not answered since" in told.content
        page = client.get("/fonti/").content.decode()
        assert page.count("Non risponde") == 2 and "127.0.0.1" not in page
        told = client.get("/api/fonti").json()["sources"]
        assert {one["health"] for one in told} == {"failing"} and all(one["since"] and one["next"] for one in told)
        with pytest.raises(SourceFailed):
            remote_maps.look_at(cascaded["wms"])
    other.start()
    with allowing(other.url):
        assert client.get(f"/ogc/collections/edifici-wms/{TILE}").status_code == 503
        # Its pause is over: the next reader finds it well, and so does the worker's look.
        SourceState.objects.update(retry_at=F("since"))
        assert client.get(f"/ogc/collections/edifici-wms/{TILE}").status_code == 200
        remote_maps.look_at(cascaded["wmts"])
        assert client.get(f"/ogc/collections/edifici-wmts/{TILE}").status_code == 200
        assert set(SourceState.objects.values_list("health", flat=True)) == {"ok"}
        assert "Non risponde" not in client.get("/fonti/").content.decode()


@pytest.mark.parametrize(("kind", "path"), [("wfs", "/ogc/wfs"), ("features", "/ogc")])
def test_features_of_theirs_are_harvested_whole(db: None, allowed: None, other: Other, kind: str, path: str) -> None:
    values = {"title": f"Raccolti {kind}", "slug": f"raccolti-{kind}", "kind": kind, "address": other.url + path,
              "remote_name": "edifici-altrui"}  # fmt: skip
    source = services.make(values, "")
    done = harvest(source, lambda _done, _total: None)
    assert done.features == 500
    layer = Layer.objects.get(slug=f"raccolti-{kind}")
    assert layer.storage_bbox and layer.storage_bbox == pytest.approx([580000, 4999000, 580972, 4999769], abs=0.5)
    assert not harvest(Source.objects.get(pk=source.pk), lambda _done, _total: None).is_new


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"remote_name": "nessuno"}, "edifici-altrui"),
        ({"address": "http://169.254.169.254/wms"}, "GEOPORTAL_SOURCE_HOSTS"),
    ],
)
def test_what_a_service_does_not_have_is_named(
    db: None, allowed: None, other: Other, more: dict[str, str], text: str
) -> None:
    values = {"title": "X", "slug": "x-wms", "kind": "wms", "address": f"{other.url}/ogc/wms", "remote_name": "x"}
    with pytest.raises(SourceRefused, match=text):
        services.make(values | more, "")
