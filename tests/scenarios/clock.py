"""A clock moved by hand, and an event loop whose timers follow it while its sockets stay real."""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass
from datetime import datetime, timedelta

_SHORTEST_S, _LONGEST_S = 0.0003, 0.002


@dataclass
class Clock:
    """The time of everything in the world but the sockets."""

    now: datetime

    def seconds(self) -> float:
        """Since the epoch; also serves as the monotonic time, for it never goes back."""
        return self.now.timestamp()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class _Impatient(selectors.DefaultSelector):
    """Waits for sockets only briefly: a timer of the loop may be hours away in simulated time, and due at once."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        wanted = _LONGEST_S if timeout is None else timeout
        return super().select(min(max(wanted, _SHORTEST_S), _LONGEST_S))


class SteppedLoop(asyncio.SelectorEventLoop):
    """`call_later` counts simulated seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        super().__init__(_Impatient())

    def time(self) -> float:
        return self._clock.seconds()
