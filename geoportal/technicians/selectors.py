"""What the technicians' pages read: one statement a page, as small frozen rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from geoportal.map_page import in_language
from geoportal.marks import MARKS, mark_of
from geoportal.sql import queries


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One device as the list shows it. `lon`, `lat` in OGC:CRS84 degrees."""

    devid: str
    kind: str
    name_it: str
    name_en: str
    place: str
    area: str
    is_sample: bool
    position_quality: str
    lifecycle: str
    lon: float
    lat: float
    health: str
    since: datetime
    cause: str
    presence: str
    last_seen_at: datetime | None

    @property
    def name(self) -> str:
        return in_language(self.name_it, self.name_en)

    @property
    def weight(self) -> int:
        return mark_of(self.health).weight


def device_rows(kinds: frozenset[str]) -> list[DeviceRow]:
    """Every device of these kinds that is not removed, worst first, then longest in its state."""
    weights = json.dumps({health: mark.weight for health, mark in MARKS.items()})
    return [DeviceRow(**row) for row in _read("device_rows", {"kinds": sorted(kinds), "weights": weights})]


def device_row(devid: str, kinds: frozenset[str]) -> dict[str, Any] | None:
    """Everything known of one device, or None when there is none of this id among these kinds."""
    found = _read("device_row", {"devid": devid, "kinds": sorted(kinds)})
    if not found:
        return None
    row = found[0]
    for name in ("metrics", "info", "evidence"):
        # Django leaves jsonb as text on raw cursors.
        row[name] = json.loads(row[name]) if isinstance(row[name], str) else row[name]
    return row


def dead_letter_count(devid: str) -> int:
    """Messages of a device that could not be used and are still kept."""
    ((count,),) = (row.values() for row in _read("dead_letters", {"topic_part": f"/{devid}/"}))
    return int(count)


def denial_count(devid: str) -> int:
    """How often the broker denied this device a topic that is not its own."""
    ((count,),) = (row.values() for row in _read("denials", {"devid": devid}))
    return int(count)


def _read(name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(queries("geoportal.technicians", "devices")[name], parameters)
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
