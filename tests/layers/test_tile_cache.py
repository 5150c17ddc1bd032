"""The tile cache keeps to its bytes and makes each tile once, however many ask."""

import threading

import pytest

from layers.tile_cache import OVERHEAD, TileCache


def test_a_stampede_makes_the_tile_once() -> None:
    cache, made, gate = TileCache(10_000), [], threading.Event()

    def make() -> bytes:
        made.append(1)
        gate.wait(5)
        return b"tile"

    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("k", make))) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(5)
    assert found == [b"tile"] * 8 and made == [1]


def test_the_oldest_go_first_and_the_bytes_stay_bounded() -> None:
    size = 1000
    cache = TileCache(10 * (size + OVERHEAD))
    for key in range(30):
        cache.get(key, lambda: b"x" * size)
        cache.get(0, lambda: b"y" * size)
    assert cache.size_bytes <= 10 * (size + OVERHEAD)
    assert cache.get(0, lambda: b"new") == b"x" * size or cache.get(0, lambda: b"new") == b"y" * size
    assert cache.get(5, lambda: b"new") == b"new"


def test_an_error_reaches_everyone_and_is_not_kept() -> None:
    cache = TileCache(1000)

    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("k", fail)
    assert cache.get("k", lambda: b"now") == b"now"
