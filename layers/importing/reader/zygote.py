"""The process that readers are forked from: libraries loaded once, no secret in its environment, no file opened.

It is started by `client` with one end of a socket pair as its standard input. Each message on it carries two
descriptors: the socket of a new reader and the pipe for its fate. It ends when the other end is closed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import sys

import django


def main() -> None:
    """Load, then fork a reader for each message."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    django.setup()
    from layers.importing.reader import gdal_drivers, serving

    control = socket.socket(fileno=os.dup(0))
    # Only this one end tells others that the process is there.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    drivers = gdal_drivers.known()
    serving.preload()
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(control, 4096, 2)
        if not message:
            return
        link, fate = descriptors
        if os.fork() == 0:
            control.close()
            _guard(link, fate, message, drivers)
        os.close(link)
        os.close(fate)


def _guard(link: int, fate: int, message: bytes, drivers: dict[str, list[str]]) -> None:
    """Fork the reader, say its number, wait, say how it ended. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    reader = os.fork()
    if reader == 0:
        os.close(fate)
        _read(link, message, drivers)
    os.close(link)
    with contextlib.suppress(BrokenPipeError):
        os.write(fate, json.dumps({"pid": reader}).encode() + b"\n")
    _watch(reader, fate)
    _pid, status, usage = os.wait4(reader, 0)
    end = {"status": os.waitstatus_to_exitcode(status), "cpu_s": usage.ru_utime + usage.ru_stime}
    with contextlib.suppress(BrokenPipeError):
        os.write(fate, json.dumps(end | {"peak_kb": usage.ru_maxrss}).encode() + b"\n")
    os._exit(0)


def _watch(reader: int, fate: int) -> None:
    """Until the reader ends. Whoever asked may be killed at any time: a reader deep in a library would not notice."""
    poll = select.poll()
    poll.register(os.pidfd_open(reader), select.POLLIN)
    poll.register(fate, 0)
    if any(handle == fate for handle, _event in poll.poll()):
        os.kill(reader, signal.SIGKILL)


def _read(link: int, message: bytes, drivers: dict[str, list[str]]) -> None:
    """The reader itself. Never returns."""
    from layers.importing.reader import isolation, serving

    code = 1
    try:
        wanted = json.loads(message)
        missing = isolation.isolate(isolation.ProcessLimits(**wanted["limits"]))
        os.umask(0o077)
        serving.serve(socket.socket(fileno=link), wanted["language"], drivers, missing)
        code = 0
    except BaseException as error:
        # Whatever it was, the fate tells; two readers must never come out of one fork.
        sys.stderr.write(f"reader: {type(error).__name__}: {str(error)[:200]}\n")
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
