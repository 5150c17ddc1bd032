"""`python -m geoportal.runtime.probe SOCKET PATH`: code 0 if a server on a Unix socket answers 2xx (containers)."""

from __future__ import annotations

import http.client
import socket
import sys
from contextlib import closing

_WAIT_S = 5.0


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_WAIT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_WAIT_S)
        self.sock.connect(self._path)


def status(socket_path: str, path: str) -> int:
    """The HTTP status of a GET; the body is not read, so that an event stream can be probed too."""
    with closing(UnixConnection(socket_path)) as connection:
        connection.request("GET", path, headers={"Host": "localhost", "Connection": "close"})
        return connection.getresponse().status


if __name__ == "__main__":
    try:
        found = status(sys.argv[1], sys.argv[2])
    except OSError as error:
        raise SystemExit(f"{sys.argv[1]}: {error}") from None
    raise SystemExit(0 if 200 <= found < 300 else f"{sys.argv[1]}{sys.argv[2]} answers {found}")
