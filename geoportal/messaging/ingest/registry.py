"""The devices ingest knows, by id, kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from geoportal.messaging import kinds
from geoportal.messaging.kinds import TelemetryKind
from geoportal.sql import queries

SQL = queries("geoportal.messaging", "ingest")


@dataclass(slots=True)
class Known:
    """One device. `clock_bad` follows what it says and does."""

    id: int
    devid: str
    shard: str
    kind: TelemetryKind
    clock_bad: bool = False


class Registry:
    """Filled by `load`; a devid that is not in it is not in the inventory, or is newer than the last load."""

    def __init__(self) -> None:
        self._devices: dict[str, Known] = {}

    def load(self, connection: Any) -> None:
        """Read the inventory, and give each device that has none its status row."""
        with connection.cursor() as cursor:
            cursor.execute(SQL["add_statuses"])
            cursor.execute(SQL["devices"])
            rows = cursor.fetchall()
        connection.commit()
        held = self._devices
        fresh = {
            devid: Known(id_, devid, shard, kinds.kind(code), clock_bad) for id_, devid, shard, code, clock_bad in rows
        }
        for devid, known in fresh.items():
            if devid in held:
                known.clock_bad = held[devid].clock_bad
        self._devices = fresh

    def get(self, devid: str) -> Known | None:
        return self._devices.get(devid)
