"""The commands on a device's page, without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from geoportal.models import User
from geoportal.monitoring.models import Device, DeviceCommand, DeviceStatus
from tests.broker import new_device

pytestmark = pytest.mark.django_db


@pytest.fixture
def totem() -> Device:
    device = new_device("totem")
    device.enrolled_at = timezone.now()
    device.save()
    return device


def path(device: Device, *more: str) -> str:
    return "/".join(["/tecnici", device.devid, *more]) + "/"


def test_the_page_offers_what_the_device_knows(page: Client, totem: Device) -> None:
    text = page.get(path(totem)).content.decode()
    offered = set(re.findall(r'name="op" value="(\w+)"', text))
    assert {"reload", "set_volume", "reboot", "screenshot"} <= offered
    assert 'type="number" required min="0" max="100"' in text
    DeviceStatus.objects.filter(device=totem).update(info={"commands": ["reload"]})
    text = page.get(path(totem)).content.decode()
    assert re.findall(r'name="op" value="(\w+)"', text) == ["reload"]


def test_a_command_is_ordered_by_a_plain_form(page: Client, totem: Device) -> None:
    answer = page.post(path(totem, "comandi"), {"op": "set_brightness", "percent": "40"}, follow=True)
    command = DeviceCommand.objects.get()
    assert (command.args, command.asked_name) == ({"percent": 40}, "tecnica")
    text = answer.content.decode()
    assert "Imposta la luminosità" in text and "percent = 40" in text and "In coda" in text
    assert 'data-moving="1"' in text
    DeviceCommand.objects.update(state="done", output="<b>brightness 40 %</b>")
    table = page.get(path(totem, "comandi")).content.decode()
    assert "Eseguito" in table and "&lt;b&gt;brightness" in table and 'data-moving="0"' in table
    assert "<html" not in table
    for said in ('{"temp_cpu": 51.5, "uptime": 3}', "temp_cpu=51.5, uptime=3"):
        DeviceCommand.objects.update(output=said)
        table = page.get(path(totem, "comandi")).content.decode()
        assert "<dt>Temperatura del processore</dt><dd>51,5 °C</dd>" in table
    for strange in ('{"uptime": Infinity}', '{"uptime": 1e999}', "uptime=1.e999", "[" * 200_000, '{"a":' * 50_000):
        DeviceCommand.objects.update(output=strange)
        assert page.get(path(totem)).status_code == 200, strange[:30]


def test_what_people_notice_is_asked_twice(page: Client, totem: Device) -> None:
    asked = page.post(path(totem, "comandi"), {"op": "show_message", "text": 'Torniamo "alle 9"', "seconds": "60"})
    text = asked.content.decode()
    assert "Confermi?" in text and 'value="Torniamo &quot;alle 9&quot;"' in text
    assert not DeviceCommand.objects.exists()
    fields = {"op": "show_message", "text": 'Torniamo "alle 9"', "seconds": "60", "confirm": "1"}
    page.post(path(totem, "comandi"), fields)
    assert DeviceCommand.objects.get().args == {"text": 'Torniamo "alle 9"', "seconds": 60}


def test_a_wrong_argument_is_said_on_the_page(page: Client, totem: Device) -> None:
    answer = page.post(path(totem, "comandi"), {"op": "set_volume", "percent": "forte"}, follow=True)
    assert "args.percent must be of type integer" in answer.content.decode()
    assert not DeviceCommand.objects.exists()


def test_strangers_and_others_stay_out(page: Client, totem: Device) -> None:
    assert Client().post(path(totem, "comandi"), {"op": "reload"})["Location"].startswith("/accedi/")
    other = Client()
    other.force_login(User.objects.create_user("altro", password="una-parola-lunga"))
    assert other.post(path(totem, "comandi"), {"op": "reload"}).status_code == 403
    assert page.post("/tecnici/totem-nessuno/comandi/", {"op": "reload"}).status_code == 404
    assert not DeviceCommand.objects.exists()
