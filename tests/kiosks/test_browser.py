"""A totem's orders through the real drivers: a real Chromium over its DevTools protocol."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from geoportal.commands.pictures import jpeg_size
from geoportal.messaging.device.commands import CommandError, Unsupported
from geoportal.messaging.orders import orders_of
from kiosks.agent.browser import PICTURE_BYTES, Browser
from kiosks.agent.devtools import shown_page
from kiosks.agent.totem import TotemSource
from tests.kiosks.conftest import Site
from tests.ports import free_port
from tests.product import eventually


def order(source: TotemSource, op: str, **arguments: Any) -> str:
    async def run() -> str:
        return await source.handlers()[op](arguments)

    return asyncio.run(run())


@pytest.fixture
def totem(chromium: str, site: Site) -> TotemSource:
    """A totem whose browser shows the site."""
    source = TotemSource({"browser": chromium}, centre_url=site.address)
    order(source, "set_page", url=f"{site.address}/piazza")
    return source


def in_page(chromium: str, expression: str) -> Any:
    with shown_page(chromium) as tab:
        return tab.evaluate(expression)


def touch(chromium: str, times: int = 1) -> None:
    with shown_page(chromium) as tab:
        for _ in range(times):
            for kind in ("mousePressed", "mouseReleased"):
                tab.ask("Input.dispatchMouseEvent", type=kind, x=40, y=40, button="left", clickCount=1)


def test_every_order_of_the_list_has_its_handler(totem: TotemSource) -> None:
    assert totem.handlers().keys() | {"refresh"} == {one.op for one in orders_of("totem")}


def test_a_page_that_lives_tells_what_it_shows(totem: TotemSource, chromium: str, site: Site) -> None:
    browser = Browser(chromium)
    read = browser.read()
    assert read["page_alive"] is True
    assert read["page_url"] == f"{site.address}/piazza"
    assert read["content_rev"] == "r7"
    assert read["content_age_s"] > 86_400
    assert (read["touches"], read["sessions"], read["err_js"]) == (0, 0, 0)
    assert "last_touch_s" not in read


def test_touches_are_counted_between_samples(totem: TotemSource, chromium: str) -> None:
    browser = Browser(chromium)
    browser.read()
    touch(chromium, 3)
    read = browser.read()
    assert (read["touches"], read["sessions"]) == (3, 1)
    assert read["last_touch_s"] < 60
    assert browser.read()["touches"] == 0
    order(totem, "reload")
    touch(chromium, 2)
    browser.read()
    touch(chromium, 1)
    assert browser.read()["touches"] == 1


def test_errors_of_the_page_are_counted_from_its_first_line(totem: TotemSource, chromium: str, site: Site) -> None:
    browser = Browser(chromium)
    browser.read()
    site.script = "setTimeout(() => { window.passed = true; throw new Error('late') }, 0); nothing.here()"
    order(totem, "reload")
    eventually(lambda: in_page(chromium, "window.passed") is True, "the later error is thrown")
    assert browser.read()["err_js"] == 2
    assert browser.read()["err_js"] == 0


def test_a_page_that_hangs_or_fails_is_not_alive(totem: TotemSource, chromium: str, site: Site) -> None:
    browser = Browser(chromium)
    with pytest.raises(CommandError, match="cannot be shown"):
        browser.show(f"http://127.0.0.1:{free_port()}/")
    assert browser.read() == {"page_alive": False}
    with pytest.raises(CommandError, match="own error page"):
        browser.set_language("en")
    browser.show(f"{site.address}/piazza")
    assert browser.read()["page_alive"] is True
    in_page(chromium, "setTimeout(() => { const end = Date.now() + 5000; while (Date.now() < end); }, 0)")
    assert browser.read() == {"page_alive": False}
    assert Browser(f"http://127.0.0.1:{free_port()}").read() == {"page_alive": False}


def test_reload_and_clear_cache_load_the_page_again(totem: TotemSource, chromium: str, site: Site) -> None:
    before = site.visits
    assert "/piazza is loaded" in order(totem, "reload")
    assert site.visits == before + 1
    assert "cache emptied" in order(totem, "clear_cache")
    assert site.visits == before + 2
    assert in_page(chromium, "document.querySelector('h1').textContent") == f"Cremona {site.visits}"


def test_the_language_is_set_and_looked_at(totem: TotemSource, chromium: str) -> None:
    assert "shown in de" in order(totem, "set_language", lang="de")
    assert in_page(chromium, "document.documentElement.lang") == "de"
    with pytest.raises(CommandError, match="the page stays in it"):
        order(totem, "set_language", lang="fr")


def test_a_message_is_text_on_the_page_for_a_while(totem: TotemSource, chromium: str) -> None:
    text = "Torniamo <b>alle 9</b> \u2028 `${1}` '\""
    assert order(totem, "show_message", text=text, seconds=5) == "shown for 5 s"
    box = "document.getElementById('geoportale-messaggio')"
    look = f"(b => [b.textContent, b.children.length, b.getAttribute('role')])({box})"
    assert in_page(chromium, look) == [text, 0, "alert"]
    assert order(totem, "show_message", text="altro") == "shown for 60 s"
    assert in_page(chromium, "document.querySelectorAll('#geoportale-messaggio').length") == 1


def test_a_screenshot_is_handed_in_but_not_while_somebody_is_there(
    totem: TotemSource, chromium: str, site: Site
) -> None:
    wished = {"upload_path": "/api/schermate/1", "upload_key": "k" * 20}
    assert "bytes handed in" in order(totem, "screenshot", **wished)
    ((path, key, image),) = site.pictures
    assert (path, key) == ("/api/schermate/1", "k" * 20)
    assert len(image) <= PICTURE_BYTES
    assert min(jpeg_size(image)) > 100
    site.refuse = 410
    with pytest.raises(CommandError, match="answers 410"):
        order(totem, "screenshot", **wished)
    touch(chromium)
    with pytest.raises(CommandError, match="somebody touched the screen"):
        order(totem, "screenshot", **wished)
    assert len(site.pictures) == 2


def test_without_a_browser_or_an_address_of_the_centre_the_answer_is_unsupported(chromium: str) -> None:
    bare = TotemSource({})
    for op, wished in (
        ("reload", {}),
        ("set_page", {"url": "http://x/"}),
        ("set_language", {"lang": "it"}),
        ("clear_cache", {}),
        ("show_message", {"text": "x"}),
        ("screenshot", {"upload_path": "/x", "upload_key": "k" * 20}),
    ):
        with pytest.raises(Unsupported):
            order(bare, op, **wished)
    with pytest.raises(Unsupported, match=r"centre\.url"):
        order(TotemSource({"browser": chromium}), "screenshot", upload_path="/x", upload_key="k" * 20)
    tested = json.loads(order(bare, "run_selftest"))
    assert {"page_alive", "door"} <= set(tested["unsupported"])
    assert "cpu" in tested
