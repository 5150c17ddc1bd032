"""The monitor process: one leader that looks every few seconds; the others wait to take over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from geoportal.monitoring.alerts.evaluation import evaluate
from geoportal.monitoring.alerts.outbox import Courier
from geoportal.monitoring.alerts.retention import forget_old_alerts
from geoportal.monitoring.maintenance import unroll
from geoportal.monitoring.rollups import forget_rollups, roll_up
from geoportal.monitoring.watching import forget_old, make_partitions, note_reconnections, take_lead, watch

log = logging.getLogger(__name__)

LOOK_S = 0.5
WAIT_S = 2.0
"""Between attempts to lead, and after the database went away."""

Chore = tuple[timedelta, Callable[[datetime], object]]

CHORES: tuple[Chore, ...] = (
    (timedelta(minutes=10), make_partitions),
    (timedelta(hours=1), forget_old),
    (timedelta(hours=1), forget_rollups),
    (timedelta(seconds=10), roll_up),
    (timedelta(hours=1), forget_old_alerts),
    (timedelta(minutes=10), unroll),
    (timedelta(seconds=10), note_reconnections),
    (timedelta(seconds=5), evaluate),
)


class Monitor:
    """Runs until it is stopped. `chores` are done at the start of leading and then at their intervals."""

    def __init__(self, chores: Sequence[Chore] = CHORES) -> None:
        self._chores = chores
        self._stop = threading.Event()

    def stop(self, *_: object) -> None:
        """End after the look under way; may be called by a signal."""
        self._stop.set()

    def run(self) -> None:
        """Lead when nobody else does; survive restarts of the database. The courier works beside it, leading or not."""
        courier = Courier()
        courier.start()
        while not self._stop.is_set():
            try:
                if take_lead():
                    log.info("This monitor leads")
                    self._lead()
            except (DatabaseError, InterfaceError) as error:
                log.warning("The database is away, trying again: %s", str(error).strip())
            # Closing gives the lead back: a broken connection has lost it already.
            connection.close()
            self._stop.wait(WAIT_S)
        courier.stop()
        courier.join()

    def _lead(self) -> None:
        due = [datetime.min.replace(tzinfo=timezone.get_current_timezone())] * len(self._chores)
        while not self._stop.is_set():
            now = timezone.now()
            for place, (interval, chore) in enumerate(self._chores):
                if now >= due[place]:
                    chore(now)
                    due[place] = now + interval
            watch(timezone.now())
            self._stop.wait(LOOK_S)
