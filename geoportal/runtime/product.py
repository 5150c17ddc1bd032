"""The whole product on one machine: what runs, in which order it starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from geoportal import env
from geoportal.messaging.broker_log import Sieve
from geoportal.runtime import front
from geoportal.runtime.certificates import keep_renewed
from geoportal.runtime.cluster import Account, server_account
from geoportal.runtime.places import BEGIN, LOGINS, Places
from geoportal.runtime.process import Service, StartFailed
from geoportal.runtime.steps import Steps, manage

STOP_ORDER = (
    ("simulator",),
    ("front",),
    ("web", "heavy", "live", "worker", "monitor", "ingest"),
    ("broker",),
    ("postgres",),
)
"""Who talks to whom decides: nobody is stopped while something that needs it still works."""
_READY_S = 90.0


class PortTaken(StartFailed):
    """Another program listens where the instance wants to."""


@dataclass(slots=True)
class Wishes:
    """What the operator asked for on the command line."""

    data: Path | None = None
    fleet: int | None = None
    """How many of the sample devices are simulated, by their codes in order; 0: none; None: all."""
    sample: bool = True


@dataclass
class Product:
    """Starts everything, keeps it running, stops it in order."""

    places: Places
    wishes: Wishes
    say: Callable[[str], None]
    services: dict[str, Service] = field(default_factory=dict)
    _chores: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Bring everything up until the site answers. Raises StartFailed; what already runs is left to `stop`."""
        began = time.monotonic()
        check_port(self.places.listen, self.places.port, "PORT")
        check_port("127.0.0.1", self.places.mqtt_port, "MQTT_PORT")
        check_port(env.text("GEOPORTAL_MQTT_LISTEN", "127.0.0.1"), self.places.device_port, "MQTT_TLS_PORT")
        self.places.prepare()
        steps = Steps(self.places, self.say)
        steps.compile_messages()
        await self._start_postgres()
        await self._start_broker()
        await steps.run("Applying migrations", manage("migrate", "--noinput"), log="migrate")
        await steps.collect_static()
        await self._fill(steps)
        await self._start_rest()
        self.say(f"Everything runs, {time.monotonic() - began:.1f} s after the start.")

    async def _start_postgres(self) -> None:
        cluster, fresh = self.places.cluster, not (self.places.cluster.data / "PG_VERSION").exists()
        if fresh:
            self.say("Making the private database …")
        await asyncio.to_thread(cluster.stop)  # left by a supervisor that was killed
        await asyncio.to_thread(cluster.prepare)
        service = self._service(
            "postgres",
            cluster.command(),
            account=server_account(),
            stop=signal.SIGINT,
            grace_s=60.0,
            before=cluster.clear_stale_files,
        )
        service.start()
        await service.ready(cluster.answers, 60.0)
        await asyncio.to_thread(cluster.ensure_database)

    async def _start_broker(self) -> None:
        broker = self.places.broker
        await asyncio.to_thread(broker.prepare)
        service = self._service("broker", broker.command())
        service.sift = Sieve().sift
        service.start()
        await service.ready(lambda: listens("127.0.0.1", broker.port), 20.0)
        # Long before its certificate ends there is a new one, which it reads while it runs.
        renewal = keep_renewed(broker.certificates, service.hang_up, self.say)
        self._chores.append(asyncio.create_task(renewal))

    async def _fill(self, steps: Steps) -> None:
        """Accounts, broker rights, the sample city and devices, and the operator's folder."""
        await steps.once("sample-accounts", "Making the sample log-ins", manage("load_sample_accounts"))
        await steps.run("Preparing the rights of the broker", manage("setup_broker"), log="setup-broker")
        if self.wishes.sample:
            await steps.once("load-sample-city", "Loading the sample city", manage("load_sample_city"))
            await steps.once("load-sample-devices", "Loading the sample devices", manage("load_sample_devices"))
        if self.wishes.data is not None:
            command = manage("import_folder", str(self.wishes.data))
            title = f"Importing {self.wishes.data}"
            await steps.run(title, command, log="import-folder", must_work=False, report=True)

    async def _start_rest(self) -> None:
        sockets = self.places.sockets
        self._service("web", manage("serve", "--uds", str(sockets / "web.sock"))).start()
        # Maps and whole exports: two long answers never stall a page or a vector tile.
        self._service("heavy", manage("serve", "--uds", str(sockets / "heavy.sock"))).start()
        self._service("live", manage("live", "--uds", str(sockets / "live.sock"))).start()
        for name in ("ingest", "monitor", "worker"):
            self._service(name, manage(name)).start()
        await asyncio.to_thread(front.prepare, self.places)
        clear = partial(front.clear_stale_files, self.places)
        service = self._service("front", front.command(self.places), before=clear)
        service.start()
        await self.services["web"].ready(lambda: answers(self.places.address), _READY_S)
        if self.wishes.fleet != 0:
            more = ["--devices", str(self.wishes.fleet)] if self.wishes.fleet else []
            centre = ["--centre", self.places.address]
            self._service("simulator", manage("simulate", *more, *centre)).start()

    def _service(
        self,
        name: str,
        command: list[str],
        *,
        stop: signal.Signals = signal.SIGTERM,
        grace_s: float = 12.0,
        account: Account | None = None,
        before: Callable[[], None] | None = None,
    ) -> Service:
        service = Service(
            name,
            command,
            self.places.environment(),
            self.places.logs,
            self.say,
            account=account,
            stop_signal=stop,
            grace_s=grace_s,
            before=before,
        )
        service.on_change = self.write_state
        self.services[name] = service
        return service

    async def stop(self) -> None:
        """Stop all in order, each with the time it needs."""
        for chore in self._chores:
            chore.cancel()
        for group in STOP_ORDER:
            chosen = [self.services[name] for name in group if name in self.services]
            await asyncio.gather(*(service.stop() for service in chosen))
        for path in (self.state_file, *self.places.sockets.glob("*.sock")):
            path.unlink(missing_ok=True)

    @property
    def state_file(self) -> Path:
        return self.places.var / "run.json"

    def write_state(self) -> None:
        """Ports and process ids, for `make manage`, tests and whoever looks."""
        state = {
            "supervisor": os.getpid(),
            "address": self.places.address,
            "port": self.places.port,
            "mqtt_port": self.places.mqtt_port,
            "mqtt_tls_port": self.places.device_port,
            "processes": {name: service.pid for name, service in self.services.items()},
        }
        draft = self.state_file.with_suffix(".new")
        draft.write_text(json.dumps(state, indent=1), encoding="utf-8")
        draft.replace(self.state_file)

    def banner(self) -> str:
        """What the operator sees at the end of a start."""
        address = self.places.address.rstrip("/")
        lines = ["", f"  Geoportale di Cremona: {address}/  (the map, for everyone)", ""]
        lines += [f"  Sample log-ins, at {address}/accedi/, and where to begin:"]
        lines += [f"    {name:<15} {self.places.secret(f'login-{name}')}  {BEGIN[name]}" for name in LOGINS]
        lines += [
            "",
            "  Your own data: drop files at /pubblica/, or bin/manage import_layer FILE; more in README.md.",
            f"  MQTT broker: 127.0.0.1:{self.places.mqtt_port}, for devices with TLS "
            f"{self.places.device_host}:{self.places.device_port}",
            f"  Files and logs: {self.places.var}",
            "  Ctrl-C stops everything; the next `make run` goes on from here.",
            "",
        ]
        return "\n".join(lines)


def check_port(host: str, port: int, variable: str) -> None:
    """Raises PortTaken, naming the variable that chooses another, when the port cannot be listened on."""
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
            probe.listen()
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used: {error.strerror}. "
                f"Choose another: make run {variable}={port + 1}"
            ) from error


def listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(address: str) -> bool:
    """Whether the site says it is in order."""
    try:
        with urllib.request.urlopen(f"{address}healthz", timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
