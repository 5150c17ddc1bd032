"""The browser of a totem: whether its page lives, how it is used, and what can be ordered of it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from geoportal.messaging.device.commands import CommandError, Unsupported
from kiosks.agent.devtools import BrowserAway, Tab, shown_page

Readings = dict[str, Any]
IN_USE_S = 60.0
"""A screenshot within this time of a touch could show what somebody is looking for: none is taken."""
PICTURE_BYTES = 150_000
_QUALITIES = (70, 50, 30, 15)
_MESSAGE_S = 60
_TEXT_LIMIT = 120

# Counts, never where or what: nothing of the person who touches leaves the page.
_LOOK = """(() => {
  const seen = window.__geoportaleTotem ??= (() => {
    const counts = { touches: 0, sessions: 0, last: null }
    addEventListener('pointerdown', () => {
      const now = performance.now()
      if (counts.last === null || now - counts.last > SESSION_MS) counts.sessions += 1
      counts.last = now
      counts.touches += 1
    }, { capture: true, passive: true })
    return counts
  })()
  const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? null
  return {
    load: performance.timeOrigin, protocol: location.protocol, url: location.origin + location.pathname,
    lang: document.documentElement.lang, revision: meta('content-revision'), updated: meta('content-updated'),
    touches: seen.touches, sessions: seen.sessions,
    last_touch_s: seen.last === null ? null : (performance.now() - seen.last) / 1000,
  }
})()""".replace("SESSION_MS", f"{IN_USE_S * 1000:.0f}")

_MESSAGE = """((text, seconds) => {
  document.getElementById('geoportale-messaggio')?.remove()
  const box = document.createElement('div')
  box.id = 'geoportale-messaggio'
  box.setAttribute('role', 'alert')
  box.style.cssText = 'position:fixed;inset:auto 0 0 0;z-index:2147483647;padding:1.2em;font:600 28px sans-serif;' +
    'background:#17324d;color:#fff;text-align:center;overflow-wrap:anywhere'
  box.textContent = text
  document.body.append(box)
  setTimeout(() => box.remove(), seconds * 1000)
  return box.isConnected && box.textContent === text
})(%s, %d)"""


class Browser:
    """A Chromium with `--remote-debugging-port`. `address` empty: not configured. Not for two threads at once."""

    def __init__(self, address: str, *, language_cookie: str = "django_language") -> None:
        self.address = address
        self._cookie = language_cookie
        self._before: dict[str, Any] = {}
        """The counters at the last sample, and the page load that they belong to."""

    # Measuring.

    def read(self) -> Readings:
        """Whether the page lives, what it shows, and how often it was touched and failed since the last sample.

        `page_alive` is false when the browser is away, the page is Chromium's own error page, or its scripts hang.
        """
        if not self.address:
            return {}
        try:
            with shown_page(self.address) as tab:
                look = self._look(tab)
        except BrowserAway:
            return {"page_alive": False}
        if look["protocol"] == "chrome-error:":
            return {"page_alive": False}
        found: Readings = {"page_alive": True, "page_url": look["url"][:_TEXT_LIMIT], **self._since_last(look)}
        if look["last_touch_s"] is not None:
            found["last_touch_s"] = round(look["last_touch_s"])
        if look["revision"]:
            found["content_rev"] = str(look["revision"])[:_TEXT_LIMIT]
        age = _age_s(look["updated"])
        return found if age is None else {**found, "content_age_s": age}

    def _look(self, tab: Tab) -> dict[str, Any]:
        # Enabling repeats the exceptions that the page has thrown since it was loaded.
        tab.ask("Runtime.enable")
        look: dict[str, Any] = tab.evaluate(_LOOK)
        look["errors"] = tab.count("Runtime.exceptionThrown")
        return look

    def _since_last(self, look: dict[str, Any]) -> Readings:
        held = self._before if self._before.get("load") == look["load"] else {}
        self._before = look
        names = {"touches": "touches", "sessions": "sessions", "err_js": "errors"}
        return {name: max(0, look[key] - held.get(key, 0)) for name, key in names.items()}

    # Orders. All raise Unsupported without a browser in the configuration, CommandError when it does not do it.

    def reload(self, *, ignore_cache: bool = False) -> str:
        """Load the page afresh and wait until it is there."""
        with self._tab() as tab:
            tab.ask("Page.enable")
            tab.ask("Page.reload", ignoreCache=ignore_cache)
            tab.wait_for("Page.loadEventFired")
            return f"{_arrived(tab)} is loaded"

    def show(self, url: str) -> str:
        """Go to another address and wait until it is there."""
        with self._tab() as tab:
            tab.ask("Page.enable")
            failed = tab.ask("Page.navigate", url=url).get("errorText")
            if failed:
                raise CommandError(f"{url} cannot be shown: {failed}")
            tab.wait_for("Page.loadEventFired")
            return f"showing {_arrived(tab)}"

    def set_language(self, language: str) -> str:
        """Choose the page's language by its cookie, load it again, and look whether it follows."""
        with self._tab() as tab:
            tab.ask("Network.setCookie", name=self._cookie, value=language, url=_arrived(tab), path="/")
            tab.ask("Page.enable")
            tab.ask("Page.reload")
            tab.wait_for("Page.loadEventFired")
            shown = str(tab.evaluate("document.documentElement.lang"))
            if shown.split("-")[0].lower() != language:
                raise CommandError(f"the page stays in {shown or 'a language it does not name'}", code=8)
            return f"{_arrived(tab)} is shown in {shown}"

    def clear_cache(self) -> str:
        """Empty the caches of the browser and of the page's workers, then load it from its server."""
        with self._tab() as tab:
            address = urlsplit(_arrived(tab))
            tab.ask("Network.clearBrowserCache")
            tab.ask(
                "Storage.clearDataForOrigin",
                origin=f"{address.scheme}://{address.netloc}",
                storageTypes="cache_storage,service_workers",
            )
        return f"cache emptied; {self.reload(ignore_cache=True)}"

    def message(self, text: str, seconds: int | None) -> str:
        """Show a text over the page for a while, to screen readers too."""
        shown_s = seconds or _MESSAGE_S
        with self._tab() as tab:
            if tab.evaluate(_MESSAGE % (json.dumps(text), shown_s)) is not True:
                raise CommandError("the page does not show the message")
        return f"shown for {shown_s} s"

    def screenshot(self) -> bytes:
        """A JPEG of what is shown, at most PICTURE_BYTES; none while somebody uses the totem."""
        with self._tab() as tab:
            touched = tab.evaluate(_LOOK)["last_touch_s"]
            if touched is not None and touched < IN_USE_S:
                raise CommandError(f"somebody touched the screen {touched:.0f} s ago: no picture is taken", code=7)
            for quality in _QUALITIES:
                answer = tab.ask("Page.captureScreenshot", format="jpeg", quality=quality)
                image = base64.b64decode(answer["data"])
                if len(image) <= PICTURE_BYTES:
                    return image
        raise CommandError(f"the picture has {len(image)} bytes even at quality {quality}; {PICTURE_BYTES} are allowed")

    @contextmanager
    def _tab(self) -> Iterator[Tab]:
        if not self.address:
            raise Unsupported("source.browser is not configured")
        try:
            with shown_page(self.address) as tab:
                yield tab
        except BrowserAway as error:
            raise CommandError(str(error)) from error


def _arrived(tab: Tab) -> str:
    """The address of the page that is shown; CommandError when it is the browser's error page."""
    where = str(tab.evaluate("location.href"))
    if where.startswith("chrome-error:"):
        raise CommandError("the browser shows its own error page: the address does not answer")
    return where


def _age_s(updated: str | None) -> int | None:
    """Seconds since the page's own time of its content; None when it says none."""
    if not updated or not re.match(r"\d{4}-\d\d-\d\dT", updated):
        return None
    try:
        moment = datetime.fromisoformat(updated)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0, int((datetime.now(UTC) - moment).total_seconds()))
