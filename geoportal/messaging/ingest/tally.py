"""What one worker counts of its own work; told every second in its heartbeat, for Prometheus (docs/metrics.md)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any

from geoportal.messaging.ingest.batch import Batch

SIZES = (1, 10, 50, 100, 500, 1000, 2000)
"""Messages of a batch."""
DELAYS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)
"""From the arrival of the oldest message of a batch to its commit."""


class Distribution:
    """How many values were at most as large as each bound."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def told(self) -> dict[str, Any]:
        """Bounds, counts of each (the last: larger than all), and the sum."""
        return {"bounds": list(self.bounds), "counts": self.counts, "sum": round(self.total, 3)}


class Tally:
    """Counts since the start of the process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()
        self.sizes = Distribution(SIZES)
        self.delays = Distribution(DELAYS_S)

    def note(self, batch: Batch, repeated: int, delay_s: float) -> None:
        """One committed batch; `repeated` of its samples were stored before."""
        self.counts["messages"] += batch.size
        self.counts["samples"] += sum(map(len, batch.samples.values()))
        self.counts["events"] += len(batch.events)
        self.counts["repeated"] += repeated
        self.counts["gaps"] += len(batch.gaps)
        self.counts["lost_by_devices"] += sum(max(0, last - first + 1) for _, first, last in batch.gaps)
        self.counts["batches"] += 1
        for dead in batch.dead:
            self.dead[dead.reason] += 1
        self.sizes.note(batch.size)
        self.delays.note(delay_s)

    def told(self, **now: float) -> dict[str, Any]:
        """Everything, with what holds at this moment, as the heartbeat keeps it."""
        return {
            **self.counts,
            **now,
            "dead": self.dead,
            "batch_sizes": self.sizes.told(),
            "delays_s": self.delays.told(),
        }
