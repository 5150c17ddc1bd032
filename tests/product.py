"""Pytest plugin: the real, whole product, started the way `make run` starts it, for browser and end-to-end tests.

`product` has the sample city and the sample devices, `empty_product` has neither. Both have the sample log-ins, a
folder, ports, a database and a broker of their own, and no simulator: what moves is what the test moves.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from geoportal.runtime.places import LOGINS, Places
from geoportal.runtime.process import guarded
from tests.ports import free_port
from tests.services import ROOT

BASE = Path(__file__).resolve().parent.parent
START_S = 300.0
STOP_S = 60.0


def eventually(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until `condition` holds; fail with `what` when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"within {seconds:.0f} s: {what}")
        time.sleep(0.05)


@dataclass
class RunningProduct:
    """A product under its own supervisor."""

    var: Path
    port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    mqtt_tls_port: int = field(default_factory=free_port)
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The site's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def places(self) -> Places:
        return Places(self.var, self.port, self.mqtt_port, mqtt_tls_port=self.mqtt_tls_port)

    @property
    def logins(self) -> dict[str, str]:
        """Password of each sample log-in: amministratore, curatore, pianificatore, tecnico, professionista."""
        return {name: self.places.secret(f"login-{name}") for name in LOGINS}

    @property
    def output(self) -> str:
        """What the supervisor has said so far."""
        return (self.var.parent / f"{self.var.name}.out").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until the site answers; fails with the supervisor's words when it does not."""
        command = [sys.executable, "-m", "geoportal.runtime", "run", "--fleet", "0", *self.options]
        command += ["--port", str(self.port), "--mqtt-port", str(self.mqtt_port)]
        command += ["--mqtt-tls-port", str(self.mqtt_tls_port)]
        self.var.parent.mkdir(parents=True, exist_ok=True)
        with (self.var.parent / f"{self.var.name}.out").open("w") as output:
            self.process = subprocess.Popen(
                guarded(command, signal.SIGTERM),
                cwd=BASE,
                env=clean_environment() | {"GEOPORTAL_VAR": str(self.var)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        process = self.process
        eventually(
            lambda: "Ctrl-C stops everything" in self.output or process.poll() is not None,
            "the product starts",
            START_S,
        )
        if process.poll() is not None:
            pytest.fail(f"the product did not start:\n{self.output}")

    def stop(self) -> int:
        """Ask it to stop and wait. Returns the supervisor's exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)

    def pid(self, name: str) -> int | None:
        """Process id of a part: postgres, broker, front, web, live, ingest, monitor, worker; None while it is down."""
        state = json.loads((self.var / "run.json").read_text(encoding="utf-8"))
        found: int | None = state["processes"].get(name)
        return found

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a part and wait until the supervisor has started it again."""
        before = self.pid(name)
        assert before is not None, f"{name} is not running"
        os.kill(before, number)
        eventually(lambda: self.pid(name) not in (None, before), f"{name} is started again")

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a manage.py command on it. Raises CalledProcessError when it fails."""
        return subprocess.run(
            [sys.executable, str(BASE / "manage.py"), *arguments],
            env=clean_environment() | self.places.environment() | {"GEOPORTAL_RASTER_DIR": str(self.var / "rasters")},
            capture_output=True,
            text=True,
            check=True,
        )


def clean_environment() -> dict[str, str]:
    """This process's environment without what the test database put there."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GEOPORTAL_", "DJANGO_"))}


@contextmanager
def running(name: str, *options: str) -> Iterator[RunningProduct]:
    """A product in a new folder under the tests' own, stopped and removed at the end."""
    product = RunningProduct(ROOT / f"{name}-{os.getpid()}", options=options)
    try:
        product.start()
        yield product
    finally:
        if product.process is not None:
            product.stop()
        shutil.rmtree(product.var, ignore_errors=True)
        (product.var.parent / f"{product.var.name}.out").unlink(missing_ok=True)


LONG = (
    "product",
    "tests/test_doors.py",
    "tests/layers/test_import_real_data.py",
    "tests/layers/test_jobs.py",
    "tests/scenarios/test_scenarios.py",
    "tests/browser/test_styling.py",
    "tests/browser/test_map.py",
    "tests/ogc/test_exports_live.py",
    "tests/commands/test_over_the_broker.py",
    "tests/browser/test_publish.py",
    "tests/layers/test_sample_city.py",
    "tests/device/test_session.py",
    "tests/monitoring/alerts/test_scenarios.py",
    "tests/ogc/test_readers.py",
)
"""What takes longest alone, the longest first: begun last, it would leave the other processes waiting for it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; those of one product stay together."""
    places = {scope: place for place, scope in enumerate(LONG)}
    items.sort(key=lambda item: places.get(_scope(item.nodeid), len(places)))


class OneProduct(LoadScopeScheduling):  # type: ignore[misc]
    """What runs side by side: whole files, but all that use the same whole product in one process."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneProduct:
    """Scopes in the order of `pytest_collection_modifyitems`, not by their number of tests."""
    config.option.loadscopereorder = False
    return OneProduct(config, log)


_PRODUCTS = ("product", "empty_product")


@cache
def _product_of(file: str) -> str | None:
    words = set(re.findall(r"\w+(?=: RunningProduct)", (BASE / file).read_text(encoding="utf-8")))
    return next((name for name in _PRODUCTS if name in words), None)


def _scope(nodeid: str) -> str:
    file = nodeid.split("::", 1)[0]
    return _product_of(file) or file


@pytest.fixture(scope="session")
def product() -> Iterator[RunningProduct]:
    """The whole product with the sample city and the sample devices."""
    with running("product") as started:
        yield started


@pytest.fixture(scope="session")
def empty_product() -> Iterator[RunningProduct]:
    """The whole product with no layer and no device."""
    with running("empty", "--without-sample") as started:
        yield started
