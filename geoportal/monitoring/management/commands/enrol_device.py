"""`manage.py enrol_device DEVID [--out FILE]`: give a device new credentials and write its agent's configuration."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geoportal.messaging import dynsec
from geoportal.monitoring.enrolment import Door, NotEnrollable, enrol
from geoportal.monitoring.models import Device


class Command(BaseCommand):
    help = "Give a device of the inventory new credentials; prints, or writes with mode 600, its agent's configuration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("devid")
        parser.add_argument("--out", type=Path, help="file to write instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        device = Device.objects.filter(devid=options["devid"]).first()
        if device is None:
            raise CommandError(f"no device {options['devid']!r} in the inventory: create it first")
        try:
            text = enrol(device, door=Door.configured()).toml()
        except (NotEnrollable, dynsec.BrokerUnavailable, dynsec.DynsecError) as error:
            raise CommandError(str(error)) from error
        if options["out"] is None:
            self.stdout.write(text)
            return
        write_secret(options["out"], text)
        self.stdout.write(f"{device.devid}: configuration with new credentials in {options['out']}")


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
