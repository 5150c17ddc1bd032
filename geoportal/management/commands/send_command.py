"""`manage.py send_command DEVID OP [NAME=VALUE…] [--confirm] [--wait S]`: order something and say how it went."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geoportal.commands.register import OPERATOR
from geoportal.commands.sending import CommandRefused, Wish, send_command
from geoportal.messaging.orders import ORDERS
from geoportal.monitoring.models import Device, DeviceCommand

_LOOK_S = 0.3


class Command(BaseCommand):
    help = "Order a device to do something: " + ", ".join(ORDERS)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("devid")
        parser.add_argument("op", help="one of: " + ", ".join(ORDERS))
        parser.add_argument(
            "arguments", nargs="*", metavar="NAME=VALUE", help="percent=40, lang=de, text='Torniamo alle 9'"
        )
        parser.add_argument("--confirm", action="store_true", help="for commands that people in the street notice")
        parser.add_argument("--valid", type=int, metavar="S", help="seconds for which the device may still do it")
        parser.add_argument("--wait", type=float, default=0.0, metavar="S", help="wait so long for its end")

    def handle(self, *args: Any, **options: Any) -> None:
        device = Device.objects.filter(devid=options["devid"]).select_related("status").first()
        if device is None:
            raise CommandError(f"no device {options['devid']!r} in the inventory")
        wish = Wish(options["op"], _arguments(options["arguments"]), options["confirm"], options["valid"])
        try:
            command = send_command(device, wish, OPERATOR)
        except CommandRefused as error:
            raise CommandError(f"{error.code}: {error}") from error
        self.stdout.write(f"{command.pk} {command.op} is {command.state}")
        if options["wait"] > 0:
            self._follow(command, time.monotonic() + options["wait"])

    def _follow(self, command: DeviceCommand, end: float) -> None:
        state = command.state
        while command.is_open and time.monotonic() < end:
            time.sleep(_LOOK_S)
            command.refresh_from_db()
            if command.state != state:
                state = command.state
                self.stdout.write(f"{command.pk} {command.op} is {state}")
        if command.output:
            self.stdout.write(command.output)
        if command.state != DeviceCommand.State.DONE:
            raise CommandError(f"{command.op} is {command.state}, code {command.code}")


def _arguments(words: list[str]) -> dict[str, Any]:
    """NAME=VALUE with the value as JSON where it is (40, true), else as text. Raises CommandError."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise CommandError(f"{word!r} is not NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
