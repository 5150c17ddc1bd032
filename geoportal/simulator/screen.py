"""What a simulated totem does with its orders: words and refusals of the real agent, without a page or parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

from geoportal.messaging.device import centre
from geoportal.messaging.device.commands import CommandError, Handler
from geoportal.messaging.device.config import AgentConfig

SPOKEN = ("it", "en")
"""Languages of the page that totems show."""
_LOADS_S = 1.0
_WRONG_LANGUAGE = 8
"""The code of the real agent for a page that stays in its language."""


def picture() -> bytes:
    """The home page as a totem shows it: what every simulated totem hands in."""
    return resources.files(__package__).joinpath("screen.jpg").read_bytes()


class Screen:
    """Page, display and loudspeaker of one totem, as orders left them. Arguments were checked before they come here."""

    def __init__(self, config: AgentConfig) -> None:
        self._centre_url, self._ca = config.centre_url, config.ca
        self._lang = SPOKEN[0]
        self.readings: dict[str, Any] = {}
        """What samples say of it beyond the model."""

    def restart(self) -> None:
        """The browser begins again with its home page; what the parts were set to stays."""
        self._lang = SPOKEN[0]
        self.readings.pop("page_url", None)

    def handlers(self) -> Mapping[str, Handler]:
        """Every order that only totems know."""
        return {
            "reload": _after_loading(lambda _: "page loaded"),
            "set_page": _after_loading(lambda wished: self._set("page_url", wished["url"], f"shows {wished['url']}")),
            "set_language": _after_loading(lambda wished: self._speak(wished["lang"])),
            "clear_cache": _after_loading(lambda _: "cache cleared, page loaded"),
            "show_message": _at_once(lambda wished: f"shown for {wished.get('seconds', 60)} s"),
            "screenshot": self._screenshot,
            "display_on": _at_once(lambda _: self._switch(True)),
            "display_off": _at_once(lambda _: self._switch(False)),
            "set_brightness": _at_once(lambda wished: self._percent("backlight", "brightness", wished["percent"])),
            "set_volume": _at_once(lambda wished: self._percent("volume", "volume", wished["percent"])),
        }

    def _set(self, name: str, value: Any, words: str) -> str:
        self.readings[name] = value
        return words

    def _percent(self, name: str, part: str, percent: int) -> str:
        return self._set(name, percent, f"{part} {percent} %")

    def _switch(self, on: bool) -> str:
        self.readings |= {"disp_on": on, "disp_want": on}
        return f"display {'on' if on else 'off'}"

    def _speak(self, lang: str) -> str:
        if lang not in SPOKEN:
            raise CommandError(f"the page stays in {self._lang}", code=_WRONG_LANGUAGE)
        self._lang = lang
        return f"the page is in {lang}"

    async def _screenshot(self, arguments: Mapping[str, Any]) -> str:
        return await centre.hand_in(self._centre_url, arguments, picture(), self._ca)


def _at_once(do: Callable[[Mapping[str, Any]], str]) -> Handler:
    async def handler(arguments: Mapping[str, Any]) -> str:
        return do(arguments)

    return handler


def _after_loading(do: Callable[[Mapping[str, Any]], str]) -> Handler:
    async def handler(arguments: Mapping[str, Any]) -> str:
        await asyncio.sleep(_LOADS_S)
        return do(arguments)

    return handler
