"""`manage.py monitor`: notices what does not arrive (silence, our own blindness), and keeps the store in order."""

import signal
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from geoportal.devices.layers import refresh_extents
from geoportal.metrics.exposition import serve_metrics
from geoportal.monitoring.commands.dispatch import Dispatcher, forget_commands
from geoportal.monitoring.monitor import CHORES, Monitor


def _measure_live_layers(_now: datetime) -> None:
    refresh_extents()


class Command(BaseCommand):
    help = (
        "Judges devices that fall silent, makes telemetry partitions, deletes what is too old. One leads, others wait."
    )
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def handle(self, *args: Any, **options: Any) -> None:
        more = ((timedelta(minutes=1), _measure_live_layers), (timedelta(hours=1), forget_commands))
        monitor = Monitor((*CHORES, *more))
        signal.signal(signal.SIGTERM, monitor.stop)
        signal.signal(signal.SIGINT, monitor.stop)
        dispatcher = Dispatcher()
        dispatcher.start()
        stop_metrics = serve_metrics(settings.METRICS_PORT) if settings.METRICS_PORT else None
        try:
            monitor.run()
        finally:
            if stop_metrics is not None:
                stop_metrics()
            dispatcher.stop()
            dispatcher.join(5)
