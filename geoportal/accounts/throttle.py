"""Brakes on guessing passwords and tokens, counted in the database so that every process shares them.

Only failures touch the database: who signs in rightly, or not at all, pays nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from ipaddress import ip_address

from django.db import connection
from django.http import HttpRequest

from geoportal.accounts.models import FailedAttempts
from geoportal.sql import queries

SQL = queries("geoportal.accounts", "accounts")


@dataclass(frozen=True, slots=True)
class Brake:
    """So many failures within a window, and then none until the window is over."""

    name: str
    limit: int
    window_s: int

    def key(self, whose: str) -> str:
        """Names are kept as digests: people type passwords into the field of the name."""
        return f"{self.name} {hashlib.sha256(whose.encode('utf-8', 'replace')).hexdigest()[:32]}"

    def wait_s(self, whose: str) -> int:
        """Seconds until another attempt is allowed; 0 when it is."""
        return _number("wait_left", {"key": self.key(whose), "limit": self.limit, "window_s": self.window_s})

    def failed(self, whose: str) -> int:
        """Count a failure; how many there are in this window."""
        count = _number("count_failure", {"key": self.key(whose), "window_s": self.window_s})
        if count == 1:
            with connection.cursor() as cursor:
                cursor.execute(SQL["forget_old"], {"window_s": LONGEST_WINDOW_S})
        return count

    def forgive(self, whose: str) -> None:
        FailedAttempts.objects.filter(key=self.key(whose)).delete()


LOGIN_ACCOUNT = Brake("login account", limit=5, window_s=300)
"""One account from one address: its owner elsewhere is not locked out by who guesses here."""
LOGIN_ANYWHERE = Brake("login anywhere", limit=50, window_s=900)
"""One account from many addresses."""
LOGIN_ADDRESS = Brake("login address", limit=30, window_s=900)
TOKEN_ADDRESS = Brake("token address", limit=30, window_s=300)
ENROL_ADDRESS = Brake("enrol address", limit=20, window_s=300)
"""Wrong enrolment tokens from one address."""
LONGEST_WINDOW_S = 900


def client_address(request: HttpRequest) -> str:
    """The asker's network: the address of the front's `X-Real-IP`, of IPv6 the /64 that one customer has.

    The front server overwrites the header. It is believed only from this machine, never from a distant peer.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    said = request.headers.get("X-Real-IP", "")
    try:
        trusted = not peer or ip_address(peer).is_loopback
    except ValueError:
        trusted = True  # a Unix socket has no address
    try:
        found = ip_address(said if trusted and said else peer)
    except ValueError:
        return peer or "local"
    if found.version == 6:
        return str(ip_address(int(found) >> 64 << 64)) + "/64"
    return str(found)


def _number(statement: str, parameters: dict[str, str | int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(SQL[statement], parameters)
        (value,) = cursor.fetchone()
    return int(value)
