"""wrk against an address, pgbench against the SQL behind it and wrk against the others, in turn; medians of rounds."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.db import connection

QUIET_S = 30
"""How long to wait for servers to finish what nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Case:
    """One workload: an address of the services and the statement it stands for (None: nothing to compare with)."""

    name: str
    path: str
    statement: str | None = None
    tipg: str = ""
    """The same question to TiPg; empty: it has none, or answers another."""
    pygeoapi: str = ""
    paths: tuple[str, ...] = ()
    """Addresses asked one after the other instead of `path`, each new: nothing of them is kept."""
    tipg_paths: tuple[str, ...] = ()
    """The same of the other server."""
    beside: str = ""
    """Another address of ours, asked in the same rounds, whose time this one's is compared with."""
    targets: dict[str, float] = field(default_factory=dict)
    """Bounds by the names of `tests.benchmarks.verdicts.BOUNDS`, for eight askers."""
    statements: int = 1
    """How many `statement` holds, each for one request."""
    least_s: int = 0
    """Seconds a round of the other servers takes at least: where one answer takes long."""


@dataclass(frozen=True, slots=True)
class Web:
    """What wrk saw: requests per second, and percentiles of the answers in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Result:
    """One case with one number of askers; None where it was not asked or answered errors."""

    ours: Web
    sql_per_s: float | None = None
    tipg: Web | None = None
    pygeoapi: Web | None = None
    beside: Web | None = None


def measure(
    case: Case,
    root: str,
    others: dict[str, str],
    database: dict[str, str],
    *,
    clients: int,
    rounds: int,
    seconds: int,
    turn: tuple[int, int] = (0, 1),
) -> Result:
    """Run one workload; `turn`: the how-manieth time of how many.

    Raises RuntimeError when an answer of ours was not 2xx or a tool failed.
    """
    ours: list[Web] = []
    beside: list[Web] = []
    plain: list[float] = []
    tipg: list[Web | None] = []
    warm(root + case.path, clients, 1)
    at_tipg = others.get("tipg", "")
    first, of = turn[0] * rounds, turn[1] * rounds
    if case.tipg and at_tipg:
        ask_peer(at_tipg + case.tipg, clients, 1)
    for number in range(rounds):
        settle()
        ours.append(_wrk(root + case.path, clients, seconds, _share(case.paths, first + number, of)))
        if case.beside:
            beside.append(_wrk(root + case.beside, clients, seconds))
        if case.statement:
            plain.append(case.statements * _pgbench(case.statement, database, clients, max(seconds, case.least_s // 2)))
        if case.tipg and at_tipg:
            paths = _share(case.tipg_paths, first + number, of)
            tipg.append(ask_peer(at_tipg + case.tipg, clients, max(seconds, case.least_s), paths))
    settle()
    pygeoapi = None
    if case.pygeoapi and others.get("pygeoapi"):
        ask_peer(others["pygeoapi"] + case.pygeoapi, clients, 1)
        pygeoapi = ask_peer(others["pygeoapi"] + case.pygeoapi, clients, max(seconds, case.least_s))
        settle()
    return Result(
        _median(ours),
        statistics.median(plain) if plain else None,
        _median([one for one in tipg if one]) if any(tipg) else None,
        pygeoapi,
        _median(beside) if beside else None,
    )


def _median(found: list[Web]) -> Web:
    return Web(
        statistics.median(one.per_s for one in found),
        statistics.median(one.p50_ms for one in found),
        statistics.median(one.p99_ms for one in found),
    )


def settle() -> None:
    """Until nobody works: a server goes on with what wrk no longer waits for, at the cost of the next one."""
    end = time.monotonic() + QUIET_S
    before = _worked()
    while time.monotonic() < end:
        time.sleep(0.2)
        now = _worked()
        if now - before < 0.03 and not _queries():
            return
        before = now


def _worked() -> float:
    """CPU seconds so far of the servers that this process has started."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _queries() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend'"
            " AND pid <> pg_backend_pid()"
        )
        (count,) = cursor.fetchone()
    return int(count)


def warm(address: str, clients: int, seconds: int) -> None:
    """Ask without measuring: a worker's first answers load its code and the catalogue."""
    _run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", address])


def ask(address: str, clients: int, seconds: int, paths: tuple[str, ...] = ()) -> Web:
    """What wrk sees at one address. Raises RuntimeError when an answer was not 2xx."""
    return _wrk(address, clients, seconds, paths)


def ask_peer(address: str, clients: int, seconds: int, paths: tuple[str, ...] = ()) -> Web | None:
    """The same of another server; None when it answers errors, or nothing within the time."""
    try:
        found = _wrk(address, clients, seconds, paths)
    except RuntimeError:
        return None
    return found if found.per_s else None


def _share(paths: tuple[str, ...], number: int, of: int) -> tuple[str, ...]:
    """Every round has addresses of its own, so that no cache holds them yet."""
    size = len(paths) // of
    return paths[number * size : (number + 1) * size]


_LIST = """
local paths = {{ {paths} }}
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


def _wrk(address: str, clients: int, seconds: int, paths: tuple[str, ...] = ()) -> Web:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", "--latency", address]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if paths:
            script.write(_LIST.format(paths=", ".join(f'"{path}"' for path in paths)))
            script.flush()
            command += ["-s", script.name]
        report = _run(command)
    if "Non-2xx" in report:
        raise RuntimeError(f"{address} answered errors:\n{report}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report)
    if rate is None:
        raise RuntimeError(f"wrk said something else than expected:\n{report}")
    return Web(float(rate[1]), _latency(report, 50), _latency(report, 99))


def _latency(report: str, percent: int) -> float:
    """A percentile in milliseconds."""
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)\b", report)
    if found is None:
        raise RuntimeError(f"wrk said something else than expected:\n{report}")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[found[2]]


def _pgbench(statement: str, database: dict[str, str], clients: int, seconds: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "statement.sql"
        # One line a statement; comments would swallow the rest of it.
        lines = [line for line in statement.splitlines() if not line.strip().startswith("--")]
        script.write_text(re.sub(r"\s+--\s.*", "", " \n".join(lines)).replace("\n", " ") + ";\n")
        report = _run(
            ["pgbench", "-n", "-f", str(script), "-c", str(clients), "-j", "1", "-T", str(seconds),
             "-h", database["host"], "-U", database["user"], database["name"]]
        )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", report)
    if found is None:
        raise RuntimeError(f"pgbench said something else than expected:\n{report}")
    return float(found[1])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
    return done.stdout
