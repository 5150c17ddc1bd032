"""`manage.py serve`: the site, the OGC services and the APIs, under WSGI with a kept database connection a thread."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from granian import Granian
from granian.constants import Interfaces

from geoportal.management.commands._sockets import clear_socket

_BACKLOG = 2048
_STOP_S = 8


class Command(BaseCommand):
    """Granian, one blocking thread per worker: more threads than cores make the database slower, not faster."""

    help = "Serves the site, the OGC services and the APIs on a Unix socket or a TCP port."
    requires_system_checks = []  # each worker runs them; the supervisor's start stays short

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--uds", type=Path, help="path of a Unix socket to listen on")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--workers", type=int, default=max(2, os.cpu_count() or 2))

    def handle(self, *args: Any, **options: Any) -> None:
        uds: Path | None = options["uds"]
        if options["workers"] < 1:
            raise CommandError(f"--workers must be at least 1, found {options['workers']}")
        if uds is not None:
            clear_socket(uds)
        Granian(
            "geoportal.wsgi:application",
            address=options["host"],
            port=options["port"],
            uds=uds,
            # Whoever may enter the folder may connect: nginx's workers run as an account of their own.
            uds_permissions=0o666 if uds else None,
            interface=Interfaces.WSGI,
            workers=options["workers"],
            blocking_threads=1,
            backlog=_BACKLOG,
            backpressure=_BACKLOG,
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_S,
            log_access=False,
        ).serve()
