"""`manage.py load_sample_city`: an invented but plausible city, so that every part has something to work on."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from layers.importing.errors import ImportRefused
from layers.importing.report import summary
from layers.sample.files import SEED
from layers.sample.load import load_sample_city


class Command(BaseCommand):
    help = "Make the sample city (files under var/sample) and import it. Does nothing when it is there already."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=SEED, help="another number makes another city")

    def handle(self, *args: Any, **arguments: Any) -> None:
        started = time.monotonic()
        try:
            outcomes = load_sample_city(Path(settings.VAR_DIR) / "sample", self.stdout.write, arguments["seed"])
        except ImportRefused as error:
            raise CommandError(str(error)) from error
        if not outcomes:
            self.stdout.write("The sample city is there already.")
            return
        self.stdout.write(f"{summary(outcomes)} ({time.monotonic() - started:.1f} s)")
