"""The inventory in the admin: a device is made whole, positions are checked, pages ask no other host for anything."""

import re
from typing import Any

import pytest
from django.test import Client

from geoportal.messaging.topics import shard_of
from geoportal.models import User
from geoportal.monitoring.models import DeadLetter, DeviceStatus
from tests.monitoring.devices import device
from wifi.models import AccessPoint

pytestmark = pytest.mark.django_db

WINDOWS = {"maintenance-TOTAL_FORMS": 0, "maintenance-INITIAL_FORMS": 0}
POINT = {
    "devid": "ap-nuovo", "name_it": "Piazza Roma", "geom_lon": "10.0245", "geom_lat": "45.1335",
    "position_quality": "surveyed", "ssid": "Cremona 2.0", "capacity": 50, "coverage_m": 75,
    "lifecycle": "active", "interval_s": 30, **WINDOWS,
}  # fmt: skip


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("capo"))
    return client


def test_a_new_access_point_has_shard_status_and_place(boss: Client) -> None:
    answer = boss.post("/admin/wifi/accesspoint/add/", POINT)
    assert answer.status_code == 302, answer.context["errors"]
    made = AccessPoint.objects.get(devid="ap-nuovo")
    assert (made.kind, made.shard, made.geom.srid) == ("ap", shard_of("ap-nuovo"), 32632)
    place = made.geom.clone()
    place.transform(4326)
    assert place.tuple == pytest.approx((10.0245, 45.1335))
    status = DeviceStatus.objects.get(device_id=made.pk)
    assert (status.health, status.cause) == ("unknown", "never_seen")


@pytest.mark.parametrize(("lon", "lat"), [("45.1335", "10.0245"), ("579800", "4998600"), ("", "45"), ("nan", "45")])
def test_a_position_that_cannot_be_is_refused(boss: Client, lon: str, lat: str) -> None:
    answer = boss.post("/admin/wifi/accesspoint/add/", {**POINT, "geom_lon": lon, "geom_lat": lat})
    assert answer.status_code == 200
    assert "geom" in answer.context["adminform"].form.errors
    assert not AccessPoint.objects.exists()


def test_the_form_shows_the_place_and_loads_nothing_from_elsewhere(boss: Client) -> None:
    one = device("ap-one")
    page = boss.get(f"/admin/wifi/accesspoint/{one.pk}/change/").content.decode()
    assert re.search(r'name="geom_lon" value="10\.01\d+"', page)
    sources = re.findall(r'(?:src|href|data-style|data-library)="([^"]+)"', page)
    assert sources
    assert [source for source in sources if "//" in source and "127.0.0.1" not in source] == []


@pytest.mark.parametrize(
    "path",
    [
        "wifi/accesspoint/",
        "kiosks/totem/",
        "monitoring/devicestatus/",
        "monitoring/stateinterval/",
        "kiosks/totem/add/",
    ],
)
def test_every_list_opens(boss: Client, path: str) -> None:
    device("ap-one")
    device("totem-one", "totem")
    assert boss.get(f"/admin/{path}").status_code == 200


def test_states_and_discarded_messages_are_only_read(boss: Client) -> None:
    letter = DeadLetter.objects.create(topic="x", payload=b"caff\xe8", payload_bytes=5, reason="not_json", detail="…")
    page: Any = boss.get(f"/admin/monitoring/deadletter/{letter.pk}/change/")
    assert "caff\\xe8" in page.content.decode()
    assert boss.post(f"/admin/monitoring/deadletter/{letter.pk}/delete/", {"post": "yes"}).status_code == 403
    assert boss.get("/admin/monitoring/devicestatus/add/").status_code == 403


def test_shutting_a_device_out_is_left_to_its_own_page(boss: Client) -> None:
    point = AccessPoint.objects.get(pk=device(lifecycle="active").pk)
    address = f"/admin/wifi/accesspoint/{point.pk}/change/"
    page = boss.get(address).content.decode()
    assert 'value="installed"' in page and 'value="suspended"' not in page and 'value="removed"' not in page
    AccessPoint.objects.filter(pk=point.pk).update(lifecycle="suspended")
    assert 'name="lifecycle"' not in boss.get(address).content.decode()
