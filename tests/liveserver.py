"""The site on a real socket, as the product serves it: granian, WSGI, one thread, on a free loopback port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def served(workers: int = 1, port: int | None = None, **environment: str) -> Iterator[str]:
    """The address of a running server over the test database, stopped at the end."""
    port = port or free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--blocking-threads", "1", "--no-ws", "--no-access-log", "--log-level", "error",
        "geoportal.wsgi:application",
    ]  # fmt: skip
    database = {"GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"]), "GEOPORTAL_LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **database, **environment})
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def wait_for(port: int, process: subprocess.Popen[bytes], limit_s: float = 60) -> None:
    """Until the port answers. Raises RuntimeError when the server ends or stays silent."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server on port {port} did not start (exit code {process.poll()})")
