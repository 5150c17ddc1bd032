"""One totem: its machine by psutil, its parts by drivers, and what can be ordered."""

from __future__ import annotations

import asyncio
import json
import platform
from collections.abc import Mapping
from typing import Any, Self

import psutil

from geoportal.messaging.device.clock import uptime_s
from geoportal.messaging.device.commands import CommandError, Handler, Restarting, Unsupported
from geoportal.messaging.device.config import AgentConfig, ConfigError
from kiosks.agent.parts import Backlight, Browser, CaseSensor, Contact, TouchScreen

_TEXT_OPTIONS = ("model", "browser", "touch", "door", "case_temperature", "case_humidity", "storage")
_MEASURES = ("backlight", "disp_on", "page_alive", "touch_ok", "door", "temp_case", "hum", "temp_cpu")
"""What depends on the machine, and is named `unsupported` where it is missing."""
_CPU_SENSORS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "zenpower", "acpitz")


class TotemSource:
    """The readings of this machine. Options: docs/agents.md."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Raises ConfigError for an option that is unknown or no text."""
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
        self._browser = Browser(options.get("browser", ""))
        self._parts = (
            self._backlight,
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
        return cls(config.source)

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
        return await asyncio.to_thread(self._measured)

    def handlers(self) -> Mapping[str, Handler]:
        """What can be ordered; a driver without its part answers unsupported."""
        return {
            "reload": self._reload,
            "set_page": self._set_page,
            "display_on": lambda _arguments: self._switch(True),
            "display_off": lambda _arguments: self._switch(False),
            "set_brightness": self._set_brightness,
            "run_selftest": self._selftest,
            "reboot": self._reboot,
        }

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
        return measured

    async def _reload(self, _arguments: Mapping[str, Any]) -> str:
        return await asyncio.to_thread(self._browser.reload)

    async def _set_page(self, arguments: Mapping[str, Any]) -> str:
        url = arguments.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise CommandError(f"url must begin with https:// or http://, found {url!r}", state="rejected")
        if not self._browser.address:
            raise Unsupported("source.browser is not configured")
        return await asyncio.to_thread(self._browser.show, url)

    async def _switch(self, on: bool) -> str:
        self._backlight.switch(on)
        return f"display {'on' if on else 'off'}"

    async def _set_brightness(self, arguments: Mapping[str, Any]) -> str:
        percent = arguments.get("percent")
        if type(percent) is not int or not 0 <= percent <= 100:
            raise CommandError(f"percent must be a whole number from 0 to 100, found {percent!r}", state="rejected")
        self._backlight.set_percent(percent)
        return f"brightness {percent} %"

    async def _selftest(self, _arguments: Mapping[str, Any]) -> str:
        return json.dumps(await self.read())

    async def _reboot(self, _arguments: Mapping[str, Any]) -> str:
        process = await asyncio.create_subprocess_exec(*self._reboot_command, stderr=asyncio.subprocess.PIPE)
        _, errors = await process.communicate()
        if process.returncode:
            raise CommandError(f"{self._reboot_command[0]} refused: {errors.decode(errors='replace').strip()}")
        raise Restarting


def _temperatures() -> Mapping[str, Any]:
    found: Mapping[str, Any] = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    return found
