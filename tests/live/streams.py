"""The live stream on a real socket, and a browser's side of it."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection

from tests.liveserver import ROOT, wait_for
from tests.ports import free_port

WAIT_S = 60.0


@dataclass(frozen=True)
class Event:
    name: str
    data: Any
    id: str


class Stream:
    """One open `/eventi`: reads events as a browser would, and fails instead of waiting for ever."""

    def __init__(self, port: int, cookie: str = "", language: str = "it", path: str = "/eventi") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Accept-Language: {language}"]
        lines += [f"Cookie: {cookie}"] if cookie else []
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self._rest = b""
        self._until = math.inf

    def next(self) -> Event | None:
        """The next event; None when the server ended the stream."""
        fields: dict[str, str] = {}
        while True:
            line = self._line()
            if line is None:
                return None
            if line == "":
                if "event" in fields:
                    return Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
                fields = {}
            else:
                name, _, value = line.partition(": ")
                fields[name] = value

    def wait_for(self, name: str) -> Event:
        """The next event of this name, whatever comes before it."""
        self._until = time.monotonic() + WAIT_S
        while (event := self.next()) is not None:
            if event.name == name:
                return event
        raise AssertionError(f"the stream ended before {name!r}")

    def body(self) -> Any:
        return json.loads(self.file.read(int(self.headers["content-length"])))

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def _line(self) -> str | None:
        while b"\n" not in self._rest:
            # Comments keep the stream alive: without an end of its own a wait would never be one.
            assert time.monotonic() < self._until, "nothing but comments came"
            size = int(self.file.readline() or b"0", 16)
            if size == 0:
                return None
            self._rest += self.file.read(size)
            self.file.readline()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


@dataclass
class Live:
    """A running `manage.py live`."""

    port: int
    process: subprocess.Popen[bytes]

    def open(self, **options: Any) -> Stream:
        """An open stream that has had its greeting: what is notified from now on must reach it."""
        stream = Stream(self.port, **options)
        assert stream.status == 200
        stream.wait_for("hello")
        return stream

    def state(self) -> dict[str, Any]:
        stream = Stream(self.port, path="/eventi/stato")
        found: dict[str, Any] = stream.body()
        stream.close()
        return found

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S)


@contextmanager
def live(**environment: str) -> Iterator[Live]:
    """`manage.py live` over the test database, listening."""
    port = free_port()
    command = [sys.executable, "manage.py", "live", "--port", str(port)]
    database = {"GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"]), "GEOPORTAL_LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **database, **environment})
    running = Live(port, process)
    try:
        wait_for(port, process)
        end = time.monotonic() + WAIT_S
        while not running.state()["listening"]:
            assert time.monotonic() < end, "the live stream does not listen to the database"
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def notify(*ids: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('devices', %s)", [",".join(map(str, ids))])
