"""One page of every kind, as an administrator who sees all of it: Italian on a phone, English on a desk.

Each fits the screen, is in its language and without an error; on the phone each keeps axe-core's rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from geoportal.runtime.product import answers
from tests.browser.conftest import Visit, new_context
from tests.browser.conftest import browser as browser
from tests.product import BASE, RunningProduct, eventually

AXE = BASE / "node_modules" / "axe-core" / "axe.min.js"
LAYER, DEVICE = "edifici", "ap-largo-boccaccino-1"
PAGES = (
    "/livelli/", f"/livelli/{LAYER}/", f"/livelli/{LAYER}/descrizione/", f"/livelli/{LAYER}/stile/",
    f"/livelli/{LAYER}/versioni/", "/da-rivedere/", "/pubblica/", "/fonti/", "/fonti/nuova/", "/relazioni/",
    "/tecnici/", f"/tecnici/{DEVICE}/", "/tecnici/allarmi/", "/tecnici/regole/", "/tecnici/regole/dispositivo-perso/",
    "/tecnici/manutenzione/", "/tecnici/disponibilita/", "/tecnici/rifiuti/", "/tecnici/nuovo/", "/profilo/gettoni/",
    "/note/", "/ogc/?f=html", f"/ogc/collections/{LAYER}?f=html", f"/ogc/collections/{LAYER}/items?f=html",
    f"/ogc/collections/{LAYER}/schema?f=html", "/ogc/processes/buffer?f=html", "/admin/layers/layer/", "/",
)  # fmt: skip
DESK = 1000
RULES = """() => !globalThis.axe ? [] : axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    resultTypes: ['violations'], preload: false, iframes: false,
}).then(found => found.violations.map(one => `${one.id}: ${one.nodes[0].html.slice(0, 200)}`))"""
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(params=[("it-IT", 390), ("en-GB", 1280)], ids=["phone", "desk"])
def visit(request: pytest.FixtureRequest, browser: Browser, product: RunningProduct) -> Iterator[Visit]:
    eventually(lambda: answers(f"{product.url}/"), "the site is in order again after the last test")
    language, width = request.param
    context = new_context(browser, language, viewport={"width": width, "height": 844})
    if width < DESK:
        context.add_init_script(path=AXE)
    visit = Visit(context.new_page(), product.url)
    page = visit.page
    page.goto(f"{product.url}/accedi/")
    page.fill("[name=username]", "amministratore")
    page.fill("[name=password]", product.logins["amministratore"])
    page.click("main button[type=submit]")
    expect(page.locator(".site-user")).to_be_visible()
    yield visit
    context.close()
    assert visit.strangers() == []
    assert visit.faults == []


def troubles(page: Page, address: str, language: str) -> list[str]:
    """What is wrong with one page."""
    answer = page.goto(address)
    found: list[str] = page.evaluate(RULES)
    if answer is None or answer.status != 200:
        found.append(f"answered {answer and answer.status}")
    if page.get_attribute("html", "lang") != language:
        found.append(f"is in {page.get_attribute('html', 'lang')}")
    if beyond := page.evaluate(WIDE):
        found.append(f"{beyond} px wider than the screen")
    return found


def test_every_kind_of_page_is_accessible_in_its_language_and_fits(visit: Visit) -> None:
    language = "it" if visit.page.viewport_size and visit.page.viewport_size["width"] < DESK else "en"
    found = {path: troubles(visit.page, visit.origin + path, language) for path in PAGES}
    assert {path: wrong for path, wrong in found.items() if wrong} == {}
