"""`manage.py simulate`: the sample devices come alive, through the agents' own client."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from geoportal.messaging.device.config import AgentConfig, ConfigError, load
from geoportal.messaging.device.spool import SpoolError
from geoportal.monitoring.models import Device
from geoportal.simulator.fleet import Fleet, SimulatedDevice
from geoportal.simulator.life import City
from geoportal.simulator.metrics import Site
from geoportal.simulator.scenarios import SCENARIOS, story
from wifi.models import AccessPoint


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

    def handle(self, *args: Any, **options: Any) -> None:
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
                SimulatedDevice(_config(site), site, seed=options["seed"], wraps=site.devid in city.wrapping)
                for site in sites
            ]
        except (ConfigError, SpoolError) as error:
            raise CommandError(f"{error}; load_sample_devices --renew makes the configurations anew") from error
        self.stdout.write(f"{len(devices)} devices, scenario {cast.name}: {cast.about}")
        asyncio.run(_run(Fleet(devices, cast, speed=options["speed"], city=city)))


def sample_sites() -> list[Site]:
    """What the model needs to know of the sample devices in service."""
    points = {point.devid: point for point in AccessPoint.objects.filter(is_sample=True)}
    sample = Device.objects.filter(is_sample=True).exclude(
        lifecycle__in=[Device.Lifecycle.REMOVED, Device.Lifecycle.SUSPENDED]
    )
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


def _config(site: Site) -> AgentConfig:
    """The device's own file; the broker is that of the settings, whose port may change from run to run."""
    config = load(Path(settings.VAR_DIR) / "devices" / f"{site.devid}.toml")
    return replace(config, host=settings.MQTT_HOST, port=settings.MQTT_PORT)


async def _run(fleet: Fleet) -> None:
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    await fleet.run(end)
