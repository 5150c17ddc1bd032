"""One totem: its machine by psutil, its parts by drivers, and what can be ordered (geoportal.messaging.orders)."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Callable, Mapping
from typing import Any, Self

import psutil

from geoportal.messaging.device import centre
from geoportal.messaging.device.clock import uptime_s
from geoportal.messaging.device.commands import CommandError, Handler, Restarting
from geoportal.messaging.device.config import AgentConfig, ConfigError
from kiosks.agent.browser import Browser
from kiosks.agent.parts import Backlight, CaseSensor, Contact, Mixer, TouchScreen

_TEXT_OPTIONS = (
    "model", "browser", "language_cookie", "touch", "door", "case_temperature", "case_humidity", "storage", "mixer",
)  # fmt: skip
_MEASURES = ("backlight", "disp_on", "volume", "page_alive", "touch_ok", "door", "temp_case", "hum", "temp_cpu")
"""What depends on the machine, and is named `unsupported` where it is missing."""
_CPU_SENSORS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "zenpower", "acpitz")


class TotemSource:
    """The readings of this machine. Options: docs/agents.md."""

    def __init__(self, options: Mapping[str, Any], *, centre_url: str = "", centre_ca: str = "") -> None:
        """`centre_url`: where pictures are handed in. Raises ConfigError for an option that is unknown or no text."""
        for name, value in options.items():
            if name != "reboot" and (name not in _TEXT_OPTIONS or not isinstance(value, str)):
                raise ConfigError(
                    f"source.{name} = {value!r}: known are reboot and {', '.join(_TEXT_OPTIONS)}, as text"
                )
        self._reboot_command = options.get("reboot", ["systemctl", "reboot"])
        if not isinstance(self._reboot_command, list) or not all(isinstance(x, str) for x in self._reboot_command):
            raise ConfigError(f"source.reboot must be a list of text, found {self._reboot_command!r}")
        self._model = options.get("model", "")
        self._storage = options.get("storage", "/")
        self._backlight = Backlight()
        self._mixer = Mixer(options.get("mixer", "Master"))
        self._browser = Browser(
            options.get("browser", ""), language_cookie=options.get("language_cookie", "django_language")
        )
        self._centre_url, self._centre_ca = centre_url, centre_ca
        self._wants_display: bool | None = None
        self._one_at_a_time = asyncio.Lock()
        self._parts = (
            self._backlight,
            self._mixer,
            self._browser,
            TouchScreen(options.get("touch", "")),
            Contact(options.get("door", "")),
            CaseSensor("temp_case", options.get("case_temperature", "")),
            CaseSensor("hum", options.get("case_humidity", "")),
        )
        psutil.cpu_percent()  # the first answer has no meaning: it begins the measured time

    @classmethod
    def of(cls, config: AgentConfig) -> Self:
        """The source that a configuration describes. Raises ConfigError."""
        return cls(config.source, centre_url=config.centre_url, centre_ca=config.ca)

    def info(self) -> Mapping[str, Any]:
        """Model, system, and what can and cannot be measured."""
        measured = self._measured()
        return {
            "model": self._model or platform.machine(),
            "os": platform.platform(),
            "agent": "kiosks.agent",
            "capabilities": sorted(measured),
            "unsupported": [name for name in _MEASURES if name not in measured],
        }

    async def read(self) -> Mapping[str, Any]:
        """One sample; drivers may wait for the browser, so they run beside the loop."""
        return await self._beside(self._measured)

    def handlers(self) -> Mapping[str, Handler]:
        """What can be ordered; a driver without its part answers unsupported. Arguments have been checked."""
        browser = self._browser
        return {
            "reload": lambda _: self._beside(browser.reload),
            "set_page": lambda wished: self._beside(browser.show, wished["url"]),
            "set_language": lambda wished: self._beside(browser.set_language, wished["lang"]),
            "clear_cache": lambda _: self._beside(browser.clear_cache),
            "show_message": lambda wished: self._beside(browser.message, wished["text"], wished.get("seconds")),
            "screenshot": self._screenshot,
            "display_on": lambda _: self._beside(self._switch, True),
            "display_off": lambda _: self._beside(self._switch, False),
            "set_brightness": lambda wished: self._beside(self._set_brightness, wished["percent"]),
            "set_volume": lambda wished: self._beside(self._set_volume, wished["percent"]),
            "run_selftest": self._selftest,
            "reboot": self._reboot,
        }

    async def _beside[T](self, do: Callable[..., T], *arguments: Any) -> T:
        """In a thread, one thing after the other: two orders do not meet in the browser."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(do, *arguments)

    def _measured(self) -> dict[str, Any]:
        network = psutil.net_io_counters()
        disk = psutil.disk_usage(self._storage)
        measured: dict[str, Any] = {
            "cpu": psutil.cpu_percent(),
            "mem": psutil.virtual_memory().percent,
            "disk": disk.percent,
            "store_free": round(disk.free / 1e6),
            "load1": round(psutil.getloadavg()[0], 2),
            "uptime": uptime_s(),
            "rx_total": network.bytes_recv,
            "tx_total": network.bytes_sent,
        }
        hottest = [one.current for name, found in _temperatures().items() if name in _CPU_SENSORS for one in found]
        if hottest:
            measured["temp_cpu"] = round(max(hottest), 1)
        for part in self._parts:
            measured |= part.read()
        if self._wants_display is not None and "disp_on" in measured:
            measured["disp_want"] = self._wants_display
        return measured

    def _switch(self, on: bool) -> str:
        self._backlight.switch(on)
        self._wants_display = on
        return f"display {'on' if on else 'off'}"

    def _set_brightness(self, percent: int) -> str:
        self._backlight.set_percent(percent)
        return f"brightness {percent} %"

    def _set_volume(self, percent: int) -> str:
        self._mixer.set_percent(percent)
        return f"volume {percent} %"

    async def _screenshot(self, arguments: Mapping[str, Any]) -> str:
        image = await self._beside(self._browser.screenshot) if self._centre_url else b""
        return await centre.hand_in(self._centre_url, arguments, image, self._centre_ca)

    async def _selftest(self, _arguments: Mapping[str, Any]) -> str:
        measured = await self.read()
        missing = [name for name in _MEASURES if name not in measured]
        return json.dumps({**measured, "unsupported": missing}, ensure_ascii=False)

    async def _reboot(self, _arguments: Mapping[str, Any]) -> str:
        process = await asyncio.create_subprocess_exec(*self._reboot_command, stderr=asyncio.subprocess.PIPE)
        _, errors = await process.communicate()
        if process.returncode:
            raise CommandError(f"{self._reboot_command[0]} refused: {errors.decode(errors='replace').strip()}")
        raise Restarting


def _temperatures() -> Mapping[str, Any]:
    found: Mapping[str, Any] = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    return found
