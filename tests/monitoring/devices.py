"""Devices with a status row, for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point

from geoportal.messaging.topics import shard_of
from geoportal.monitoring.models import Device, DeviceStatus
from kiosks.models import Totem
from wifi.models import AccessPoint

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def device(devid: str = "ap-one", kind: str = "ap", status: dict[str, Any] | None = None, **fields: Any) -> Device:
    """One device in the square before the cathedral; by default connected and heard ten seconds before NOW."""
    model = AccessPoint if kind == "ap" else Totem
    usual = {"name_it": devid, "geom": Point(579_800, 4_998_600, srid=32632), "shard": shard_of(devid)}
    made = model.objects.create(devid=devid, kind=kind, **{**usual, **fields})
    heard = {"presence": "online", "presence_at": ago(3600), "last_seen_at": ago(10)}
    DeviceStatus.objects.create(device_id=made.pk, **{**heard, **(status or {})})
    return Device.objects.get(pk=made.pk)
