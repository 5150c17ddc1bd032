"""`python -m tests.chaos.fleet LEDGER EVERY_S CONFIG…`: devices on the agents' own client, until all is acknowledged.

Each number is in the ledger only after the spool has it. SIGUSR1 ends the reporting; the process ends by itself once no
message waits. Started again after a kill it is the same boot, unless the ledger's folder holds a file `reboot`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from geoportal.messaging.device.config import load
from geoportal.messaging.device.device import Device

SMALL_SPOOL_MB = 0.006
"""One device in eight has so little room that an outage makes it throw messages away and say so."""


def new_device(path: Path, number: int, folder: Path, boot: str) -> Device:
    """One device of a configuration file, with its spool in `folder`."""
    config = replace(load(path), spool_path=str(folder / f"{path.stem}.sqlite3"))
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


async def run(ledger_file: Path, every_s: float, configs: Sequence[Path]) -> None:
    """All devices until SIGUSR1, then until nothing waits."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, ended.set)
    folder = ledger_file.parent
    boot = (folder / "reboot").read_text() if (folder / "reboot").exists() else "first"
    devices = [new_device(path, number, folder, boot) for number, path in enumerate(configs)]
    ledger = os.open(ledger_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for device in devices:
        device.start(random.uniform(0, 1))
    await asyncio.gather(*(report(device, ledger, every_s, ended) for device in devices))
    while any(device.spool.waiting() for device in devices):
        await asyncio.sleep(0.2)
    await asyncio.gather(*(device.stop("shutdown") for device in devices))


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), float(sys.argv[2]), [Path(name) for name in sys.argv[3:]]))
