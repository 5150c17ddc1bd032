"""One device: its spool, its session and its orders, tied together. Real agents and the simulator use this alike."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from geoportal.messaging.device.clock import kernel_boot
from geoportal.messaging.device.commands import Commands, Handler
from geoportal.messaging.device.config import AgentConfig
from geoportal.messaging.device.session import Session, Surroundings
from geoportal.messaging.device.spool import Spool, SpoolError

logger = logging.getLogger("geoportal.device")

Info = Callable[[], Mapping[str, Any]]
_INTERVAL_LIMITS_S = (1, 86_400)


class Device:
    """A device that reports. Everything happens on one asyncio loop; many devices may share it."""

    def __init__(
        self,
        config: AgentConfig,
        *,
        info: Info,
        handlers: Mapping[str, Handler] | None = None,
        surroundings: Surroundings | None = None,
        boot: str | None = None,
    ) -> None:
        """Opens the spool; `boot` is the machine's boot unless given. Raises SpoolError."""
        self.config = config
        self._info = info
        self._around = surroundings or Surroundings()
        self.spool = Spool(
            config.spool_file, max_bytes=int(config.spool_max_mb * 1_000_000), kernel_boot=boot or kernel_boot()
        )
        self._desired = desired(self.spool.recall("cfg", "{}"))
        handlers = handlers or {}
        self._commands = Commands(
            self.spool, handlers, say=self._answer, now=self._around.now, clock=self._around.clock_quality
        )
        self._orders = sorted(handlers)
        self.session = Session(
            config,
            self.spool,
            info=self._described,
            on_command=self._commands.receive,
            on_config=self._configure,
            surroundings=self._around,
        )

    @property
    def interval_s(self) -> int:
        """Seconds between samples: what the centre wished, else the configuration file's."""
        wished = self._desired.get("interval_s")
        return wished if type(wished) is int else self.config.interval_s

    def start(self, delay_s: float = 0.0) -> None:
        """Settle what the last process left, and connect after a while."""
        self._commands.settle()
        self.session.start(delay_s)

    async def stop(self, why: str = "shutdown", *, drain_s: float = 0.0) -> None:
        """Say goodbye and close; what waits stays in the spool."""
        await self._commands.cancel()
        await self.session.stop(why, drain_s=drain_s)
        self.spool.close()

    def report(self, metrics: Mapping[str, Any], *, at: float | None = None) -> None:
        """Spool one sample and send it as soon as possible."""
        self._add("tele", {"int": self.interval_s, "m": metrics}, at)

    def event(self, name: str, details: Mapping[str, Any] | None = None) -> None:
        """Spool one event."""
        self._add("event", {"ev": name, "d": details or {}}, None)

    def _answer(self, result: dict[str, Any]) -> None:
        self._add("cmdres", result, None)

    def _add(self, channel: str, body: Mapping[str, Any], at: float | None) -> None:
        try:
            self.spool.add(channel, body, at=self._around.now() if at is None else at)
        except SpoolError as error:
            # A full or broken disk: the device goes on, and no number was used that the centre would wait for.
            logger.error("%s: %s", self.config.devid, error)
            return
        self.session.wake()

    def _described(self) -> dict[str, Any]:
        described = {"interval_s": self.interval_s, "commands": self._orders, **self._info()}
        if "rev" in self._desired:
            described["cfg_rev"] = self._desired["rev"]
        return described

    def _configure(self, payload: bytes) -> None:
        """`dn/cfg`: keep a valid one over restarts, and tell by a new description which revision holds."""
        try:
            wished = desired(payload)
        except ValueError as error:
            logger.warning("%s: the configuration from the centre is refused: %s", self.config.devid, error)
            self.event("cfg_refused", {"why": str(error)})
            return
        if wished != self._desired:
            self._desired = wished
            self.spool.remember("cfg", json.dumps(wished))
            self.session.publish_info()


def desired(payload: str | bytes) -> dict[str, Any]:
    """Read a desired configuration: {rev, interval_s, …}; unknown keys are kept. Raises ValueError."""
    document = json.loads(payload)
    if not isinstance(document, dict):
        raise ValueError("the configuration must be a JSON object")
    interval = document.get("interval_s")
    low, high = _INTERVAL_LIMITS_S
    if interval is not None and (type(interval) is not int or not low <= interval <= high):
        raise ValueError(f"interval_s must be a whole number from {low} to {high}, found {interval!r}")
    return document
