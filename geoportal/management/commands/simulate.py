"""`manage.py simulate`: the sample devices come alive, through the agents' own client."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import secrets
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from geoportal.messaging import dynsec
from geoportal.messaging.device.config import AgentConfig, ConfigError, load
from geoportal.messaging.device.spool import SpoolError
from geoportal.monitoring import load_devices
from geoportal.monitoring.models import Device
from geoportal.sample_devices import SampleDevice, sample_devices
from geoportal.simulator.fleet import Fleet, SimulatedDevice
from geoportal.simulator.life import City
from geoportal.simulator.light import Account, Load, Refused
from geoportal.simulator.metrics import Site
from geoportal.simulator.scenarios import SCENARIOS, story
from wifi.models import AccessPoint

MOST_LIGHT = 1_000_000
_TELL_S = 5.0
_PATIENCE_S = 30.0


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT."""

    help = "Simulates the sample devices. Scenarios: " + "; ".join(
        f"{name} ({recipe.about})" for name, recipe in SCENARIOS.items()
    )

    requires_system_checks = ()
    """The checks import every view and its libraries; a simulator of devices needs none of them."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="normal-week")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another city (1)")
        parser.add_argument("--speed", type=float, default=1.0, help="how fast the model's day passes (1)")
        parser.add_argument("--devices", type=int, help="only the first so many devices")
        parser.add_argument("--centre", default="", help="the portal's address, where screenshots are handed in")
        parser.add_argument("--light", type=int, help="instead: a load of so many devices over a few connections")
        parser.add_argument("--seconds", type=float, default=60.0, help="of --light: for how long (60)")
        parser.add_argument(
            "--every", type=int, default=30, help="of --light: seconds between samples of a device (30)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["light"] is not None:
            self._light(options["light"], options["seconds"], options["every"], options["seed"])
            return
        if options["speed"] <= 0:
            raise CommandError(f"--speed must be above 0, found {options['speed']:g}")
        if options["devices"] is not None and options["devices"] < 1:
            raise CommandError(f"--devices must be at least 1, found {options['devices']}")
        sites = sample_sites()[: options["devices"]]
        if not sites:
            raise CommandError("there is no sample device: run load_sample_devices first")
        cast = story(options["scenario"], sites)
        try:
            city = City.of(sites, options["seed"])
            devices = [
                SimulatedDevice(
                    _config(site, options["centre"]), site, seed=options["seed"], wraps=site.devid in city.wrapping
                )
                for site in sites
            ]
        except (ConfigError, SpoolError) as error:
            raise CommandError(f"{error}; load_sample_devices --renew makes the configurations anew") from error
        self.stdout.write(f"{len(devices)} devices, scenario {cast.name}: {cast.about}")
        asyncio.run(_run(Fleet(devices, cast, speed=options["speed"], city=city)))

    def _light(self, count: int, seconds: float, every_s: int, seed: int) -> None:
        """Send the load, tell how it goes, and at the end how much of it is stored."""
        if not 1 <= count <= MOST_LIGHT or every_s < 1 or seconds <= 0:
            raise CommandError(
                f"--light takes 1 to {MOST_LIGHT} devices, --every at least 1, --seconds more than 0; "
                f"found {count}, {every_s}, {seconds:g}"
            )
        sites = [site_of(one) for one in sample_devices() if one.kind == "ap"]
        try:
            with load_devices.in_service(count, every_s) as devids, load_devices.account() as (user, password):
                load = Load(devids, every_s, secrets.token_hex(4), sites, seed)
                account = Account(settings.MQTT_HOST, settings.MQTT_PORT, user, password)
                asyncio.run(self._send(load, account, seconds))
                self._wait_for_storage(load)
        except (dynsec.BrokerUnavailable, dynsec.DynsecError, OSError, Refused) as error:
            raise CommandError(str(error)) from error

    async def _send(self, load: Load, account: Account, seconds: float) -> None:
        sending = asyncio.create_task(load.send(account, seconds))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, sending.cancel)
        began = time.monotonic()
        while not sending.done():
            await asyncio.wait({sending}, timeout=_TELL_S)
            passed, tally = time.monotonic() - began, load.tally
            self.stdout.write(
                f"{passed:5.0f} s: {tally.sent} sent, {tally.confirmed} confirmed, {tally.sent / passed:.0f}/s, "
                f"{tally.late_s:.1f} s late, {_memory_mb():.0f} MB"
            )
        with contextlib.suppress(asyncio.CancelledError):
            await sending

    def _wait_for_storage(self, load: Load) -> None:
        """Until as many samples are stored as were sent, or nothing more is stored for a while."""
        sent, held, seen_at = load.samples, -1, time.monotonic()
        while (now := load_devices.stored(load.run)) < sent and time.monotonic() - seen_at < _PATIENCE_S:
            if now > held:
                held, seen_at = now, time.monotonic()
            time.sleep(1.0)
        self.stdout.write(f"{now} of {sent} samples are stored")


def site_of(one: SampleDevice) -> Site:
    """What the model takes of a sample device."""
    return Site(one.devid, one.kind, one.place.name, one.place.area, one.cabinet, one.feeder, one.place.is_outdoor)


def _memory_mb() -> float:
    """Of this process, at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sample_sites() -> list[Site]:
    """What the model needs to know of the sample devices in service."""
    points = {point.devid: point for point in AccessPoint.objects.filter(is_sample=True)}
    sample = Device.objects.filter(is_sample=True).exclude(devid__startswith=load_devices.PREFIX)
    sample = sample.exclude(lifecycle__in=[Device.Lifecycle.REMOVED, Device.Lifecycle.SUSPENDED])
    return [
        Site(
            devid=device.devid,
            kind=device.kind,
            place=device.place,
            area=device.area,
            cabinet=device.cabinet,
            feeder=device.feeder,
            is_outdoor=points[device.devid].is_outdoor if device.devid in points else True,
            capacity=points[device.devid].capacity if device.devid in points else 50,
        )
        for device in sample.order_by("devid")
    ]


def _config(site: Site, centre: str) -> AgentConfig:
    """The device's own file; the broker is that of the settings, whose port may change from run to run."""
    config = load(Path(settings.VAR_DIR) / "devices" / f"{site.devid}.toml")
    centre = centre or config.centre_url
    return replace(config, host=settings.MQTT_HOST, port=settings.MQTT_PORT, centre_url=centre)


async def _run(fleet: Fleet) -> None:
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await fleet.run(end)
