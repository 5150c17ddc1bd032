"""The account at the end: each number that a device gave is stored exactly once, or told as thrown away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

type Boot = tuple[str, str]
"""Device id and boot."""

_STORED = """
SELECT devid, boot::text, seq FROM wifi_telemetry JOIN monitoring_device d ON d.id = device_id
WHERE boot = ANY(%(b)s::uuid[])
UNION ALL
SELECT devid, boot::text, seq FROM kiosks_telemetry JOIN monitoring_device d ON d.id = device_id
WHERE boot = ANY(%(b)s::uuid[])
UNION ALL
SELECT devid, split_part(dedup, ':', 1), split_part(dedup, ':', 2)::bigint
FROM device_event JOIN monitoring_device d ON d.id = device_id
WHERE channel = 'event' AND split_part(dedup, ':', 1) = ANY(%(b)s)
"""
_GAPS = """
SELECT devid, data->>'boot', (data->>'from')::bigint, (data->>'to')::bigint
FROM device_event JOIN monitoring_device d ON d.id = device_id WHERE code = 'gap' AND data->>'boot' = ANY(%(b)s)
"""


@dataclass
class Account:
    """The result; `lost` and `doubled` name device, boot and number."""

    produced: int = 0
    stored: int = 0
    thrown_away: int = 0
    boots: int = 0
    lost: list[tuple[str, str, int]] = field(default_factory=list)
    doubled: list[tuple[str, str, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.produced} numbers of {self.boots} boots: {self.stored} stored once, {self.thrown_away} told as "
            f"thrown away, {len(self.lost)} lost, {len(self.doubled)} stored twice"
        )


def settle(ledgers: Iterable[Path], database: dict[str, Any]) -> Account:
    """Compare the ledgers with the database. Every number from 1 to the last one of a boot was given."""
    last: dict[Boot, int] = {}
    for ledger in ledgers:
        for line in ledger.read_text().splitlines():
            devid, boot, number = line.split()
            last[devid, boot] = max(last.get((devid, boot), 0), int(number))
    with psycopg2.connect(**database) as connection, connection.cursor() as cursor:
        wanted = {"b": [boot for _, boot in last]}
        cursor.execute(_STORED, wanted)
        stored = Counter((devid, boot, seq) for devid, boot, seq in cursor.fetchall())
        cursor.execute(_GAPS, wanted)
        gaps: dict[Boot, list[tuple[int, int]]] = defaultdict(list)
        for devid, boot, first, end in cursor.fetchall():
            gaps[devid, boot].append((first, end))
    connection.close()
    result = Account(boots=len(last), doubled=[key for key, count in stored.items() if count > 1])
    for (devid, boot), end in last.items():
        for seq in range(1, end + 1):
            result.produced += 1
            if stored[devid, boot, seq]:
                result.stored += 1
            elif any(low <= seq <= high for low, high in gaps[devid, boot]):
                result.thrown_away += 1
            else:
                result.lost.append((devid, boot, seq))
    return result
