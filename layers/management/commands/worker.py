"""`manage.py worker`: does the jobs of the queue, each in a process of its own, until it is told to stop."""

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from layers.jobs.worker import Worker


class Command(BaseCommand):
    help = "Do queued jobs (imports, statistics …). SIGTERM stops it in order: jobs under way go back to the queue."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--concurrency", type=int, default=1, help="jobs at once, beside one somebody waits for")

    def handle(self, *args: Any, **arguments: Any) -> None:
        worker = Worker(arguments["concurrency"])
        signal.signal(signal.SIGTERM, worker.stop)
        signal.signal(signal.SIGINT, worker.stop)
        worker.run()
