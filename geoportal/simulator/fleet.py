"""Many simulated devices on one loop, each a real client of the contract with its own spool and connection."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geoportal.messaging.device.commands import Handler, Restarting
from geoportal.messaging.device.config import AgentConfig
from geoportal.messaging.device.device import Device
from geoportal.messaging.device.session import Surroundings
from geoportal.simulator.life import City
from geoportal.simulator.metrics import Effect, Site, sample
from geoportal.simulator.scenarios import FINE, Story
from geoportal.simulator.screen import Screen

logger = logging.getLogger("geoportal.simulator")

BIRTHS_S = 3.0
"""The fleet's births are spread over this time."""
_TICK_S = 1.0
_REBOOT_S = 15.0
_STOP_S = 3.0
_FIRMWARE = "2.0.4"


@dataclass(frozen=True, slots=True)
class Timepiece:
    """The time around the devices: the world's own, or one that is moved by hand."""

    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    monotonic: Callable[[], float] = time.monotonic


REAL_TIME = Timepiece()


class SimulatedDevice:
    """One device: the model's measurements, a scenario's effects, the agents' client."""

    def __init__(
        self, config: AgentConfig, site: Site, *, seed: int, time: Timepiece = REAL_TIME, wraps: bool = False
    ) -> None:
        """`wraps`: its traffic counters have 32 bits."""
        self.config = config
        self.site = site
        self._seed = seed
        self._time = time
        self._wraps_at = 2**32 if wraps else 2**63
        self._random = random.Random(f"{seed} {site.devid}")  # noqa: S311 - jitter, no secret
        self._effect = FINE
        self._down_until = 0.0
        self._screen = Screen(config)
        self._traffic = [int(2e9 * self._random.random()), int(2e8 * self._random.random())]
        self._device: Device | None = None
        self._was_linked = True
        self._begin()

    @property
    def device(self) -> Device | None:
        """The running client; None while the power is off."""
        return self._device

    def _begin(self) -> Device:
        """Switch on: a new boot."""
        self._started = self._time.monotonic()
        self._traffic_at = self._started
        self._screen.restart()
        surroundings = Surroundings(
            now=self._now,
            monotonic=self._time.monotonic,
            uptime_s=lambda: int(self._time.monotonic() - self._started),
            clock_quality=self._clock,
            random=self._random,
        )
        device = self._device = Device(
            self.config,
            info=self._info,
            handlers=self._handlers(),
            surroundings=surroundings,
            boot=str(uuid.UUID(int=random.SystemRandom().getrandbits(128), version=4)),
        )
        self._was_linked = True
        return device

    def start(self, delay_s: float, backlog_s: float = 0.0) -> None:
        """Connect after a while; before that, spool samples of the past `backlog_s` seconds."""
        device = self._device or self._begin()
        count = int(backlog_s // device.interval_s)
        for number in range(count):
            at = self._now() - (count - number) * device.interval_s
            device.report(self._measured(at), at=at)
        device.start(delay_s)

    def apply(self, effect: Effect) -> None:
        """Switch power and network as the scenario wants them."""
        told = effect.firmware != self._effect.firmware
        self._effect = effect
        powered = effect.powered and self._time.monotonic() >= self._down_until
        if self._device is not None and not powered:
            self._device.session.drop()
            self._device.spool.close()
            self._device = None
        elif self._device is None and powered:
            self._begin().start(self._random.uniform(0, 1.5))
        if self._device is None:
            return
        if effect.linked != self._was_linked:
            self._was_linked = effect.linked
            if effect.linked:
                self._device.session.start(self._random.uniform(0, 2.0))
            else:
                self._device.session.drop()
        elif told:
            self._device.session.publish_info()

    def report(self, model_at: float) -> float:
        """One sample of the model's moment, dated by the device's clock; seconds until the next."""
        if self._device is None:
            return float(self.config.interval_s)
        self._device.report(self._measured(model_at))
        return float(self._device.interval_s)

    async def stop(self) -> None:
        """Say goodbye."""
        if self._device is not None:
            await self._device.stop("shutdown")

    def _measured(self, model_at: float) -> dict[str, Any]:
        up_s = self._time.monotonic() - self._started
        measured = sample(self.site, model_at, seed=self._seed, up_s=up_s, effect=self._effect)
        passed, self._traffic_at = self._time.monotonic() - self._traffic_at, self._time.monotonic()
        for index, name in enumerate(("rx", "tx")):
            rate = measured.get(f"{name}_bps", 40_000 if name == "rx" else 6_000)
            self._traffic[index] = (self._traffic[index] + int(rate / 8 * passed)) % self._wraps_at
            measured[f"{name}_total"] = self._traffic[index]
        return measured | self._screen.readings

    def _now(self) -> float:
        return self._time.now() + self._effect.clock_offset_s

    def _clock(self) -> str:
        if abs(self._effect.clock_offset_s) > 86_400:
            return "unset"
        return "free" if self._effect.clock_offset_s else "ntp"

    def _info(self) -> Mapping[str, Any]:
        names = {"ap": "Punto di accesso di esempio", "totem": "Totem di esempio"}
        return {
            "model": names[self.site.kind],
            "fw": self._effect.firmware or _FIRMWARE,
            "agent": "simulator",
            "capabilities": sorted(sample(self.site, 0.0, seed=self._seed, up_s=0.0, effect=FINE)),
        }

    # What can be ordered.

    def _handlers(self) -> Mapping[str, Handler]:
        common: dict[str, Handler] = {"reboot": self._reboot, "run_selftest": self._selftest}
        return {**common, **self._screen.handlers()} if self.site.kind == "totem" else common

    async def _reboot(self, _arguments: Mapping[str, Any]) -> str:
        self._down_until = self._time.monotonic() + _REBOOT_S
        raise Restarting

    async def _selftest(self, _arguments: Mapping[str, Any]) -> str:
        measured = self._measured(self._time.now())
        return ", ".join(f"{name}={value}" for name, value in sorted(measured.items()))


class Fleet:
    """The running simulation. `speed` makes the model's day pass faster; samples keep the real time.

    With a `city`, devices of which the story says nothing have the accidents of its ordinary life.
    """

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        story: Story,
        *,
        speed: float = 1.0,
        time: Timepiece = REAL_TIME,
        city: City | None = None,
    ) -> None:
        self.devices = devices
        self._story = story
        self._speed = speed
        self._time = time
        self._city = city
        self._began = 0.0
        self._began_at = 0.0
        self._due: list[tuple[float, int, SimulatedDevice]] = []
        """When each device takes its next sample; the numbers keep devices from being compared."""
        self._numbers = itertools.count()

    @property
    def elapsed_s(self) -> float:
        """Model seconds since the start."""
        return (self._time.monotonic() - self._began) * self._speed

    async def run(self, end: asyncio.Event) -> None:
        """Until `end` is set; then every device says goodbye."""
        self.begin()
        try:
            while not end.is_set():
                self.look()
                await _wait(end, _TICK_S / 4 if self.elapsed_s < BIRTHS_S * self._speed else _TICK_S)
        finally:
            await asyncio.wait_for(self.stop(), _STOP_S)

    def begin(self) -> None:
        """Connect all, spread over some seconds."""
        self._began, self._began_at = self._time.monotonic(), self._time.now()
        for number, device in enumerate(self.devices):
            delay = BIRTHS_S * number / max(1, len(self.devices))
            backlog_s = self._story.backlog_s if device.site.devid in self._story.targets else 0.0
            device.start(delay, backlog_s)
            # The first sample waits in the spool and goes out right behind the birth.
            heapq.heappush(self._due, (self._began + delay, next(self._numbers), device))

    def look(self) -> None:
        """Do what is due at this moment: the scenario's effects, and samples."""
        elapsed_s = self.elapsed_s
        for device in self.devices:
            effect = self._story.effect(device.site, elapsed_s)
            if effect is FINE and self._city is not None and device.site.devid not in self._story.targets:
                effect = self._city.effect(device.site, self._began_at + elapsed_s)
            device.apply(effect)
        now = self._time.monotonic()
        while self._due and self._due[0][0] <= now:
            at, _, device = heapq.heappop(self._due)
            wait_s = device.report(self._began_at + elapsed_s)
            heapq.heappush(self._due, (max(at + wait_s, now + wait_s / 2), next(self._numbers), device))

    async def stop(self) -> None:
        """Every device says goodbye."""
        await asyncio.gather(*(device.stop() for device in self.devices))


async def _wait(end: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(end.wait(), seconds)
    except TimeoutError:
        return
