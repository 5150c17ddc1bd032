"""`python -m tests.chaos.fleet LEDGER EVERY_S CONFIG…`: devices on the agents' own client, until all is acknowledged.

`--broker HOST:PORT` instead of the configurations' own; `--hurried` waits seconds where a device in the field waits
minutes before it sends or connects again, for a storm that is over soon.

Each number is in the ledger only after the spool has it. SIGUSR1 ends the reporting; the process ends by itself once no
message waits. Started again after a kill it is the same boot, unless the ledger's folder holds a file `reboot`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geoportal.messaging.device import delivery, session
from geoportal.messaging.device.config import load
from geoportal.messaging.device.device import Device

SMALL_SPOOL_MB = 0.002
"""One device in eight has so little room that an outage makes it throw messages away and say so."""


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    ledger: Path
    every_s: float
    configs: Sequence[Path]
    broker: str = ""
    hurried: bool = False


def options(arguments: Sequence[str]) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.fleet")
    parser.add_argument("ledger", type=Path)
    parser.add_argument("every_s", type=float)
    parser.add_argument("configs", type=Path, nargs="+")
    parser.add_argument("--broker", default="")
    parser.add_argument("--hurried", action="store_true")
    return Options(**vars(parser.parse_args(arguments)))


def new_device(path: Path, number: int, given: Options, boot: str) -> Device:
    """One device of a configuration file, with its spool beside the ledger."""
    config = replace(load(path), spool_path=str(given.ledger.parent / f"{path.stem}.sqlite3"))
    if given.broker:
        host, _, port = given.broker.partition(":")
        config = replace(config, host=host, port=int(port))
    if number % 8 == 0:
        config = replace(config, spool_max_mb=SMALL_SPOOL_MB)
    return Device(config, info=lambda: {"model": "chaos"}, boot=f"{path.stem}-{boot}")


async def report(device: Device, ledger: int, every_s: float, ended: asyncio.Event) -> None:
    """Samples without pause and an event now and then, each written down after the spool took it."""
    count = 0
    while not ended.is_set():
        count += 1
        device.report({"cpu": count % 100, "mem": 41.5, "clients_24": 3, "rtt": 8.5})
        if count % 20 == 0:
            device.event("tested", {"count": count})
        line = f"{device.config.devid} {device.spool.boot} {device.spool.last_seq}\n"
        os.write(ledger, line.encode())
        await asyncio.sleep(every_s * random.uniform(0.5, 1.5))


async def run(given: Options) -> None:
    """All devices until SIGUSR1, then until nothing waits."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ended.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    if given.hurried:
        delivery.RESEND_S, session._BACKOFF_S = (6.0, 60.0), (0.5, 4.0)
    order = given.ledger.parent / "reboot"
    boot = order.read_text() if order.exists() else "first"
    devices = [new_device(path, number, given, boot) for number, path in enumerate(given.configs)]
    ledger = os.open(given.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for device in devices:
        device.start(random.uniform(0, 1))
    await asyncio.gather(*(report(device, ledger, given.every_s, ended) for device in devices))
    while any(device.spool.waiting() for device in devices):
        await asyncio.sleep(0.2)
    await asyncio.gather(*(device.stop("shutdown") for device in devices))


if __name__ == "__main__":
    asyncio.run(run(options(sys.argv[1:])))
