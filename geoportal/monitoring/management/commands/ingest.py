"""`manage.py ingest [--shards 00-0f]`: write what devices say into the database."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from geoportal.messaging import topics
from geoportal.messaging.ingest.listener import Account
from geoportal.messaging.ingest.worker import IngestFailed, Plan, Worker


def shard_range(text: str) -> list[str]:
    """`00-0f`, or one shard. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9a-f]{2})(?:-([0-9a-f]{2}))?", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not of the form 00-0f")
    first, last = int(match[1], 16), int(match[2] or match[1], 16)
    if not 0 <= first <= last < topics.SHARDS:
        raise ArgumentTypeError(f"{text!r} is not within 00-{topics.SHARDS - 1:02x}, the smaller one first")
    return [f"{number:02x}" for number in range(first, last + 1)]


class Command(BaseCommand):
    help = "Write what devices say into the database. A second one for the same shards stands by and takes over."
    # The checks import every page and its libraries: 150 MB that ingest has no use for.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        whole = f"00-{topics.SHARDS - 1:02x}"
        parser.add_argument("--shards", type=shard_range, default=shard_range(whole), help=f"default: {whole}")

    def handle(self, *args: Any, **options: Any) -> None:
        shards: list[str] = options["shards"]
        account = Account(
            settings.MQTT_HOST,
            settings.MQTT_PORT,
            settings.MQTT_INGEST_USER,
            settings.MQTT_INGEST_PASSWORD,
            f"ingest-{shards[0]}-{shards[-1]}",
        )
        try:
            Worker(Plan(shards, account)).run()
        except IngestFailed as error:
            raise CommandError(f"ingest ends, to be started again: {error}") from error
