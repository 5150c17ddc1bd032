"""`manage.py ingest [--shards 00-0f]`: write what devices say into the database."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geoportal.messaging.ingest import command


class Command(BaseCommand):
    """Makes it known to `manage.py help`; manage.py itself starts it without Django's apps."""

    help = command.HELP
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := command.run(options["shards"]):
            raise CommandError(problem)
