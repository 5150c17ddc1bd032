"""`make agents`: both agents, installed as docs/agents.md says, into an environment of their own, and put to work.

    pytest tests/device/agent_install.py -s

Not part of the suite: it fetches packages. The totem's memory and processor time are measured over a minute (SECONDS).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_django.live_server_helper import LiveServer

from geoportal.commands.credentials import issue_token
from geoportal.commands.register import OPERATOR
from geoportal.runtime.templates import BASE
from tests.broker import new_device
from tests.device.test_without_django import copied
from tests.messaging.conftest import Ingest, eventually, rows
from tests.messaging.conftest import ingest as ingest

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS = float(os.environ.get("SECONDS", "60"))
MOST_MB, MOST_SHARE = 40.0, 0.01


def run(*words: object, folder: Path) -> str:
    """The output of a command that must work."""
    result = subprocess.run([str(word) for word in words], cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Step 2: an environment with what requirements/agent.txt pins, and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", folder / "venv", folder=folder)
    made = folder / "venv" / "bin" / "python"
    wanted = BASE / "requirements" / "agent.txt"
    run(made, "-m", "pip", "install", "-q", "--require-hashes", "-r", wanted, folder=folder)
    assert subprocess.run([made, "-c", "import django"], capture_output=True).returncode != 0
    return made


@pytest.mark.parametrize(
    ("agent", "kind", "source"),
    [("kiosks.agent", "totem", 'model = "Colonna 55"'), ("wifi.agent", "ap", 'address = "127.0.0.1"')],
)
def test_an_installed_agent_enrols_checks_itself_and_is_heard(
    agent: str, kind: str, source: str, python: Path, ingest: Ingest, live_server: LiveServer, tmp_path: Path
) -> None:
    opt, path = tmp_path / "opt", tmp_path / "agent.toml"
    copied(agent.partition(".")[0], opt)
    path.write_text(f'[spool]\npath = "{tmp_path}/spool.sqlite3"\n[source]\n{source}\n')
    ingest.ready()
    device = new_device(kind)
    _, token = issue_token(device, OPERATOR)
    run(python, "-m", agent, "--config", path, "--enrol", live_server.url, token, folder=opt)
    say(run(python, "-m", agent, "--config", path, "--check", folder=opt))
    run(python, "-m", agent, "--config", path, "--once", folder=opt)
    table = {"totem": "kiosks_telemetry", "ap": "wifi_telemetry"}[kind]
    assert rows(f"SELECT 1 FROM {table} WHERE device_id = %s", device.pk)
    process = subprocess.Popen([python, "-m", agent, "--config", path], cwd=opt)
    try:
        eventually(lambda: rows("SELECT 1 FROM ingest_ack WHERE device_id = %s", device.pk), "it is heard", 30)
        _measure(psutil.Process(process.pid), agent)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _measure(process: psutil.Process, name: str) -> None:
    began, spent = time.monotonic(), _spent(process)
    time.sleep(SECONDS)  # the time that is measured
    share = (_spent(process) - spent) / (time.monotonic() - began)
    most = process.memory_info().rss / 1e6
    say(f"{name}: {most:.1f} MB, {100 * share:.2f} % of a processor over {SECONDS:.0f} s")
    assert most < MOST_MB and share < MOST_SHARE


def _spent(process: psutil.Process) -> float:
    times: Any = process.cpu_times()
    return float(times.user + times.system)
