"""A short storm over the whole product: kill -9, and networks cut; `make chaos` blows for longer, with three seeds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.chaos.storm import storm
from tests.product import RunningProduct

SECONDS = 10.0


def test_every_number_a_device_gave_is_stored_once_or_told_as_a_gap(product: RunningProduct, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201 - to repeat it: python -m tests.chaos --seeds N --seconds 10
    with storm(product, tmp_path, seed, every_s=0.5, hurried=True) as blowing:
        blowing.blow(SECONDS)
        account = blowing.settle()
    print(f"hit {' '.join(blowing.killed)}; {account}")  # noqa: T201
    assert set(blowing.killed) - {"network"} == {"ingest", "broker", "postgres", "agent"}
    assert account.produced > 52 * SECONDS
    assert account.lost == []
    assert account.doubled == []
    if blowing.no_network:
        pytest.skip(f"the account is right, but no network was cut: {blowing.no_network}")
    assert "network" in blowing.killed
