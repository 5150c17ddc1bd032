"""The parts of a totem behind small drivers: each measures what this machine really offers, or nothing."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoportal.messaging.device.commands import CommandError, Unsupported

Readings = dict[str, Any]
_PROGRAM_S = 5.0
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
class Mixer:
    """The loudspeaker by ALSA's `amixer`."""

    control: str = "Master"
    program: str = "amixer"

    def read(self) -> Readings:
        """`volume` in percent, 0 while muted; empty without a sound card."""
        said = self._run("get")
        levels = re.findall(r"\[(\d+)%\](?:.*\[(on|off)\])?", said or "")
        return {"volume": 0 if levels[0][1] == "off" else int(levels[0][0])} if levels else {}

    def set_percent(self, percent: int) -> None:
        """Raises Unsupported, CommandError."""
        if not self.read():
            raise Unsupported(f"this machine has no sound control {self.control!r} (amixer)")
        if self._run("set", f"{percent}%", "unmute") is None:
            raise CommandError(f"amixer refuses {percent} %")

    def _run(self, verb: str, *words: str) -> str | None:
        command = [self.program, "-M", verb, self.control, *words]
        try:
            result = subprocess.run(command, capture_output=True, text=True, timeout=_PROGRAM_S)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return result.stdout if result.returncode == 0 else None


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
