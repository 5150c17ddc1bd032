"""A steward publishes files by clicks alone: drop, look, correct, import, see it on the map."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from geoportal.models import User
from layers.models import Layer, Theme
from tests.browser.conftest import Visit, new_context
from tests.geodata import drop, forget_catalogue
from tests.layers.test_import_data import shapefile
from tests.layers.test_import_formats import write


@pytest.fixture
def worker(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    """The real worker on the test's database."""
    environment = {**os.environ, "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"], env=environment, cwd=settings.BASE_DIR
    )
    yield process
    process.terminate()
    process.wait(60)


@pytest.fixture
def steward(transactional_db: None) -> User:
    user = User.objects.create_user("curatrice", password="molto-lunga-7")
    user.groups.add(Group.objects.get_or_create(name="curatori")[0])
    return user


@pytest.fixture
def signed_in(browser: Browser, live_server: LiveServer, steward: User) -> Iterator[Visit]:
    context = new_context(browser, viewport={"width": 1280, "height": 1000})
    seen = Visit(context.new_page(), live_server.url)
    page = seen.page
    page.goto(live_server.url + "/pubblica/")
    page.get_by_label("Nome utente").fill("curatrice")
    page.get_by_label("Password").fill("molto-lunga-7")
    page.get_by_role("button", name="Accedi").click()
    yield seen
    context.close()
    assert seen.strangers() == []
    assert seen.faults == []


def shot(visit: Visit, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_files_are_dropped_looked_at_corrected_and_published(signed_in, worker, tmp_path: Path) -> None:
    Theme.objects.create(slug="base", title_it="Cartografia di base")
    # Monte Mario 1, declared as Monte Mario 2: a thousand kilometres away.
    squares = np.array([shapely.box(1580000 + n * 60, 4998000, 1580040 + n * 60, 4998030) for n in range(2)])
    buildings = write(tmp_path / "edifici.gpkg", "GPKG", crs="EPSG:3004", geometries=squares)
    streets = shapefile(tmp_path, encoding="CP1252", cpg=None)
    page = signed_in.page
    expect(page.get_by_role("heading", name="Pubblica dati")).to_be_visible()
    shot(signed_in, "1-start")
    page.get_by_label("Trascina qui i file").set_input_files([str(buildings), str(streets)])
    expect(page.locator("#chosen")).to_have_text("2 file scelti")
    page.get_by_role("button", name="Invia e controlla").click()
    expect(page.get_by_role("heading", name="Controlla e pubblica")).to_be_visible()
    layer = page.locator("#layer-0-0")
    expect(layer.get_by_text("Con EPSG:3003 cadrebbero nel comune.")).to_be_visible()
    expect(page.locator("#layer-1-0 [data-fact=encoding]")).to_contain_text("cp1252")
    expect(page.locator("#layer-1-0").get_by_role("cell", name="Città")).to_be_visible()
    page.wait_for_selector("#layer-0-0 [data-preview][data-state=ready]")
    shot(signed_in, "2-review-wrong")

    layer.get_by_label("Codice EPSG").fill("3003")
    layer.get_by_label("Titolo").fill("Edifici storici")
    page.get_by_role("button", name="Controlla di nuovo").click()
    expect(page.locator("#layer-0-0 [data-fact=crs]")).to_contain_text("EPSG:3003")
    expect(page.get_by_text("cadrebbero nel comune")).to_have_count(0)
    page.wait_for_selector("#layer-0-0 [data-preview][data-state=ready]")
    shot(signed_in, "3-review-right")

    layer = page.locator("#layer-0-0")
    expect(layer.get_by_label("Titolo")).to_have_value("Edifici storici")
    layer.get_by_label("Tema", exact=True).select_option("base")
    layer.get_by_label("Chi lo vede").select_option("public")
    page.get_by_role("button", name="Pubblica i livelli scelti").click()
    expect(page.get_by_role("heading", name="Pubblicato")).to_be_visible()
    shot(signed_in, "4-done")
    published = Layer.objects.get(slug="edifici-storici")
    assert (published.feature_count, published.access, published.srid) == (2, "public", 32632)
    assert Layer.objects.get(slug="vie").access == "internal"
    with page.expect_download() as download:
        page.get_by_role("link", name="Scarica il rapporto").click()
    assert download.value.suggested_filename.startswith("rapporto-")

    forget_catalogue()
    page.get_by_role("link", name="Edifici storici").click()
    page.wait_for_selector("html[data-map=ready]")
    expect(page.get_by_text("Edifici storici").first).to_be_visible()
    drop(published, Layer.objects.get(slug="vie"))


def test_a_hostile_file_is_told_and_the_rest_can_go_on(signed_in, worker, tmp_path: Path) -> None:
    bad = tmp_path / "cattivo.kml"
    bad.write_text('<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml>&x;</kml>')
    page = signed_in.page
    page.get_by_label("Trascina qui i file").set_input_files([str(bad)])
    page.get_by_role("button", name="Invia e controlla").click()
    expect(page.get_by_text("DOCTYPE")).to_be_visible()
    shot(signed_in, "5-hostile")
    assert not Layer.objects.filter(is_live=False).exists()
