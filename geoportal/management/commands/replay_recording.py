"""`manage.py replay_recording freifunk|linknyc|tasmota FILE`: other people's devices through our broker."""

from __future__ import annotations

from argparse import ArgumentParser
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from geoportal.messaging import dynsec
from geoportal.recordings import freifunk, linknyc, tasmota
from geoportal.recordings.model import BadRecording
from geoportal.recordings.replay import NotTaken, replay

ADAPTERS = {"freifunk": freifunk.read, "linknyc": linknyc.read, "tasmota": tasmota.read}


class Command(BaseCommand):
    help = "Puts the devices of a recording into the inventory, marked as sample data, and publishes what they said."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("adapter", choices=sorted(ADAPTERS))
        parser.add_argument("file", type=Path)
        parser.add_argument("--limit", type=int, help="so many devices at most")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            recorded = list(islice(ADAPTERS[options["adapter"]](options["file"]), options["limit"]))
            told = replay(recorded, timezone.now())
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}") from error
        except (BadRecording, NotTaken, dynsec.BrokerUnavailable, dynsec.DynsecError) as error:
            raise CommandError(str(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"{options['file']} is not a recording of {options['adapter']}: {type(error).__name__} {error}"
            raise CommandError(text) from error
        self.stdout.write(f"{told.devices} devices said {told.samples} samples in {told.messages} messages")
