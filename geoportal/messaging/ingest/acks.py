"""The application acknowledgement: which numbers of a boot are stored. Pure.

A device deletes from its spool what is acknowledged, so that a number may count as stored only once it is committed,
and one that never came must stay in `miss` until it comes or the device says that it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_MISSING = 500
"""Past this many gaps `hi` does not move on: the rest is asked for later."""
LOOK_BACK = 100
"""So many numbers before the first one of an unknown boot are asked for."""
type Key = tuple[int, str]
"""Device id and boot."""


@dataclass(slots=True)
class Received:
    """Every number up to `hi` is stored, except those in `miss`. Numbers begin at 1; 0 is taken too."""

    hi: int = 0
    miss: frozenset[int] = frozenset()

    def add(self, seq: int) -> None:
        """Count one number as stored."""
        if seq == self.hi + 1:
            self.hi = seq
        elif seq <= self.hi:
            if seq in self.miss:
                self.miss -= {seq}
        elif seq - self.hi - 1 + len(self.miss) <= MAX_MISSING:
            self.miss |= frozenset(range(self.hi + 1, seq))
            self.hi = seq
        # else: too far ahead. It is stored, not acknowledged; the device repeats it, which does no harm.

    def skip(self, first: int, last: int) -> None:
        """The numbers from `first` to `last` are gone for good."""
        if first <= self.hi + 1 <= last:
            self.hi = last
        elif first > self.hi + 1 and first - self.hi - 1 + len(self.miss) <= MAX_MISSING:
            self.miss |= frozenset(range(self.hi + 1, first))
            self.hi = last
        self.miss = frozenset(seq for seq in self.miss if not first <= seq <= last)

    @classmethod
    def beginning_at(cls, seq: int) -> Received:
        """For a boot of which nothing was known: a device sends in order, so that what lies far before its first
        message was acknowledged in a life of the database that is over, and only the nearest may still be missing.
        """
        base = max(0, seq - 1 - LOOK_BACK)
        return cls(base)

    def told(self, boot: str) -> bytes:
        """The text of `dn/ack`."""
        miss = ",".join(map(str, sorted(self.miss)))
        return f'{{"boot":"{boot}","hi":{self.hi},"miss":[{miss}]}}'.encode()

    def copy(self) -> Received:
        return Received(self.hi, self.miss)
