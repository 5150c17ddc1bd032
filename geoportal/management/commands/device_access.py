"""`manage.py device_access ACT DEVID…`: tokens, rotation, suspension and removal of devices, at the broker at once."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geoportal.commands import credentials
from geoportal.commands.register import OPERATOR
from geoportal.monitoring.models import Device

_QUIET: dict[str, Callable[..., None]] = {
    "suspend": credentials.suspend,
    "resume": credentials.resume,
    "decommission": credentials.decommission,
}
_TOKENS = {"token": credentials.issue_token, "rotate": credentials.rotate}


class Command(BaseCommand):
    help = (
        "token: print a one-time token for the agent's --enrol. rotate: end the present credentials now, and print a "
        "token. suspend, resume: shut out and let in again. decommission: take out of service for good."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=[*_TOKENS, *_QUIET])
        parser.add_argument("devid", nargs="+")

    def handle(self, *args: Any, **options: Any) -> None:
        devices = {device.devid: device for device in Device.objects.filter(devid__in=options["devid"])}
        missing = [devid for devid in options["devid"] if devid not in devices]
        if missing:
            raise CommandError(f"no device {', '.join(missing)} in the inventory: nothing was done")
        for devid in options["devid"]:
            try:
                self._do(options["act"], devices[devid])
            except (credentials.EnrolmentRefused, *credentials.BROKER_ERRORS) as error:
                raise CommandError(f"{devid}: {error}") from error

    def _do(self, act: str, device: Device) -> None:
        if act in _QUIET:
            _QUIET[act](device, OPERATOR)
            self.stdout.write(f"{device.devid}: {act} done")
            return
        token, secret = _TOKENS[act](device, OPERATOR)
        self.stdout.write(f"{device.devid} {secret} good once, until {token.expires_at:%Y-%m-%d %H:%M} UTC")
