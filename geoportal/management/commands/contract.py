"""`manage.py contract > docs/asyncapi.json`: the AsyncAPI document of the device contract."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from geoportal.messaging.contract.asyncapi import document


class Command(BaseCommand):
    help = "Print the AsyncAPI document of the device contract, as docs/asyncapi.json keeps it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(document(), ensure_ascii=False, indent=1))
