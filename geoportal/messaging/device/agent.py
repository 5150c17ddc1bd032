"""The process of an agent: options, sampling at an interval, and a clean end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from geoportal.messaging.device import check
from geoportal.messaging.device.commands import Handler
from geoportal.messaging.device.config import AgentConfig, ConfigError, load
from geoportal.messaging.device.device import Device
from geoportal.messaging.device.enrol import EnrolError, enrol
from geoportal.messaging.device.spool import SpoolError

logger = logging.getLogger("geoportal.device")

_DRAIN_S = 2.0
_ONCE_WAIT_S = 20.0
_FROM_INPUT = "-"
"""Instead of a token: others on this machine can read the arguments of a program."""


class Source(Protocol):
    """Where an agent's readings come from."""

    def info(self) -> Mapping[str, Any]:
        """The device's description: model, firmware, what it can measure and do."""

    async def read(self) -> Mapping[str, Any]:
        """One sample. What cannot be measured is left out, never guessed."""

    def handlers(self) -> Mapping[str, Handler]:
        """What can be ordered."""


@dataclass(slots=True)
class _Watched:
    """One device of this process with its source."""

    device: Device
    source: Source
    task: asyncio.Task[None] | None = field(default=None)


def main(
    kind: str, sources: Callable[[AgentConfig], Source], *, program: str, argv: Sequence[str] | None = None
) -> int:
    """Run an agent for devices of one kind; the exit code of the process: 0 well, 1 a check failed, 2 cannot start."""
    parser = argparse.ArgumentParser(prog=program, description="Reports the state of devices to the city's geoportal.")
    parser.add_argument("--config", action="append", required=True, type=Path, metavar="FILE", help="may be repeated")
    parser.add_argument("--check", action="store_true", help="test configuration, clock, broker and rights, then end")
    parser.add_argument("--once", action="store_true", help="send one sample, wait until it is stored, then end")
    parser.add_argument(
        "--enrol",
        nargs=2,
        metavar=("URL", "TOKEN"),
        help="fetch the configuration from the portal; TOKEN -: from input",
    )
    parser.add_argument("--ca", default="", metavar="FILE", help="with --enrol: the CA of the portal's certificate")
    parser.add_argument("--verbose", action="store_true", help="log connections and orders")
    options = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if options.enrol:
        url, token = options.enrol
        return _enrol(url, token, kind, options.config, ca=options.ca, program=program)
    if options.check:
        return _check(options.config, kind, sources)
    try:
        configs = [_of_kind(load(path), kind, path) for path in options.config]
        watched = [_watch(config, sources(config)) for config in configs]
    except (ConfigError, SpoolError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return asyncio.run(_once(watched) if options.once else _forever(watched))


def _enrol(url: str, token: str, kind: str, paths: Sequence[Path], *, ca: str, program: str) -> int:
    if len(paths) != 1:
        sys.stderr.write("--enrol writes one --config file\n")
        return 2
    try:
        config = enrol(url, sys.stdin.readline() if token == _FROM_INPUT else token, kind, paths[0], ca=ca)
    except EnrolError as error:
        sys.stderr.write(f"not enrolled: {error}\n")
        return 1
    sys.stdout.write(f"{config.devid} is enrolled; its configuration is in {paths[0]}, readable by its owner alone\n")
    sys.stdout.write(f"next: python3 -m {program} --config {paths[0]} --check\n")
    return 0


def _of_kind(config: AgentConfig, kind: str, path: Path) -> AgentConfig:
    if config.kind != kind:
        raise ConfigError(f"{path}: device.kind is {config.kind!r}, this agent is for {kind!r}")
    return config


def _watch(config: AgentConfig, source: Source) -> _Watched:
    async def refresh(_arguments: Mapping[str, Any]) -> str:
        measured = await source.read()
        watched.device.report(measured)
        return f"{len(measured)} measurements sent"

    watched = _Watched(Device(config, info=source.info, handlers={**source.handlers(), "refresh": refresh}), source)
    return watched


def _check(paths: Sequence[Path], kind: str, sources: Callable[[AgentConfig], Source]) -> int:
    failed = False
    for path in paths:
        sys.stdout.write(f"{path}\n")
        for finding in check.findings(path, kind, lambda config: sources(config).info()):
            failed |= finding.failed
            sys.stdout.write(f"  {finding}\n")
    return 1 if failed else 0


async def _forever(watched: Sequence[_Watched]) -> int:
    """Until SIGTERM or SIGINT; then every device says goodbye."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    for one in watched:
        one.device.start()
        one.task = asyncio.create_task(_sample(one))
    await end.wait()
    for one in watched:
        if one.task is not None:
            one.task.cancel()
    await asyncio.gather(*(one.device.stop("shutdown", drain_s=_DRAIN_S) for one in watched))
    return 0


async def _sample(one: _Watched) -> None:
    """A sample now, then one each interval. A reading that fails is reported as an event once, and tried again."""
    loop = asyncio.get_running_loop()
    due, failing = loop.time(), ""
    while True:
        failing = await _sample_once(one, failing)
        due = max(due + one.device.interval_s, loop.time())
        await asyncio.sleep(due - loop.time())


async def _sample_once(one: _Watched, failing: str) -> str:
    """Read and report; answers why it failed, or an empty text."""
    try:
        one.device.report(await one.source.read())
    except Exception as error:  # the edge: one broken driver must not end the agent
        why = f"{type(error).__name__}: {error}"
        if why != failing:
            logger.exception("%s: no sample", one.device.config.devid)
            one.device.event("reading_failed", {"why": why[:500]})
        return why
    return ""


async def _once(watched: Sequence[_Watched]) -> int:
    """One sample of each device, acknowledged by the centre, or an error that says how far it came."""
    for one in watched:
        one.device.start()
        await _sample_once(one, "")
    end = asyncio.get_running_loop().time() + _ONCE_WAIT_S
    while any(one.device.spool.waiting() for one in watched) and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.05)
    code = 0
    for one in watched:
        waiting = one.device.spool.waiting()
        if waiting:
            code = 1
            why = one.device.session.refusal or "the centre has not acknowledged them; is ingest running?"
            sys.stderr.write(f"{one.device.config.devid}: {waiting} messages wait in the spool: {why}\n")
        await one.device.stop("once", drain_s=_DRAIN_S)
    return code
