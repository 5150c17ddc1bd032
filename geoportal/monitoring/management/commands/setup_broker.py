"""`manage.py setup_broker`: give the broker its default rights and the account of `ingest`. Safe to repeat."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from geoportal.messaging import dynsec


class Command(BaseCommand):
    help = "Give the broker its default rights (all denied) and the account of ingest. Safe to repeat."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, default=15.0, help="seconds to wait for a broker that still starts")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MQTT_INGEST_PASSWORD:
            raise CommandError("GEOPORTAL_MQTT_INGEST_PASSWORD is not set: the account of ingest needs a password")
        commands = dynsec.server_commands(settings.MQTT_INGEST_USER, settings.MQTT_INGEST_PASSWORD)
        try:
            with dynsec.connected(wait_s=options["wait"]) as control:
                control.run(commands, accept=dynsec.ALREADY_THERE)
        except (dynsec.BrokerUnavailable, dynsec.DynsecError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"broker at {settings.MQTT_HOST}:{settings.MQTT_PORT}: rights are set")
