"""Requests of one web process: counted in memory, written to a file of its own now and then.

A process behind one socket cannot be asked by itself, and a counter that is shared costs every request more than these
few lines. Files of processes that ended keep counting, so that the sums never fall.
"""

from __future__ import annotations

import json
import os
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
GROUPS = {"ogc": "ogc", "api": "api", "tecnici": "technicians", "pubblica": "publishing", "admin": "admin"}
"""First part of the path to what is counted together; everything else is `site`."""
_WRITE_S = 5.0


class CountRequests:
    """The outermost middleware: how many requests by group and status class, and how long they took."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._counts: dict[str, list[float]] = {}
        """`group status` to the count of each bound and above, then the sum of seconds."""
        self._written = time.monotonic()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self._get_response(request)
        took = time.perf_counter() - began
        key = f"{GROUPS.get(request.path_info.split('/', 2)[1], 'site')} {response.status_code // 100}xx"
        row = self._counts.get(key)
        if row is None:
            row = self._counts[key] = [0] * (len(BOUNDS_S) + 2)
        row[bisect_left(BOUNDS_S, took)] += 1
        row[-1] += took
        if (now := time.monotonic()) - self._written > _WRITE_S:
            self._written = now
            _write(self._counts)
        return response


def folder() -> Path:
    return Path(settings.VAR_DIR) / "metrics"


def _write(counts: dict[str, list[float]]) -> None:
    target = folder() / f"web-{os.getpid()}-{_STARTED}.json"
    draft = target.with_suffix(".new")
    try:
        draft.write_text(json.dumps(counts), encoding="utf-8")
        draft.replace(target)
    except OSError:
        return  # nobody gathers figures here: the folder is made by who does


_STARTED = int(time.time())


def gathered() -> dict[tuple[str, str], list[float]]:
    """Sums over all processes: (group, status class) to the counts and the seconds."""
    found: dict[tuple[str, str], list[float]] = {}
    for key, row in _summed([*folder().glob("web-*.json")]).items():
        group, _, status = key.partition(" ")
        found[group, status] = row
    return found


def fold_ended() -> None:
    """Make the folder, and one file of those of all processes that ended."""
    folder().mkdir(parents=True, exist_ok=True)
    ended = [path for path in folder().glob("web-*.json") if not _lives(path)]
    if ended:
        target = folder() / "web-ended.json"
        draft = target.with_suffix(".new")
        draft.write_text(json.dumps(_summed(ended)), encoding="utf-8")
        for path in ended:
            path.unlink()
        draft.replace(target)


def _lives(path: Path) -> bool:
    pid = path.stem.split("-")[1]
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def _summed(paths: list[Path]) -> dict[str, list[float]]:
    sums: dict[str, list[float]] = {}
    for path in paths:
        told: dict[str, list[float]] = json.loads(path.read_text(encoding="utf-8"))
        for key, row in told.items():
            held = sums.setdefault(key, [0.0] * len(row))
            sums[key] = [a + b for a, b in zip(held, row, strict=True)]
    return sums
