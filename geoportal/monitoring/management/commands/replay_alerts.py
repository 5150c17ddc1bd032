"""`manage.py replay_alerts [RULE…] [--days N]`: what the rules would have raised on the stored past."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from geoportal.monitoring.alerts.models import AlertRule
from geoportal.monitoring.alerts.replay import TooMuch, replay


class Command(BaseCommand):
    help = "Say which alerts the rules would have raised on the stored past. Writes nothing and calls nobody."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("rules", nargs="*", help="codes of rules; none: all active ones")
        parser.add_argument("--days", type=int, default=7)

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {"slug__in": options["rules"]} if options["rules"] else {"is_active": True}
        rules = AlertRule.objects.filter(**asked)
        missing = set(options["rules"]) - {rule.slug for rule in rules}
        if missing:
            raise CommandError(f"no rule {', '.join(sorted(missing))}: known are {', '.join(_slugs())}")
        if options["days"] < 1:
            raise CommandError(f"--days must be 1 or more, found {options['days']}")
        now = timezone.now()
        for rule in rules:
            try:
                found = replay(rule, now - timedelta(days=options["days"]), now)
            except TooMuch as error:
                raise CommandError(f"{rule.slug}: {error}") from error
            calling = sum(one.under is None for one in found)
            self.stdout.write(f"{rule.slug}: {calling} alerts, {len(found) - calling} more under a common cause")
            for one in found:
                ended = timezone.localtime(one.ended_at).isoformat(" ", "seconds") if one.ended_at else "still open"
                began = timezone.localtime(one.fired_at).isoformat(" ", "seconds")
                under = f" (under {one.under[0]} {one.under[1]})" if one.under else ""
                self.stdout.write(f"  {began} – {ended}  {one.scope} {one.key}{under}")


def _slugs() -> list[str]:
    return list(AlertRule.objects.order_by("slug").values_list("slug", flat=True))
