"""The take-away map: opened from disk without a network, it shows the features and nothing it should not."""

import re
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from geoportal.takeaway import views
from layers.models import Access, Field
from tests.browser.conftest import new_context
from tests.geodata import forget_catalogue
from tests.monitoring.devices import device as make_device

pytestmark = pytest.mark.usefixtures("city")


def test_the_file_opens_from_disk_without_a_network(browser: Browser, client: Client, tmp_path: Path) -> None:
    response = client.get("/mappe/alberi/esporta.html")
    assert response["Content-Disposition"] == 'attachment; filename="alberi.html"'
    file = tmp_path / "alberi.html"
    file.write_bytes(response.content)
    context = new_context(browser)
    context.set_offline(True)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    marks = page.locator("path.leaflet-interactive")
    expect(marks).to_have_count(21)
    assert page.locator("path:not(.leaflet-interactive)").count() > 0, (
        "the layers that are on at the start lie under it"
    )
    assert marks.first.get_attribute("fill") == "#117733"
    marks.first.click(force=True)
    expect(page.locator(".leaflet-popup-content")).to_contain_text(re.compile(r"<b>n\. \d+</b>"))
    expect(page.locator(".take")).to_contain_text("Elementi: 21")
    expect(page.locator(".take")).to_contain_text("CC BY 4.0")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == [] and faults == []
    context.close()


def test_hidden_fields_and_forbidden_layers_stay_inside(client: Client) -> None:
    Field.objects.filter(layer__slug="edifici", name="nome").update(access=Access.INTERNAL)
    forget_catalogue()
    page = client.get("/mappe/edifici/esporta.html").content.decode()
    assert "residenza" in page and "Edificio 1" not in page and "dati di esempio" in page
    assert client.get("/mappe/ignoto/esporta.html").status_code == 404


def test_a_layer_too_large_says_how_many_and_what_to_do(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "FEATURE_CAP", 20)
    response = client.get("/mappe/edifici/esporta.html")
    assert response.status_code == 413 and "100 elementi" in response.content.decode()
    assert "bbox=" in response.content.decode()
    small = client.get("/mappe/edifici/esporta.html?bbox=10.0230,45.1300,10.0240,45.1316")
    assert small.status_code == 200
    assert client.get("/mappe/edifici/esporta.html?bbox=a,b").status_code == 400


def test_the_state_of_the_devices_can_be_taken_away(browser: Browser, client: Client, tmp_path: Path) -> None:
    make_device("ap-uno", name_it="Piazza <Uno>", status={"health": "problem", "cause": "connection_lost"})
    forget_catalogue()
    file = tmp_path / "dispositivi.html"
    file.write_bytes(client.get("/mappe/punti-accesso-wifi/esporta.html").content)
    context = new_context(browser)
    context.set_offline(True)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.goto(file.as_uri())
    expect(page.locator(".device-icon svg")).to_have_count(1)
    page.locator(".device-icon").click()
    expect(page.locator(".leaflet-popup-content")).to_contain_text("Piazza <Uno>")
    expect(page.locator(".leaflet-popup-content")).to_contain_text("Problema")
    assert faults == []
    context.close()
