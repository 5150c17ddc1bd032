"""The two live layers: written once, never over a steward's edits, measured, and served by OGC with current state."""

import json

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client

from geoportal.devices.layers import LIVE_LAYERS, refresh_extents, write_live_layers
from geoportal.monitoring.models import Device, DeviceStatus
from layers.models import Layer
from layers.styles.model import parse
from tests.geodata import forget_catalogue
from tests.monitoring.devices import device

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> object:
    forget_catalogue()
    yield
    forget_catalogue()


def version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM layers_catalogueversion")
        return int(cursor.fetchone()[0])


def test_every_published_field_is_a_column_of_its_view_and_the_style_is_of_the_model() -> None:
    for live in LIVE_LAYERS:
        layer = Layer.objects.get(slug=live.slug)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)", [f"geodata.{live.table}"]
            )
            columns = {name for (name,) in cursor.fetchall()}
        assert {field.name for field in layer.fields.all()} | {"fid", "geom"} == columns
        spec = parse(layer.styles.get(is_default=True).spec)
        assert {one.value for one in spec.classes} == {"ok", "problem", "critical", "unknown", "maintenance"}
        assert len({one.symbol.shape for one in spec.classes}) == 5


def test_people_read_what_the_codes_of_a_device_stand_for(client: Client) -> None:
    device(status={"health": "critical", "cause": "silent"})
    address = "/ogc/collections/punti-accesso-wifi/items"
    table = client.get(address, headers={"accept": "text/html"}).content.decode()
    assert (
        "<td>Guasto</td>" in table and "<td>Non dà notizie da troppo tempo</td>" in table and "<td>Attivo</td>" in table
    )
    english = client.get(address, headers={"accept": "text/html", "accept-language": "en"}).content.decode()
    assert "<td>Fault</td>" in english and "<td>critical</td>" not in english
    assert client.get(address).json()["features"][0]["properties"]["stato"] == "critical"


def test_writing_again_changes_nothing_and_keeps_what_a_steward_wrote() -> None:
    Layer.objects.filter(slug="totem").update(title_it="Colonnine", is_published=False)
    before = version()
    write_live_layers()
    layer = Layer.objects.get(slug="totem")
    assert (layer.title_it, layer.is_published, version()) == ("Colonnine", False, before)


def test_a_row_that_was_lost_comes_back() -> None:
    Layer.objects.all().delete()
    write_live_layers()
    assert set(Layer.objects.values_list("slug", flat=True)) == {"punti-accesso-wifi", "totem"}


def test_count_and_extent_follow_the_devices() -> None:
    device("ap-one")
    device("ap-two", geom=Point(580_900, 4_998_100, srid=32632))
    device("ap-gone", lifecycle="removed", geom=Point(590_000, 4_990_000, srid=32632))
    layer = Layer.objects.get(slug="punti-accesso-wifi")
    assert layer.feature_count == 2
    assert layer.storage_bbox == [579_800, 4_998_100, 580_900, 4_998_600]
    assert layer.bbox is not None
    assert layer.bbox[0] == pytest.approx(10.0144, abs=0.001)
    before = version()
    refresh_extents()
    assert version() == before


def test_ogc_serves_the_state_of_this_moment(client: Client) -> None:
    one = device("ap-one", name_it="Piazza", capacity=42)
    forget_catalogue()
    DeviceStatus.objects.filter(device=one).update(health="critical", cause="silent")
    path = f"/ogc/collections/punti-accesso-wifi/items/{one.pk}"
    feature = json.loads(client.get(path, {"f": "json"}).content)
    assert feature["id"] == one.pk
    properties = feature["properties"]
    assert (properties["stato"], properties["causa"], properties["capienza"]) == ("critical", "silent", 42)
    DeviceStatus.objects.filter(device=one).update(health="ok", cause="")
    assert json.loads(client.get(path, {"f": "json"}).content)["properties"]["stato"] == "ok"
    Device.objects.update(lifecycle="removed")
    items = json.loads(client.get("/ogc/collections/punti-accesso-wifi/items", {"f": "json"}).content)
    assert (items["numberMatched"], items["features"]) == (0, [])
