"""LinkNYC's monthly table by access point (CSV): one sample each, at the end of the month, with the month's sums.

Numbers have thousands commas; an uptime of "-" is unknown. MB become bytes; received is what users downloaded.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geoportal.recordings.model import BadRecording, RecordedDevice, Sample, boot_of

_COLUMNS = {
    "Number of Unique Clients": "clients_month",
    "Number of Sessions": "sessions_month",
    "Minutes Used": "minutes_month",
}
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MEGA = 1_000_000


def read(path: Path) -> Iterator[RecordedDevice]:
    """The access points of a month; the file's name holds the month as 2018-07. Raises BadRecording."""
    month = _MONTH.search(path.name)
    if month is None:
        raise BadRecording(f"{path.name} does not say of which month it is: rename it to hold YYYY-MM")
    year, number = int(month[1]), int(month[2])
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {"AP Device Name", "Uptime %", *_COLUMNS} - set(rows.fieldnames or ())
        if missing:
            raise BadRecording(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
        for row in rows:
            yield _device(row, end)


def _device(row: Mapping[str, str], end: datetime) -> RecordedDevice:
    name = row["AP Device Name"].strip().lower()
    measured: dict[str, Any] = {ours: _number(row[theirs]) for theirs, ours in _COLUMNS.items()}
    measured["rx_total"] = _number(row["MB Transferred (download)"]) * _MEGA
    measured["tx_total"] = _number(row["MB Transferred (upload)"]) * _MEGA
    uptime = row["Uptime %"].strip().removesuffix("%")
    if uptime != "-":
        measured["uptime_month_pct"] = float(uptime)
    sample = Sample(boot_of("linknyc", name, end), 1, end, measured)
    return RecordedDevice(f"lnk-{name}", "ap", row["Street Address"], {"agent": "recording: linknyc"}, (sample,))


def _number(text: str) -> int:
    return int(text.replace(",", ""))
