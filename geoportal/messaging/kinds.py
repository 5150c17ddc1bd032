"""The kinds of device that ingest can write: each app registers its own when Django starts it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import msgspec

from geoportal.messaging.messages import Metrics, TelemetryReader


@dataclass(frozen=True, slots=True)
class TelemetryKind:
    """How the samples of one kind of device are read, and the table that holds them.

    The table has the columns device_id, ts, boot, seq, rx_at, hist, clock_bad, one for each field of the metrics
    struct, and extra.
    """

    code: str
    table: str
    reader: TelemetryReader
    columns: tuple[str, ...]
    counters: tuple[str, ...] = ()
    """Measurements that only grow within a boot: what they are worth is their difference."""
    flags: frozenset[str] = frozenset()
    """Measurements that are yes or no."""

    @property
    def staging(self) -> str:
        """Name of the temporary table a batch is copied into."""
        return f"stage_{self.table}"


_kinds: dict[str, TelemetryKind] = {}


def register(code: str, table: str, metrics: type[Metrics]) -> None:
    """Tell ingest of a kind of device (`Device.kind`)."""
    fields = msgspec.structs.fields(metrics)
    flags = frozenset(field.encode_name for field in fields if bool in get_args(field.type))
    reader = TelemetryReader.of(metrics)
    _kinds[code] = TelemetryKind(code, table, reader, metrics.__struct_fields__, metrics.COUNTERS, flags)


def kind(code: str) -> TelemetryKind:
    """A registered kind. Raises KeyError."""
    return _kinds[code]


def kinds() -> Iterator[TelemetryKind]:
    """Every registered kind."""
    return iter(_kinds.values())
