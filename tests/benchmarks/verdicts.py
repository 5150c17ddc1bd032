"""What the product promises of its speed, and whether a run has kept it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.benchmarks.measure import Case, Result

BOUNDS = {
    "pgbench": "≥ {bound:g}× the same SQL in pgbench",
    "tipg": "≥ {bound:g}× TiPg",
    "titiler": "≥ {bound:g}× TiTiler",
    "per_s": "≥ {bound:,.0f}/s",
    "static": "≥ {bound:g}× nginx with a static file",
    "p99": "p99 ≤ {bound:g} ms",
    "beside": "p50 ≤ {bound:g}× the first page's",
    "copy": "≤ {bound:g}× psql COPY",
    "first": "first byte < {bound:g} ms",
    "grows": "grows by ≤ {bound:g} MB",
    "bytes": "≤ {bound:g} kB a tile",
}
_AT_MOST = frozenset({"p99", "beside", "copy", "first", "grows", "bytes"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise: `found` None when this run could not tell."""

    workload: str
    kind: str
    bound: float
    found: float | None

    @property
    def is_kept(self) -> bool:
        if self.found is None:
            return False
        return self.found <= self.bound if self.kind in _AT_MOST else self.found >= self.bound

    @property
    def line(self) -> str:
        said = "not measured" if self.found is None else "met" if self.is_kept else "**missed**"
        found = "–" if self.found is None else f"{self.found:,.2f}" if self.found < 100 else f"{self.found:,.0f}"
        return f"| {self.workload} | {BOUNDS[self.kind].format(bound=self.bound)} | {found} | {said} |\n"


@dataclass(slots=True)
class Verdicts:
    """Those of one run, in the order they came."""

    found: list[Verdict] = field(default_factory=list)

    def add(self, workload: str, kind: str, bound: float, found: float | None) -> None:
        self.found.append(Verdict(workload, kind, bound, found))

    def judge(self, case: Case, result: Result, more: dict[str, float | None] | None = None) -> None:
        """Every promise of a case; `more` tells what the result does not hold."""
        known = _figures(result) | (more or {})
        for kind, bound in case.targets.items():
            self.add(case.name, kind, bound, known.get(kind))

    def table(self) -> str:
        lines = "".join(one.line for one in self.found)
        return f"\n| eight askers | target | found | |\n|---|---|---|---|\n{lines}"


def _figures(result: Result) -> dict[str, float | None]:
    ours = result.ours
    peer = ours.per_s / result.tipg.per_s if result.tipg else None
    return {
        "pgbench": ours.per_s / result.sql_per_s if result.sql_per_s else None,
        "tipg": peer,
        "titiler": peer,
        "per_s": ours.per_s,
        "p99": ours.p99_ms,
        "beside": ours.p50_ms / result.beside.p50_ms if result.beside else None,
    }
