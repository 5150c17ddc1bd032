"""The product's own parts around a clock moved by hand: agents' client, Mosquitto, ingest, monitor, alerts.

Nothing is replaced. What counts time by itself is told the world's time instead: devices and ingest by their clocks,
the monitor by its argument. The broker cannot be told, and its one long wait is the delay of wills; so wills go out
without delay here, and the world breaks a connection only when the broker would have given it up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.db import connection
from paho.mqtt.client import Client

from geoportal.messaging.device import link
from geoportal.messaging.device.config import load
from geoportal.messaging.ingest import worker as ingest
from geoportal.messaging.ingest.listener import Account
from geoportal.monitoring.alerts.evaluation import evaluate
from geoportal.monitoring.alerts.outbox import deliver_due
from geoportal.monitoring.models import Device, DeviceStatus
from geoportal.monitoring.watching import note_reconnections, watch
from geoportal.simulator.fleet import Fleet, SimulatedDevice, Timepiece
from geoportal.simulator.metrics import Site
from geoportal.simulator.scenarios import Story, story
from tests.broker import TestBroker
from tests.scenarios.clock import Clock, SteppedLoop
from tests.scenarios.tales import Tale

SHARDS = [f"{number:02x}" for number in range(16)]
GIVEN_UP_S = link.KEEPALIVE_S * 1.5 + link.WILL_DELAY_S
"""A connection that was cut is noticed after one and a half keepalives; then its will waits for its return."""
_PATIENCE_S = 20.0


@dataclass
class World:
    """Devices of one story and everything that listens to them. `play` lets time pass in steps."""

    broker: TestBroker
    fleet: Fleet
    cast: Story
    worker: ingest.Worker
    loop: SteppedLoop
    clock: Clock
    step_s: float
    began_s: float
    cut: list[tuple[float, Client]] = field(default_factory=list)
    seen: dict[str, set[str]] = field(default_factory=dict)
    """Every cause that each device ever had; empty text while it was well."""

    def play_until(self, minutes: float) -> None:
        """Let time pass until so many minutes after the beginning; at each step everything that is due is done."""
        end = self.began_s + 60 * minutes
        while self.clock.seconds() < end:
            self.clock.advance(self.step_s)
            self.look()

    def look(self) -> None:
        """One step: devices, broker, ingest, monitor."""
        now = self.clock.seconds()
        for at, client in [one for one in self.cut if one[0] <= now]:
            _close(client)
            self.cut.remove((at, client))
        self.loop.run_until_complete(self._devices())
        self._ingest()
        note_reconnections(self.clock.now)
        watch(self.clock.now)
        evaluate(self.clock.now)
        deliver_due(self.clock.now)
        shown = DeviceStatus.objects.filter(device__lifecycle="active", last_seen_at__isnull=False)
        for devid, cause in shown.values_list("device__devid", "cause"):
            self.seen.setdefault(devid, set()).add(cause)

    async def _devices(self) -> None:
        self.fleet.look()
        end = time.monotonic() + _PATIENCE_S
        running = [one.device for one in self.fleet.devices if one.device is not None]
        await asyncio.sleep(0)
        while any(device.session.is_busy for device in running):
            assert time.monotonic() < end, "devices do not come to rest"
            await asyncio.sleep(0)

    def _ingest(self) -> None:
        """Take in everything the broker has confirmed: our own probe comes behind it."""
        listener, inbox = self.worker.listener, self.worker.inbox
        _wait(lambda: listener.connected, "ingest has the broker")
        asked = listener.probe_seen
        listener.probe()
        _wait(lambda: listener.probe_seen > asked, "the probe of ingest comes back")
        while len(inbox):
            messages = [one._replace(rx=self.clock.seconds()) for one in inbox.take(ingest.BATCH, 0, 0)]
            self.worker._process(messages)
        self.worker._flush_acks(all_of_them=True)
        self.worker._beat()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE ingest_heartbeat SET at = %s WHERE connected", [self.clock.now])

    def restart_broker(self) -> None:
        """An orderly restart, as for an update: Mosquitto sends the wills of everyone, also of those who come back."""
        self.broker.stop()
        _wait(lambda: not self.worker.listener.connected, "ingest notices that the broker is away")
        self.broker.start()

    # What came of it.

    def health(self, devids: Iterable[str]) -> set[tuple[str, str]]:
        """(health, cause) of these devices now."""
        found = DeviceStatus.objects.filter(device__devid__in=list(devids))
        return set(found.values_list("health", "cause"))

    def bystanders(self) -> list[str]:
        return [one.site.devid for one in self.fleet.devices if one.site.devid not in self.cast.targets]


def _close(client: Client) -> None:
    sock = client.socket()
    if sock is not None:
        sock.close()


def _wait(condition: Any, what: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.001)


@contextmanager
def world(
    tale: Tale, sites: Sequence[Site], broker: TestBroker, worker: ingest.Worker, folder: Path
) -> Iterator[World]:
    """A scenario's targets and two bystanders, alone in service, at the beginning of the tale."""
    cast = replace(story(tale.name, sites), settled={})
    clock = Clock(tale.begin)
    chosen = [site for site in sites if site.devid in cast.targets]
    chosen += [site for site in sites if site.devid not in cast.targets][: tale.bystanders]
    enlist([site.devid for site in chosen], tale.every_s)
    loop = SteppedLoop(clock)
    asyncio.set_event_loop(loop)
    cut: list[tuple[float, Client]] = []

    def cut_later(client: Client) -> None:
        client.on_disconnect = None
        cut.append((clock.seconds() + GIVEN_UP_S, client))

    with (
        patch.object(link, "WILL_DELAY_S", 0),
        patch.object(link, "abort", cut_later),
        patch.object(ingest, "utc_now", lambda: clock.now),
    ):
        time_of = Timepiece(clock.seconds, clock.seconds)
        devices = []
        for site in chosen:
            config = replace(load(folder / f"{site.devid}.toml"), port=broker.port, interval_s=tale.every_s)
            config = replace(config, spool_path=str(folder / f"{tale.name}-{site.devid}.sqlite"))
            devices.append(SimulatedDevice(config, site, seed=1, time=time_of))
        made = World(
            broker, Fleet(devices, cast, time=time_of), cast, worker, loop, clock, tale.step_s, clock.seconds(), cut
        )
        loop.run_until_complete(_begin(made.fleet))
        try:
            yield made
        finally:
            loop.run_until_complete(_end(devices))
            for _, client in cut:
                _close(client)
            made._ingest()
            loop.close()
            asyncio.set_event_loop(None)


def enlist(devids: Sequence[str], every_s: int) -> None:
    """Put these devices into service, as new ones."""
    Device.objects.filter(devid__in=devids).update(lifecycle="active", interval_s=every_s)


async def _begin(fleet: Fleet) -> None:
    fleet.begin()


async def _end(devices: Sequence[SimulatedDevice]) -> None:
    for one in devices:
        if one.device is not None:
            one.device.session.drop()
            one.device.spool.close()
    await asyncio.sleep(0)


def new_worker(broker: TestBroker) -> ingest.Worker:
    """The real ingest, not run by its own loop but step by step."""
    account = Account("127.0.0.1", broker.port, "ingest", "only-for-tests", "ingest-scenarios")
    worker = ingest.Worker(ingest.Plan(SHARDS, account))
    worker._open()
    worker.listener.start()
    _wait(lambda: worker.listener.connected, "ingest connects")
    return worker
