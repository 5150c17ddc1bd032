"""The process that jobs are forked from: Django and what every kind needs loaded once, one thread, no connection.

`nursery` starts it with one end of a socket pair as its standard input. A message asks for a job's process or sends it
a signal; an answer tells how one ended. It ends when the other end is closed, and its jobs die with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn
from uuid import UUID

import django

from layers.errors import LayersError

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_LONGEST = 4096


def main() -> None:
    """Load, then fork whatever is asked for."""
    die_with(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=os.dup(0))
    _nothing_to_read()
    django.setup()
    from layers.importing.reader import client
    from layers.jobs.registry import kinds

    kinds()
    # The first file is read as soon as any other.
    client.prepare()
    # Objects of before the fork are never looked at again: their pages stay shared.
    gc.collect()
    gc.freeze()
    jobs = Forking(control)
    try:
        jobs.serve()
    finally:
        jobs.kill()


def die_with(parent: int) -> None:
    """A parent killed outright must not leave this process behind."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _nothing_to_read() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)


class Forking:
    """The processes of jobs under way."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pids: dict[str, int] = {}
        self._handles: dict[int, str] = {}
        """A descriptor that becomes readable when the job's process ends, and the job."""

    def serve(self) -> None:
        """Until the worker closes its end."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # closed before it had read or said all
            self._serve(poll)

    def _serve(self, poll: select.poll) -> None:
        while True:
            for handle, _event in poll.poll():
                if handle in self._handles:
                    poll.unregister(handle)
                    self._bury(handle)
                elif message := self._control.recv(_LONGEST):
                    if (started := self._obey(json.loads(message))) is not None:
                        poll.register(started, select.POLLIN)
                else:
                    return

    def _obey(self, message: dict[str, Any]) -> int | None:
        """Start a job's process, or send one a signal. The handle of a process started."""
        job = str(message["job"])
        if number := message.get("signal"):
            if job in self._pids:
                # Not buried yet, so its number is nobody else's.
                os.kill(self._pids[job], int(number))
            return None
        from layers.importing.reader import client

        here = os.getpid()
        try:
            client.prepare()
            pid = os.fork()
        except (OSError, LayersError):
            # No memory or no process left for this one: those that run have theirs.
            log.exception("Job %s gets no process", job)
            self._tell(job, 1)
            return None
        if pid == 0:
            self._become(job, here)
        handle = os.pidfd_open(pid)
        self._pids[job], self._handles[handle] = pid, job
        return handle

    def _bury(self, handle: int) -> None:
        job = self._handles.pop(handle)
        os.close(handle)
        _pid, status = os.waitpid(self._pids.pop(job), 0)
        self._tell(job, os.waitstatus_to_exitcode(status))

    def _tell(self, job: str, code: int) -> None:
        self._control.sendall(json.dumps({"job": job, "code": code}).encode())

    def kill(self) -> None:
        """Leave no job behind."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
        for pid in self._pids.values():
            os.waitpid(pid, 0)

    def _become(self, job: str, parent: int) -> NoReturn:
        """The job's own process from here on."""
        code = 1
        try:
            die_with(parent)
            # Of its own session: a signal for the worker's group is passed on in order, not to all at once.
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self._control.close()
            for handle in self._handles:
                os.close(handle)
            from django.db import connections

            from layers.jobs import child

            child.run(UUID(job))
            connections.close_all()
            code = 0
        except BaseException:
            # Whatever it was, two processes must never come out of one fork.
            traceback.print_exc()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
