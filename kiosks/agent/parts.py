"""The parts of a totem behind small drivers: each measures what this machine really offers, or nothing."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoportal.messaging.device.commands import CommandError, Unsupported

Readings = dict[str, Any]
_HTTP_S = 3.0
_BLANK, _LIT = "4", "0"
"""Values of `bl_power`: FB_BLANK_POWERDOWN and FB_BLANK_UNBLANK of the kernel's framebuffer interface."""
_DIRECT = 1 << 1
"""INPUT_PROP_DIRECT: touched where it is shown, that is a touch screen and not a pad."""


@dataclass(frozen=True, slots=True)
class Backlight:
    """The kernel's backlight class."""

    root: Path = Path("/sys/class/backlight")

    def read(self) -> Readings:
        """`backlight` in percent and `disp_on`; empty without such a device."""
        folder = self._folder()
        if folder is None:
            return {}
        power = _text(folder / "bl_power")
        share = _number(folder / "brightness") / max(1.0, _number(folder / "max_brightness"))
        return {"backlight": round(100 * share), **({"disp_on": power == _LIT} if power else {})}

    def set_percent(self, percent: int) -> None:
        """Raises Unsupported, CommandError."""
        folder = self._required()
        _write(folder / "brightness", str(round(_number(folder / "max_brightness") * percent / 100)))

    def switch(self, on: bool) -> None:
        """Raises Unsupported, CommandError."""
        _write(self._required() / "bl_power", _LIT if on else _BLANK)

    def _folder(self) -> Path | None:
        return next(iter(sorted(self.root.glob("*"))), None)

    def _required(self) -> Path:
        folder = self._folder()
        if folder is None:
            raise Unsupported("this machine has no backlight that can be set")
        return folder


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium with `--remote-debugging-port`, asked over its HTTP endpoint. `address` empty: not configured."""

    address: str

    def read(self) -> Readings:
        """`page_alive`: whether the browser answers and shows a page of its own, not an error page."""
        if not self.address:
            return {}
        try:
            return {"page_alive": self._page() is not None}
        except OSError:
            return {"page_alive": False}

    def show(self, url: str) -> str:
        """Open an address in a new page and close the old one; None of it touches the profile. Raises CommandError."""
        try:
            old = self._page()
            self._ask(f"/json/new?{urllib.parse.quote(url, safe=':/?&=%#')}", method="PUT")
            if old is not None:
                self._ask(f"/json/close/{old['id']}")
        except (OSError, ValueError) as error:
            raise CommandError(f"the browser does not answer on {self.address}: {error}") from error
        return f"showing {url}"

    def reload(self) -> str:
        """Open what is shown now afresh. Raises Unsupported, CommandError."""
        if not self.address:
            raise Unsupported("source.browser is not configured")
        try:
            page = self._page()
        except OSError as error:
            raise CommandError(f"the browser does not answer on {self.address}: {error}") from error
        if page is None:
            raise CommandError("the browser shows no page that could be loaded again")
        return self.show(str(page["url"]))

    def _page(self) -> Mapping[str, Any] | None:
        pages = json.loads(self._ask("/json/list"))
        good = [one for one in pages if one.get("type") == "page" and not one["url"].startswith("chrome-error:")]
        return good[0] if good else None

    def _ask(self, path: str, method: str = "GET") -> bytes:
        request = urllib.request.Request(self.address.rstrip("/") + path, method=method)  # noqa: S310 - from our file
        with urllib.request.urlopen(request, timeout=_HTTP_S) as answer:  # noqa: S310
            content: bytes = answer.read()
        return content


@dataclass(frozen=True, slots=True)
class TouchScreen:
    """The kernel's list of input devices. Without `name` nothing is expected, so nothing can be said."""

    name: str
    devices: Path = Path("/proc/bus/input/devices")

    def read(self) -> Readings:
        """`touch_ok`: whether the touch screen that this totem should have is there."""
        if not self.name:
            return {}
        blocks = (_text(self.devices) or "").split("\n\n")
        return {"touch_ok": any(self.name in block and _is_direct(block) for block in blocks)}


@dataclass(frozen=True, slots=True)
class Contact:
    """A file with a value, for instance of a GPIO line: the door."""

    path: str
    open_value: str = "1"

    def read(self) -> Readings:
        """`door`: whether it stands open; empty when not configured or not readable."""
        value = _text(Path(self.path)) if self.path else None
        return {} if value is None else {"door": value == self.open_value}


@dataclass(frozen=True, slots=True)
class CaseSensor:
    """A kernel sensor file in thousandths of a degree, or of a percent for humidity."""

    key: str
    path: str

    def read(self) -> Readings:
        """The value under `key`; empty when not configured or not readable."""
        try:
            return {self.key: round(float(Path(self.path).read_text(encoding="ascii")) / 1000, 1)} if self.path else {}
        except (OSError, ValueError):
            return {}


def _is_direct(block: str) -> bool:
    match = re.search(r"^B: PROP=([0-9a-f]+)", block, re.MULTILINE)
    return match is not None and bool(int(match[1], 16) & _DIRECT)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _number(path: Path) -> float:
    return float(_text(path) or 0)


def _write(path: Path, value: str) -> None:
    try:
        path.write_text(value, encoding="ascii")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}; see docs/agents.md on rights") from error
