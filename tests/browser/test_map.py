"""The map page in a real browser, with tiles from PostGIS."""

import re
from types import SimpleNamespace

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from layers.models import Style
from tests.browser.conftest import Visit, new_context, settle
from tests.geodata import forget_catalogue

pytestmark = pytest.mark.usefixtures("city")

LAT, LON = 45.13185, 10.02517
CENTRE = f"#map=17/{LAT}/{LON}"


def colours(page: Page) -> set[str]:
    """The colours in the middle of what the map shows, as seen by the eye: a screenshot decoded by the browser."""
    picture = page.locator("#map canvas").screenshot()
    found: list[str] = page.evaluate(
        """async (bytes) => {
            const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }))
            const canvas = new OffscreenCanvas(image.width, image.height)
            const pen = canvas.getContext('2d')
            pen.drawImage(image, 0, 0)
            const { data } = pen.getImageData(0, 0, image.width, image.height)
            const seen = new Set()
            for (let at = 0; at < data.length; at += 4) seen.add([data[at], data[at + 1], data[at + 2]].join(','))
            return [...seen]
        }""",
        list(picture),
    )
    return set(found)


def centre_of_map(page: Page) -> tuple[float, float]:
    box = page.locator("#map canvas").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def feature_at_centre() -> tuple[int, str]:
    """The building under the point the tests look at, asked of PostGIS."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fid, nome FROM geodata.edifici WHERE ST_Intersects(geom, "
            "ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 32632))",
            [LON, LAT],
        )
        row: tuple[int, str] = cursor.fetchone()
    return row


def test_the_map_draws_real_tiles_and_a_switch_changes_it(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}")
    settle(page)
    assert any("/ogc/collections/edifici/tiles/WebMercatorQuad/" in url for url in visit.requests)
    with_buildings = colours(page)
    assert len(with_buildings) > 20
    page.get_by_label("Edifici", exact=True).uncheck()
    expect(page).to_have_url(re.compile(r"layers=strade"))
    settle(page)
    assert colours(page) != with_buildings
    page.get_by_label("Edifici", exact=True).check()
    settle(page)
    assert colours(page) == with_buildings


def test_a_switch_waits_for_the_script_that_serves_it(visit: Visit) -> None:
    page = visit.page
    held: list[Route] = []
    page.route("**/js/map/page.js", lambda route: held.append(route))
    page.goto(visit.origin + "/", wait_until="commit")
    switch = page.get_by_label("Edifici", exact=True)
    expect(switch).to_be_disabled()
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    switch.uncheck()
    expect(page).to_have_url(re.compile(r"layers=strade"))


def test_a_click_tells_what_is_there_with_titles_and_formatted_values(visit: Visit) -> None:
    fid, name = feature_at_centre()
    page = visit.open_map(f"/{CENTRE}&layers=edifici")
    settle(page)
    page.mouse.click(*centre_of_map(page))
    panel = page.locator("#detail-panel")
    expect(panel.locator("summary").first).to_have_text(name)
    expect(panel.get_by_text("Piani", exact=True)).to_be_visible()
    assert f"sel=edifici/{fid}" in page.url
    assert re.search(r"\d+,\d+ m", panel.inner_text())  # a decimal comma, and the unit
    assert "2024" in panel.inner_text()


def test_markup_in_a_value_stays_text(visit: Visit) -> None:
    page = visit.open_map("/#map=18/45.13184/10.02500&layers=alberi&sel=alberi/1")
    expect(page.locator("#detail-panel")).to_contain_text("<b>n. 0</b>")


def test_the_address_brings_back_what_the_map_showed(visit: Visit) -> None:
    fid, name = feature_at_centre()
    page = visit.open_map(f"/{CENTRE}&layers=edifici:60,strade&sel=edifici/{fid}")
    expect(page.locator("#detail-panel summary").first).to_have_text(name)
    page.get_by_label("Strade", exact=True).uncheck()
    page.reload()
    page.wait_for_selector("html[data-map=ready]")
    expect(page.get_by_label("Strade", exact=True)).not_to_be_checked()
    expect(page.locator("#opacity-edifici")).to_have_value("60")
    expect(page.locator("#detail-panel summary").first).to_have_text(name)
    assert re.search(rf"map=17(\.00)?/{LAT}/{LON}&", page.url)


def test_paper_shows_the_map_its_legend_and_where_it_is_from(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}&layers=edifici")
    settle(page)
    page.locator("[data-layer=edifici] .layer-legend summary").click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    drawn = page.evaluate(
        """async () => {
            const image = await createImageBitmap(document.getElementById('print-picture'))
            const pen = new OffscreenCanvas(image.width, image.height).getContext('2d')
            pen.drawImage(image, 0, 0)
            const { data } = pen.getImageData(0, 0, image.width, image.height)
            return new Set(new Uint32Array(data.buffer)).size
        }"""
    )
    assert drawn > 5
    expect(page.locator("#print-facts")).to_contain_text("Geoportale del Comune di Cremona")
    expect(page.locator("#print-facts")).to_contain_text("layers=edifici")
    for shown in (".map-print-head h1", "[data-layer=edifici] .legend", "#print-picture", ".maplibregl-ctrl-scale"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in ("[data-layer=strade]", ".site-header", "#map canvas", ".map-buttons", ".layer-info >> nth=0"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    expect(page.locator("[data-layer=edifici] .legend")).to_be_hidden()
    expect(page.locator("#print-picture")).to_be_hidden()


def test_back_closes_what_was_opened_last(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}&layers=edifici")
    settle(page)
    page.mouse.click(*centre_of_map(page))
    expect(page.locator("#detail-panel")).to_be_visible()
    expect(page).to_have_url(re.compile("sel=edifici"))
    page.go_back()
    expect(page.locator("#detail-panel")).to_be_hidden()
    expect(page.get_by_label("Edifici", exact=True)).to_be_checked()


def test_coordinates_are_told_in_the_system_the_reader_chose(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}")
    page.mouse.move(*centre_of_map(page))
    expect(page.locator("#coordinates")).to_have_text(re.compile(r"45,131\d+\s+10,025\d+"))
    page.get_by_label("Sistema di coordinate").select_option("32632")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT round(ST_X(g)), round(ST_Y(g)) FROM ST_Transform(ST_SetSRID(ST_MakePoint(%s, %s), 4326), 32632) g",
            [LON, LAT],
        )
        east, north = cursor.fetchone()
    shown = [float(part.replace(",", ".")) for part in page.locator("#coordinates").inner_text().split()]
    assert shown == [pytest.approx(east, abs=3), pytest.approx(north, abs=3)]


def test_the_keyboard_switches_layers_moves_the_map_and_asks_what_is_there(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}&layers=edifici")
    settle(page)
    page.locator("#switch-strade").focus()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"layers=edifici,strade"))
    page.locator("#map canvas").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#detail-panel")
    expect(panel).to_be_visible()
    expect(panel).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#map canvas")).to_be_focused()


def test_english_is_kept_with_what_the_map_shows(visit: Visit) -> None:
    page = visit.open_map(f"/{CENTRE}&layers=edifici:40")
    page.get_by_role("button", name="EN – English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_label("Buildings", exact=True)).to_be_checked()
    expect(page.locator("#opacity-edifici")).to_have_value("40")
    expect(page.locator(".layer[data-layer=edifici] .legend")).to_contain_text("School")
    assert f"/{LAT}/{LON}" in page.url


def test_a_failing_layer_is_named_and_comes_back_by_itself(visit: Visit) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE geodata.edifici RENAME TO edifici_away")
    page = visit.open_map(f"/{CENTRE}&layers=edifici,strade")
    try:
        expect(page.locator("#notices")).to_contain_text("Edifici")
        expect(page.locator("#notices")).not_to_contain_text("Strade")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE geodata.edifici_away RENAME TO edifici")
    expect(page.locator("#notices")).to_be_empty()


def test_on_a_phone_the_layers_are_a_drawer(browser: Browser, live_server: LiveServer, city: SimpleNamespace) -> None:
    context = new_context(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    visit = Visit(context.new_page(), live_server.url)
    page = visit.open_map(f"/{CENTRE}")
    expect(page.locator("#layers-panel")).to_be_hidden()
    page.get_by_role("button", name="Livelli", exact=True).tap()
    expect(page.get_by_label("Edifici", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert visit.strangers() == []


def test_without_javascript_the_layers_and_their_data_are_there(
    browser: Browser, live_server: LiveServer, city: SimpleNamespace
) -> None:
    context = new_context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url)
    expect(page.get_by_text("Edifici", exact=True).first).to_be_visible()
    page.locator(".layer[data-layer=edifici] .layer-info summary").click()
    expect(page.get_by_role("link", name="GeoJSON").first).to_be_visible()
    context.close()


def test_a_layer_is_drawn_in_another_of_its_styles_and_the_address_says_which(
    visit: Visit, city: SimpleNamespace
) -> None:
    Style.objects.create(
        layer=city.buildings,
        name="alti",
        title_it="Alti",
        is_default=False,
        spec={"symbol": {"fill": "#00ff00", "fill_opacity": 1}},
    )
    forget_catalogue()
    page = visit.open_map(f"/{CENTRE}")
    entry = page.locator('[data-layer="edifici"]')
    legend, choice = entry.locator(".layer-legend"), entry.get_by_label("Stile – Edifici")
    expect(legend.get_by_text("Residenza")).to_be_visible()
    choice.select_option("Alti")
    expect(page).to_have_url(re.compile(r"layers=strade,edifici::alti|layers=edifici::alti,strade"))
    expect(legend).to_be_hidden()
    expect(entry.locator(".layer-row label img")).to_have_count(1)
    settle(page)
    assert "0,255,0" in colours(page)
    # Whoever is sent the address sees the same, under the names of the streets.
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("html[data-map=ready]")
    expect(legend).to_be_hidden()
    expect(choice).to_have_value("alti")
    settle(page)
    assert "0,255,0" in colours(page)
    choice.select_option("Uso")
    expect(legend.get_by_text("Residenza")).to_be_visible()
    expect(page).not_to_have_url(re.compile("alti"))
