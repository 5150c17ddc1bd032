"""The worker's side of the process that jobs are forked from: start one, end one, hear how they ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from uuid import UUID

from django.conf import settings

from layers.errors import LayersError
from layers.importing.reader.client import ONE_THREAD

_LONGEST = 4096
_END_S = 10.0
_SAY_S = 30.0
"""How long its socket may be full: it takes hundreds of messages, so by then that process is stuck."""


class NurseryGone(LayersError):
    """The process that jobs are forked from has ended, and every job with it."""


class Nursery:
    """One such process. What is asked before it has loaded waits in its socket."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A thread beside the one that forks would leave its locks to the children.
        command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-m", "layers.jobs.forking"]
        self._process = subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            env={**os.environ, **ONE_THREAD},
            cwd=settings.BASE_DIR,
            # A Ctrl-C meant for the worker is passed on in order, not to both at once.
            start_new_session=True,
        )
        theirs.close()
        self._control.setblocking(False)

    def fileno(self) -> int:
        """For `select`: readable when there is something to hear."""
        return self._control.fileno()

    def start(self, job: UUID) -> None:
        """Give a job its process. Raises NurseryGone."""
        self._say(json.dumps({"job": str(job)}))

    def signal(self, job: UUID, number: signal.Signals) -> None:
        """Send the process of a job a signal, if it has one still. Raises NurseryGone."""
        self._say(json.dumps({"job": str(job), "signal": int(number)}))

    def ended(self) -> dict[UUID, int]:
        """The jobs whose process ended since last asked, and how: its code, or minus a signal's number.

        Raises NurseryGone.
        """
        found: dict[UUID, int] = {}
        while True:
            try:
                message = self._control.recv(_LONGEST)
            except BlockingIOError:
                return found
            except OSError as error:
                raise NurseryGone(str(error)) from error
            if not message:
                raise NurseryGone("the process that jobs are forked from ended")
            told = json.loads(message)
            found[UUID(told["job"])] = int(told["code"])

    def end(self, *, at_once: bool = False) -> None:
        """Let it end, and with it every job that still runs; returns when all are gone."""
        self._control.close()
        if not at_once:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        self._process.kill()
        self._process.wait()

    def _say(self, message: str) -> None:
        try:
            # Full while that process loads, or is busy: not gone.
            select.select([], [self._control], [], _SAY_S)
            self._control.sendall(message.encode())
        except OSError as error:
            raise NurseryGone(str(error)) from error
