"""Ports for the servers that tests start.

A port that the system gave away and took back may be anybody's a moment later, outgoing connections included. These lie
below those (net.ipv4.ip_local_port_range), no number comes twice, and processes that run tests side by side have a
range each.
"""

import os
import socket
from itertools import count

_FIRST, _EACH, _RANGES = 20_000, 3_000, 4
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_start = _FIRST + _worker % _RANGES * _EACH
_numbers = count(os.getpid() * 31)


def free_port() -> int:
    """A TCP port of the loopback on which nobody listens. Raises RuntimeError when all are taken."""
    for _try in range(_EACH):
        port = _start + next(_numbers) % _EACH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port from {_start} to {_start + _EACH - 1} is free")
