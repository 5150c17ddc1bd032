"""`manage.py netjson_key DEVID [--url …]`: let OpenWISP's agent on an access point post to us."""

from __future__ import annotations

import hashlib
import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from wifi.models import AccessPoint, NetJsonKey


class Command(BaseCommand):
    help = "Make a new key for an access point and print the settings for its OpenWISP agent; the old key ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("devid")
        parser.add_argument("--url", default=settings.PUBLIC_URL or "https://geoportale.example", help="of this site")
        parser.add_argument("--revoke", action="store_true", help="take the key away")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            device = AccessPoint.objects.get(devid=options["devid"])
        except AccessPoint.DoesNotExist as error:
            raise CommandError(f"{options['devid']!r} is not an access point of the inventory") from error
        if options["revoke"]:
            NetJsonKey.objects.filter(device=device).delete()
            self.stdout.write(f"{device.devid} cannot post any more")
            return
        key = secrets.token_urlsafe(32)
        digest = hashlib.sha256(key.encode()).digest()
        NetJsonKey.objects.update_or_create(device=device, defaults={"digest": digest})
        for name, value in (("url", options["url"]), ("uuid", device.devid), ("key", key)):
            self.stdout.write(f"uci set openwisp.http.{name}='{value}'")
        self.stdout.write(f"uci set openwisp-monitoring.monitoring.interval='{device.interval_s}'")
        self.stdout.write("uci commit && /etc/init.d/openwisp-monitoring restart")
