"""The search box in a real browser: by keyboard, by mouse, and what the map does."""

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from layers.models import Field
from layers.search.index import analyse, index_layer
from tests.browser.conftest import Visit
from tests.geodata import forget_catalogue


@pytest.fixture
def findable(city: SimpleNamespace) -> SimpleNamespace:
    for layer in (city.buildings, city.streets):
        Field.objects.filter(layer=layer, name="nome").update(is_searchable=True)
    forget_catalogue()
    index_layer(city.buildings.pk)
    index_layer(city.streets.pk)
    analyse()
    return city


def test_typing_arrows_and_enter_lead_to_the_feature(visit: Visit, findable: SimpleNamespace) -> None:
    page = visit.open_map("/#map=12/45.1/10.1&layers=")
    box = page.get_by_role("combobox", name="Cerca indirizzi")
    box.click()
    box.press_sequentially("edificio 42")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Edificio 42")
    expect(box).to_have_attribute("aria-expanded", "true")
    box.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.first.get_attribute("id") or "?")
    box.press("Enter")
    expect(page.get_by_role("listbox")).to_be_hidden()
    # The layer is on, the feature is open, and the address says so.
    expect(page.locator("#detail-body")).to_contain_text("Edificio 42")
    expect(page.locator("[data-switch=edifici]")).to_be_checked()
    expect(page).to_have_url(re.compile(r"sel=edifici/43$"))
    expect(page).to_have_url(re.compile(r"#map=1[78]\.\d+/45\.13\d+/10\.02\d+&layers=edifici"))
    expect(page.locator(".maplibregl-marker")).to_have_count(1)


def test_coordinates_are_gone_to_by_a_click(visit: Visit, findable: SimpleNamespace) -> None:
    page = visit.open_map()
    box = page.get_by_role("combobox", name="Cerca indirizzi")
    box.fill("580613 4998314")
    page.get_by_role("option", name="45.13").first.click()
    expect(page).to_have_url(re.compile(r"#map=17\.\d+/45\.1337\d/10\.0252\d"))


def test_escape_closes_the_list_first_and_empties_the_box_then(visit: Visit, findable: SimpleNamespace) -> None:
    page = visit.open_map()
    box = page.get_by_role("combobox", name="Cerca indirizzi")
    box.fill("aquila")
    expect(page.get_by_role("listbox")).to_be_visible()
    box.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("aquila")
    box.press("Escape")
    expect(box).to_have_value("")


def test_nothing_found_and_a_search_that_is_away_are_said(visit: Visit, findable: SimpleNamespace) -> None:
    page = visit.open_map()
    box = page.get_by_role("combobox", name="Cerca indirizzi")
    box.fill("qqqqxxxx")
    expect(page.locator(".map-search-status")).to_have_text("Nessun risultato.")
    page.route("**/api/cerca*", lambda route: route.fulfill(status=503))
    box.fill("aquila")
    expect(page.locator(".map-search-status")).to_have_text("La ricerca non risponde: riprova tra poco.")
    page.unroute("**/api/cerca*")
    box.fill("via aquila")
    expect(page.get_by_role("option").first).to_contain_text("Via dell'Aquila")


def test_an_answer_that_was_typed_past_is_thrown_away(visit: Visit, findable: SimpleNamespace) -> None:
    page = visit.open_map()
    held = []
    page.route("**/api/cerca?q=edificio+1&*", lambda route: held.append(route))
    box = page.get_by_role("combobox", name="Cerca indirizzi")
    with page.expect_request("**/api/cerca?q=edificio+1&*"):
        box.fill("edificio 1")
    box.fill("edificio 77")
    expect(page.get_by_role("option").first).to_contain_text("Edificio 77")
    for route in held:
        route.abort()
    expect(page.get_by_role("option").first).to_contain_text("Edificio 77")
