"""Kill parts of the running product and agents, and cut networks, in the order a seed gives; then let it settle."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.account import Account, settle
from tests.chaos.network import PORT, NoNamespaces, Segment, segments
from tests.product import BASE, RunningProduct, clean_environment, eventually

PARTS = ("ingest", "broker", "postgres", "agent")
PROCESSES = 4
CUTTABLE = 2
"""Of the processes, those whose network can be cut where this machine permits it."""
SETTLE_S = 240.0
"""A lost message is sent again after a minute, and a device that failed often waits up to two before it connects."""


@dataclass
class Agents:
    """Some devices in one process, and their folder of spools."""

    folder: Path
    configs: list[Path]
    every_s: float
    hurried: bool = False
    segment: Segment | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [*(self.segment.prefix() if self.segment else []), sys.executable, "-m", "tests.chaos.fleet"]
        command += ["--hurried"] if self.hurried else []
        command += ["--broker", f"{self.segment.host}:{PORT}"] if self.segment else []
        command += [str(self.ledger), str(self.every_s)]
        # Held back until the fleet listens: one that was just started again must not die of being asked to end.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *map(str, self.configs)], cwd=BASE, env=clean_environment(), stdout=log, stderr=log
            )
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def kill(self, *, reboot: bool) -> None:
        """kill -9 and start again; with `reboot` as after a power cut of the machine: numbers begin anew."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        if reboot:
            (self.folder / "reboot").write_text(str(uuid.uuid4()))
        self.start()


@dataclass
class Storm:
    """One run: the seed decides what is killed, when and in which order."""

    product: RunningProduct
    seed: int
    agents: list[Agents] = field(default_factory=list)
    longest_cut_s: float = 4.0
    no_network: str = ""
    """Why no network can be cut; empty where it can."""
    killed: list[str] = field(default_factory=list)
    _cut: dict[Segment, float] = field(default_factory=dict)
    """When each cut network is mended."""

    def blow(self, seconds: float) -> None:
        """Every part once in a random order, then any, until the time is over."""
        chance = random.Random(self.seed)
        networks = [group.segment for group in self.agents if group.segment is not None]
        parts = (*PARTS, "network") if networks else PARTS
        order = chance.sample(parts, len(parts))
        end = time.monotonic() + seconds
        while order or time.monotonic() < end:
            time.sleep(chance.uniform(0.3, 3.0))
            self._mend_due(time.monotonic())
            part = order.pop() if order else chance.choice(parts)
            self.killed.append(part)
            if part == "agent":
                chance.choice(self.agents).kill(reboot=chance.random() < 0.5)
            elif part == "network":
                segment = chance.choice(networks)
                segment.cut()
                self._cut[segment] = time.monotonic() + chance.uniform(1.0, self.longest_cut_s)
            else:
                self.product.kill(part)
        self._mend_due(float("inf"))

    def _mend_due(self, now: float) -> None:
        for segment in [segment for segment, at in self._cut.items() if at <= now]:
            segment.mend()
            del self._cut[segment]

    def settle(self) -> Account:
        """Let the devices finish, and settle the account."""
        for group in self.agents:
            assert group.process is not None
            group.process.send_signal(signal.SIGUSR1)
        eventually(self._finished, f"every device has its acknowledgements (seed {self.seed})", SETTLE_S)
        return settle([group.ledger for group in self.agents], database(self.product))

    def _finished(self) -> bool:
        codes = [group.process.poll() for group in self.agents if group.process is not None]
        assert all(code in (None, 0) for code in codes), f"an agent process failed: {codes}"
        return None not in codes


def database(product: RunningProduct) -> dict[str, Any]:
    """How to reach the product's database."""
    given = product.places.environment()
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    found = {key: given.get(f"GEOPORTAL_DB_{name}") for key, name in names.items()}
    return {key: value for key, value in found.items() if value}


@contextmanager
def storm(
    product: RunningProduct, folder: Path, seed: int, every_s: float, *, hurried: bool = False
) -> Iterator[Storm]:
    """Real device clients on every device of the product, reporting; whatever runs at the end is killed."""
    configs = sorted((product.var / "devices").glob("*.toml"))
    groups = [Agents(folder / str(number), configs[number::PROCESSES], every_s, hurried) for number in range(PROCESSES)]
    blowing = Storm(product, seed, groups)
    with ExitStack() as stack:
        try:
            for group, segment in zip(groups, stack.enter_context(segments(CUTTABLE, product.mqtt_port)), strict=False):
                group.segment = segment
        except NoNamespaces as error:
            blowing.no_network = str(error)
        try:
            for group in groups:
                group.start()
            eventually(_writing(groups), "every agent process reports")
            yield blowing
        finally:
            for group in groups:
                if group.process is not None and group.process.poll() is None:
                    os.kill(group.process.pid, signal.SIGKILL)
                    group.process.wait()


def _writing(groups: list[Agents]) -> Callable[[], bool]:
    return lambda: all(group.ledger.exists() and group.ledger.stat().st_size for group in groups)
