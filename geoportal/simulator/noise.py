"""Randomness without state: a function of seed, name and time, the same on every machine."""

from __future__ import annotations

import hashlib
import math
from statistics import NormalDist

_NORMAL = NormalDist()
_SCALE = float(2**64)


def uniform(*key: object) -> float:
    """A number of (0, 1) that belongs to this key."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / _SCALE


def gauss(*key: object) -> float:
    """A number of the standard normal distribution that belongs to this key."""
    return _NORMAL.inv_cdf(uniform(*key))


def drift(at: float, period_s: float, *key: object) -> float:
    """Like `gauss`, moving smoothly in time: independent values every `period_s`, blended between.

    The weights keep the variance at 1 everywhere.
    """
    step, share = divmod(at / period_s, 1.0)
    angle = share * math.pi / 2
    return gauss(*key, int(step)) * math.cos(angle) + gauss(*key, int(step) + 1) * math.sin(angle)
