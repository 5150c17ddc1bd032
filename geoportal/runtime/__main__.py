"""`python -m geoportal.runtime run|manage|reset`: what `make run`, `bin/manage` and `make reset` call."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from geoportal import env
from geoportal.runtime.broker import BrokerError
from geoportal.runtime.cluster import ClusterError
from geoportal.runtime.front import FrontError
from geoportal.runtime.places import PlaceError, Places, choose_var, read_dotenv
from geoportal.runtime.process import StartFailed
from geoportal.runtime.product import Product, Wishes
from geoportal.runtime.steps import manage
from geoportal.runtime.templates import BASE

EXPECTED = (StartFailed, ClusterError, BrokerError, FrontError, PlaceError, env.EnvError)


def say(text: str) -> None:
    """One line for the operator, with the time of day."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stdout.flush()


def main() -> int:
    """Read the command line and do it. Every expected problem ends as one message and code 1."""
    arguments = _parser().parse_args()
    for name, value in read_dotenv(BASE / ".env").items():
        os.environ.setdefault(name, value)
    try:
        do: Callable[[argparse.Namespace], int] = arguments.do
        return do(arguments)
    except EXPECTED as error:
        sys.stderr.write(f"\n{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="geoportal.runtime", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="start everything and keep it running until Ctrl-C")
    run.add_argument("--port", type=_port, default=8000)
    run.add_argument("--mqtt-port", type=_port, default=18883)
    run.add_argument("--mqtt-tls-port", type=_port, default=0, help="for devices; 10000 above --mqtt-port unless given")
    run.add_argument("--data", type=Path, help="a folder whose geodata files are imported")
    run.add_argument("--fleet", type=int, help="simulated devices; 0: none")
    run.add_argument("--without-sample", action="store_true", help="neither the sample city nor the sample devices")
    run.set_defaults(do=_run)
    one = commands.add_parser("manage", help="any manage.py command with the running instance's environment")
    one.add_argument("arguments", nargs=argparse.REMAINDER)
    one.set_defaults(do=_manage)
    reset = commands.add_parser("reset", help="throw the instance's folder away")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(do=_reset)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, found {text!r}")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    data = arguments.data
    if data is not None and not data.is_dir():
        raise PlaceError(f"DATA={data}: there is no such folder. Give the path of a folder with geodata files.")
    var = choose_var()
    if not env.raw("GEOPORTAL_VAR") and var != BASE / "var":
        say(
            f"The database's account cannot enter {BASE}: the instance is kept in {var} (GEOPORTAL_VAR chooses another)"
        )
    places = Places(var, arguments.port, arguments.mqtt_port, env.text("GEOPORTAL_LISTEN", "127.0.0.1"))
    places = replace(places, mqtt_tls_port=arguments.mqtt_tls_port)
    wishes = Wishes(data and data.resolve(), arguments.fleet, sample=not arguments.without_sample)
    with _alone(places):
        return asyncio.run(_until_stopped(Product(places, wishes, say)))


async def _until_stopped(product: Product) -> int:
    """Start, wait for Ctrl-C (or SIGTERM, or the terminal's end), stop. Returns the exit code."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked.set)
    try:
        await _start_and_wait(product, asked)
        return 0
    finally:
        began = time.monotonic()
        say("Stopping …")
        await product.stop()
        say(f"Stopped in {time.monotonic() - began:.1f} s.")


async def _start_and_wait(product: Product, asked: asyncio.Event) -> None:
    """Start, show the address, wait until asked to stop; a start under way is broken off."""
    starting = asyncio.create_task(product.start())
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, *EXPECTED):
            await starting
        return
    starting.result()
    sys.stdout.write(product.banner() + "\n")
    sys.stdout.flush()
    await waiting


@contextlib.contextmanager
def _alone(places: Places) -> Iterator[None]:
    """Hold the instance's lock. Raises PlaceError when another supervisor runs in the same folder."""
    try:
        places.var.mkdir(parents=True, exist_ok=True)
        file = places.lock.open("a+")
    except OSError as error:
        raise PlaceError(f"{places.var} cannot be written: {error.strerror}. GEOPORTAL_VAR chooses another.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise PlaceError(
                f"{places.var} is in use by another `make run` (process {owner}). Stop that one first, or choose "
                "another folder: make run GEOPORTAL_VAR=/some/folder PORT=… MQTT_PORT=…"
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def _running_places() -> Places:
    """The places of the instance of this checkout, with the ports of its running supervisor, if any."""
    places = Places(choose_var())
    if not places.secret_file("secret-key").exists():
        raise PlaceError(f"There is no instance in {places.var} yet: start one with make run")
    with contextlib.suppress(OSError, ValueError):
        state = json.loads((places.var / "run.json").read_text(encoding="utf-8"))
        places = replace(
            places, port=state["port"], mqtt_port=state["mqtt_port"], mqtt_tls_port=state.get("mqtt_tls_port", 0)
        )
    return places


def _manage(arguments: argparse.Namespace) -> NoReturn:
    command = manage(*arguments.arguments)
    os.execve(command[0], command, _running_places().environment())  # noqa: S606 - our own command line


def _reset(arguments: argparse.Namespace) -> int:
    places = Places(choose_var())
    if not places.var.exists():
        say(f"There is nothing in {places.var}.")
        return 0
    if not places.secret_file("secret-key").exists():
        raise PlaceError(f"{places.var} does not look like an instance of this product: nothing is removed.")
    with _alone(places):
        if not arguments.yes:
            sys.stdout.write(
                f"This removes {places.var}: database, devices' rights, rasters, logs. Type yes to go on: "
            )
            sys.stdout.flush()
            if sys.stdin.readline().strip().lower() not in ("yes", "sì", "si"):
                say("Nothing was removed.")
                return 1
        for folder in (places.cluster.sockets, places.sockets, places.var):
            if folder.exists():
                shutil.rmtree(folder)
    say(f"{places.var} is gone; the next `make run` starts from nothing.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
