"""wrk against an address and pgbench against the SQL behind it, interleaved; medians of the rounds."""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


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

    @property
    def section(self) -> str:
        """Which part of the bench it belongs to."""
        return "tiles" if "/tiles/" in self.path else "features"


@dataclass(frozen=True, slots=True)
class Result:
    """Requests and transactions per second, and the 99th percentile of the answers in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    sql_per_s: float | None

    @property
    def ratio(self) -> float | None:
        return self.per_s / self.sql_per_s if self.sql_per_s else None


def measure(case: Case, root: str, database: dict[str, str], *, clients: int, rounds: int, seconds: int) -> Result:
    """Run one workload. Raises RuntimeError when an answer was not 2xx or a tool failed."""
    web: list[tuple[float, float, float]] = []
    plain: list[float] = []
    warm(root + case.path, clients, 1)
    for number in range(rounds):
        web.append(_wrk(root + case.path, clients, seconds, _share(case.paths, number, rounds)))
        if case.statement:
            plain.append(_pgbench(case.statement, database, clients, seconds))
    return Result(
        statistics.median(rate for rate, _, _ in web),
        statistics.median(p50 for _, p50, _ in web),
        statistics.median(p99 for _, _, p99 in web),
        statistics.median(plain) if plain else None,
    )


def warm(address: str, clients: int, seconds: int) -> None:
    """Ask without measuring: a worker's first answers load its code and the catalogue."""
    _run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", address])


def ask_peer(address: str, *, clients: int, seconds: int, paths: tuple[str, ...] = ()) -> float | None:
    """Requests per second of another server; None when it answers errors."""
    try:
        warm(address, clients, 1)
        return _wrk(address, clients, seconds, paths)[0] or None  # nothing within the time is no measurement
    except RuntimeError:
        return None


def _share(paths: tuple[str, ...], number: int, rounds: int) -> tuple[str, ...]:
    """Every round has addresses of its own, so that no cache holds them yet."""
    return paths[number::rounds]


_LIST = """
local paths = {{ {paths} }}
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


def _wrk(address: str, clients: int, seconds: int, paths: tuple[str, ...] = ()) -> tuple[float, float, float]:
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", address]
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
    return float(rate[1]), _latency(report, 50), _latency(report, 99)


def _latency(report: str, percent: int) -> float:
    """A percentile in milliseconds."""
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", report)
    if found is None:
        raise RuntimeError(f"wrk said something else than expected:\n{report}")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


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
