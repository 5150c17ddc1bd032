"""Who may write which shards: advisory locks of PostgreSQL on a connection of their own, and news of the inventory.

Two processes with the same client id would throw each other off the broker for ever. The second waits here until the
first one's connection to the database ends, and then takes over its session and its queue.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any

import psycopg2

_CLASS = 0x43_52_45_4D
"""First key of our advisory locks: "CREM"."""


class LeaseLost(Exception):
    """The connection that held the lease is gone; another worker may have it by now."""


class Lease:
    """The shards held over one connection, which also listens to changes of the inventory."""

    def __init__(self, connection: Any, shards: Sequence[str]) -> None:
        self._connection = connection
        self._shards = sorted(shards)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("LISTEN device_registry")

    def acquire(self) -> bool:
        """Take all shards, or none when somebody holds one of them."""
        with self._connection.cursor() as cursor:
            for shard in self._shards:
                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (_CLASS, int(shard, 16)))
                if not cursor.fetchone()[0]:
                    cursor.execute("SELECT pg_advisory_unlock_all()")
                    return False
        return True

    def check(self) -> None:
        """Raises LeaseLost when the connection does not answer."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except psycopg2.Error as error:
            raise LeaseLost(str(error).strip()) from error

    def news(self) -> bool:
        """Whether the inventory changed since the last time. Raises LeaseLost."""
        try:
            if select.select([self._connection], [], [], 0) != ([], [], []):
                self._connection.poll()
        except (psycopg2.Error, OSError, ValueError) as error:
            raise LeaseLost(str(error).strip()) from error
        changed = bool(self._connection.notifies)
        self._connection.notifies.clear()
        return changed

    def close(self) -> None:
        self._connection.close()
