"""What `manage.py ingest` starts. Only the settings of Django are read: its apps stay out of this process."""

from __future__ import annotations

import logging.config
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from importlib import import_module

from django.conf import settings

from geoportal.messaging import topics
from geoportal.messaging.ingest.listener import Account
from geoportal.messaging.ingest.worker import IngestFailed, Plan, Worker

HELP = "Write what devices say into the database. A second one for the same shards stands by and takes over."


def shard_range(text: str) -> list[str]:
    """`00-0f`, or one shard. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9a-f]{2})(?:-([0-9a-f]{2}))?", text)
    if match is None:
        raise ArgumentTypeError(f"{text!r} is not of the form 00-0f")
    first, last = int(match[1], 16), int(match[2] or match[1], 16)
    if not 0 <= first <= last < topics.SHARDS:
        raise ArgumentTypeError(f"{text!r} is not within 00-{topics.SHARDS - 1:02x}, the smaller one first")
    return [f"{number:02x}" for number in range(first, last + 1)]


def add_arguments(parser: ArgumentParser) -> None:
    whole = f"00-{topics.SHARDS - 1:02x}"
    parser.add_argument("--shards", type=shard_range, default=shard_range(whole), help=f"default: {whole}")


def main(arguments: Sequence[str]) -> int:
    """Run until asked to stop; the code for the shell."""
    parser = ArgumentParser(prog="manage.py ingest", description=HELP)
    add_arguments(parser)
    options = parser.parse_args(arguments)
    logging.config.dictConfig(settings.LOGGING)
    for name in settings.DEVICE_KINDS:
        import_module(name).register()
    problem = run(options.shards)
    if problem:
        sys.stderr.write(f"{problem}\n")
    return 1 if problem else 0


def run(shards: list[str]) -> str:
    """Run a worker for these shards until it is asked to stop; what went wrong, or an empty text."""
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
        return f"ingest ends, to be started again: {error}"
    return ""
