"""A real browser (Debian's Chromium) before a real server. Every page fails its test when it asks another host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from layers.models import Field, Style, Theme
from tests.geodata import drop, forget_catalogue, make_layer

# Playwright's synchronous interface keeps an event loop on this thread, which Django takes for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium with WebGL drawn by the processor.

    One for each file: Playwright keeps an event loop on this thread until it is stopped, and tests that run a loop of
    their own cannot come after it.
    """
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: `make bootstrap` installs Debian's chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield started
        started.close()


class Visit:
    """A page, and every request it made."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.requests: list[str] = []
        self.faults: list[str] = []
        page.on("request", self._note)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.faults.append(message.text)
                if message.type == "error" and "Content Security Policy" in message.text
                else None
            ),
        )

    def _note(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.requests.append(request.url)

    def strangers(self) -> list[str]:
        """Requests that left our own address."""
        return [url for url in self.requests if urlsplit(url).netloc != urlsplit(self.origin).netloc]

    def open_map(self, path: str = "/") -> Page:
        """Open the map and wait until it can be used; `settle` waits until it has drawn everything it asked for."""
        self.page.goto(self.origin + path)
        self.page.wait_for_selector("html[data-map=ready]", timeout=PATIENCE_MS)
        return self.page


def settle(page: Page) -> None:
    """Until the map has drawn everything that was asked of it so far."""
    page.wait_for_selector("#map[data-state=ready]", timeout=PATIENCE_MS)


def new_context(browser: Browser, language: str = "it-IT", **options: object) -> BrowserContext:
    context = browser.new_context(locale=language, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    return context


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Visit]:
    """A desktop visit in Italian; at the end no request may have left the site and no script may have failed."""
    context = new_context(browser, viewport={"width": 1280, "height": 800})
    seen = Visit(context.new_page(), live_server.url)
    yield seen
    context.close()
    assert seen.strangers() == []
    assert seen.faults == []


BUILDINGS = """
INSERT INTO {table} (geom, uso, piani, altezza, rilevato, nome)
SELECT ST_MakeEnvelope(x, y, x + 40, y + 30, 32632), (ARRAY['residenza', 'scuola', 'ufficio'])[1 + n % 3], 1 + n % 7,
       n / 3.0, date '2024-03-05' + n, 'Edificio ' || n
FROM (SELECT n, 580400 + (n % 10) * 60 AS x, 4998000 + (n / 10) * 50 AS y FROM generate_series(0, 99) AS n) AS grid
"""
STREETS = """
INSERT INTO {table} (geom, nome)
SELECT ST_SetSRID(ST_MakeLine(ST_MakePoint(580390, y), ST_MakePoint(581020, y)), 32632), 'Via dell''Aquila ' || n
FROM (SELECT n, 4998040 + n * 100 AS y FROM generate_series(0, 4) AS n) AS rows
"""
TREES = """
INSERT INTO {table} (geom, specie)
SELECT ST_SetSRID(ST_MakePoint(580420 + n * 15, 4998015), 32632), 'Tiglio <b>n. ' || n || '</b>'
FROM generate_series(0, 20) AS n
"""
USES = [
    ("residenza", "Residenza", "Housing", "#cc6677", ""),
    ("scuola", "Scuola", "School", "#332288", ""),
    ("ufficio", "Ufficio", "Office", "#117733", "diagonal"),
]


@pytest.fixture
def city(transactional_db: None) -> Iterator[SimpleNamespace]:
    """`edifici` by use (100 polygons), `strade` with labels, `alberi` as triangles with a name that looks like HTML."""
    base = Theme.objects.create(slug="base", title_it="Cartografia di base", title_en="Base map")
    buildings = make_layer(
        "edifici", "POLYGON", 32632,
        {"uso": "string", "piani": "integer", "altezza": "number", "rilevato": "date", "nome": "string"}, BUILDINGS,
        title_it="Edifici", title_en="Buildings", theme=base, shown_by_default=True, is_sample=True,
    )  # fmt: skip
    Field.objects.filter(layer=buildings, name="piani").update(title_it="Piani", title_en="Storeys")
    Field.objects.filter(layer=buildings, name="altezza").update(unit="m")
    classes = [
        {"value": value, "label_it": italian, "label_en": english, "symbol": {"fill": fill, "hatch": hatch}}
        for value, italian, english, fill, hatch in USES
    ]
    Style.objects.create(
        layer=buildings, name="uso", title_it="Uso", spec={"kind": "categorised", "field": "uso", "classes": classes}
    )
    streets = make_layer(
        "strade", "LINESTRING", 32632, {"nome": "string"}, STREETS, title_it="Strade", theme=base, shown_by_default=True
    )
    Style.objects.create(
        layer=streets, name="vie", title_it="Vie",
        spec={"symbol": {"stroke": "#ffffff", "stroke_width": 6}, "label": {"field": "nome", "min_zoom": 14}},
    )  # fmt: skip
    trees = make_layer("alberi", "POINT", 32632, {"specie": "string"}, TREES, title_it="Alberi", title_en="Trees")
    Style.objects.create(
        layer=trees, name="chiome", title_it="Chiome",
        spec={"symbol": {"shape": "triangle", "size": 14, "fill": "#117733", "stroke": "#003300"}},
    )  # fmt: skip
    forget_catalogue()
    yield SimpleNamespace(buildings=buildings, streets=streets, trees=trees, base=base)
    drop(buildings, streets, trees)
