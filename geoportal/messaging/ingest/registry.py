"""The devices ingest knows, by id, kept in memory."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from geoportal.messaging import kinds
from geoportal.messaging.kinds import TelemetryKind
from geoportal.sql import queries

SQL = queries("geoportal.messaging", "ingest")
_ROWS = 2000


@dataclass(slots=True)
class Known:
    """One device. `clock_bad` follows what it says and does."""

    id: int
    devid: str
    shard: str
    kind: TelemetryKind
    clock_bad: bool = False
    load: int = 0
    """The reading of the inventory in which it stood last."""


class Registry:
    """Filled by `load`; a devid that is not in it is not in the inventory, or is newer than the last load."""

    def __init__(self) -> None:
        self._devices: dict[str, Known] = {}
        self._load = 0

    def load(self, connection: Any) -> None:
        """Read the inventory, and give each device that has none its status row."""
        with connection.cursor() as cursor:
            cursor.execute(SQL["add_statuses"])
        # In pieces, and into the entries that are there: all rows beside the old entries and the new ones take twice
        # the memory that stays, and the process keeps what it had once.
        self._load += 1
        with connection.cursor("devices") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(SQL["devices"])
            for row in cursor:
                self._take(*row)
        connection.commit()
        for devid in [devid for devid, known in self._devices.items() if known.load != self._load]:
            del self._devices[devid]

    def _take(self, id_: int, devid: str, shard: str, code: str, clock_bad: bool) -> None:
        held = self._devices.get(devid)
        if held is not None and (held.id, held.shard, held.kind) == (id_, shard, kinds.kind(code)):
            held.load = self._load
            return
        clock_bad = held.clock_bad if held is not None else clock_bad
        self._devices[devid] = Known(id_, devid, sys.intern(shard), kinds.kind(code), clock_bad, self._load)

    def get(self, devid: str) -> Known | None:
        return self._devices.get(devid)
