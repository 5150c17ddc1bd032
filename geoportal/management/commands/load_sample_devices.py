"""`manage.py load_sample_devices`: 40 access points at real places of Cremona and 12 example totems, enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from geoportal.messaging import dynsec
from geoportal.monitoring.enrolment import add_device, enrol_many
from geoportal.monitoring.models import Device
from geoportal.sample_devices import OPERATOR, SampleDevice, sample_devices
from kiosks.models import Totem
from wifi.models import AccessPoint


class Command(BaseCommand):
    """Adds what is missing; a device that exists keeps what was changed in it, and its credentials."""

    help = "Adds the sample devices, enrols them at the broker and writes var/devices/<devid>.toml for their agents."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--renew", action="store_true", help="enrol all of them again, with new passwords")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = list(sample_devices())
        with transaction.atomic():
            known = set(Device.objects.filter(devid__in=[one.devid for one in wanted]).values_list("devid", flat=True))
            for one in wanted:
                if one.devid not in known:
                    add_device(_row(one))
        folder = Path(settings.VAR_DIR) / "devices"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sample = Device.objects.filter(devid__in=[one.devid for one in wanted], is_sample=True)
        lacking = [
            device
            for device in sample.exclude(lifecycle=Device.Lifecycle.REMOVED)
            if options["renew"] or not (folder / f"{device.devid}.toml").exists()
        ]
        if lacking:
            try:
                configs = enrol_many(lacking)
            except (dynsec.BrokerUnavailable, dynsec.DynsecError) as error:
                raise CommandError(f"the sample devices cannot be enrolled: {error}") from error
            for config in configs:
                _write(folder / f"{config.devid}.toml", config.toml())
        added = len(wanted) - len(known)
        self.stdout.write(f"Sample devices: {added} added, {len(known)} there already, {len(lacking)} enrolled")


def _row(one: SampleDevice) -> Device:
    position = Point(one.lon, one.lat, srid=4326)
    position.transform(32632)
    values: dict[str, Any] = {
        "devid": one.devid,
        "kind": one.kind,
        "name_it": one.name,
        "place": one.place.name,
        "geom": position,
        "position_quality": one.quality,
        "is_sample": True,
        "operator": OPERATOR,
        "cabinet": one.cabinet,
        "feeder": one.feeder,
        "area": one.place.area,
        "notes": one.notes,
    }
    if one.kind == "ap":
        return AccessPoint(is_outdoor=one.place.is_outdoor, **values)
    return Totem(model="Esempio 32 pollici", mount_height_mm=1150, **values)


def _write(path: Path, text: str) -> None:
    """Readable by us alone from its first byte on; replaced in one step."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
