"""Availability from the state intervals, weighed by time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from geoportal.sql import queries

BY = ("device", "place", "operator", "month")
WITHOUT_CONTACT = ("connection_lost", "silent", "switched_off", "unreachable")
"""Causes for which a device is down, although one evidence alone is only a problem."""


@dataclass(frozen=True, slots=True)
class Availability:
    """The time of one group of devices, in seconds. `key`: code, place, operator, or month as YYYY-MM."""

    key: str
    name: str
    month: str
    """YYYY-MM where each group was asked month by month."""
    devices: int
    up_s: float
    down_s: float
    out_s: float

    @property
    def percent(self) -> float | None:
        """Up of up and down; None when nothing is known of the whole time."""
        known = self.up_s + self.down_s
        return 100 * self.up_s / known if known else None

    @property
    def down_h(self) -> float:
        return self.down_s / 3600

    @property
    def out_h(self) -> float:
        return self.out_s / 3600


def availability(
    first: datetime, last: datetime, by: str, kinds: Iterable[str], now: datetime, *, monthly: bool = False
) -> list[Availability]:
    """Availability in [first, last), worst first, months in order. The open interval counts until `now`.

    With `monthly` each group has a row for each local month, in the order of groups and months.

    Raises ValueError for a grouping that is not one of BY.
    """
    if by not in BY:
        raise ValueError(f"availability is grouped by one of {', '.join(BY)}, not by {by!r}")
    parameters: dict[str, Any] = {
        "first": first, "last": last, "now": now, "by": by, "kinds": sorted(kinds), "lost": list(WITHOUT_CONTACT),
        "monthly": monthly and by != "month", "by_months": monthly or by == "month",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(queries("geoportal.monitoring", "availability")["availability"], parameters)
        return [Availability(*row) for row in cursor.fetchall()]
