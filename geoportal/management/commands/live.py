"""`manage.py live`: the event stream of devices, for thousands of open browsers in one process."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from granian import Granian
from granian.constants import HTTPModes, Interfaces

from geoportal.management.commands._sockets import clear_socket

_STREAMS = 8192
"""Granian lets as many requests in at once as its backpressure says, and an open stream is a request."""
_STOP_S = 5


class Command(BaseCommand):
    """Granian with one worker: a single process makes each frame once and needs one listening connection."""

    help = "Serves the live stream of devices (/eventi) on a Unix socket or a TCP port."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--uds", type=Path, help="path of a Unix socket to listen on")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8002)
        parser.add_argument("--backlog", type=int, default=_STREAMS, help="connections that may wait to be accepted")
        parser.add_argument("--backpressure", type=int, default=_STREAMS, help="streams that may be open at once")

    def handle(self, *args: Any, **options: Any) -> None:
        uds: Path | None = options["uds"]
        for name in ("backlog", "backpressure"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1, found {options[name]}")
        if uds is not None:
            clear_socket(uds)
        Granian(
            "geoportal.live.asgi:application",
            address=options["host"],
            port=options["port"],
            uds=uds,
            uds_permissions=0o666 if uds else None,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            workers=1,
            backlog=options["backlog"],
            backpressure=options["backpressure"],
            respawn_failed_workers=True,
            workers_kill_timeout=_STOP_S,
            log_access=False,
        ).serve()
