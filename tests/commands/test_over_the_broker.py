"""A command from its row to a real agent and back: real broker, real ingest, real dispatcher."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from geoportal.commands.register import OPERATOR
from geoportal.commands.sending import Wish, send_command
from geoportal.messaging import topics
from geoportal.monitoring.commands.dispatch import Dispatcher, announce
from geoportal.monitoring.enrolment import enrol
from geoportal.monitoring.models import Device, DeviceCommand
from geoportal.runtime.templates import BASE
from tests.broker import Peer, TestBroker, new_device
from tests.messaging.conftest import Ingest, eventually, rows
from tests.messaging.conftest import ingest as ingest

Agent = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def totem(ingest: Ingest, dispatcher: Dispatcher) -> Device:
    """A totem in the inventory; ingest listens and the dispatcher sends."""
    device = new_device("totem")
    ingest.ready()
    return device


@pytest.fixture
def agent(totem: Device, tmp_path: Path) -> Iterator[Agent]:
    """Starts the real agent with the totem's credentials."""
    path = tmp_path / "agent.toml"
    path.write_text(enrol(totem).toml(), encoding="utf-8")
    path.chmod(0o600)
    totem.refresh_from_db()
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-m", "kiosks.agent", "--config", str(path)], cwd=BASE))
        return running[-1]

    yield start
    for process in running:
        process.terminate()
        process.wait(60)


def becomes(command: DeviceCommand, state: str, seconds: float = 60.0) -> DeviceCommand:
    def probe() -> bool:
        command.refresh_from_db()
        return bool(command.state == state)

    eventually(probe, f"{command.op} becomes {state}", seconds)
    return command


def test_a_command_waits_for_its_device_runs_and_is_answered(totem: Device, agent: Agent) -> None:
    command = send_command(totem, Wish("run_selftest", {}), OPERATOR)
    eventually(lambda: DeviceCommand.objects.filter(claimed_until__isnull=False), "the broker has nobody to give it to")
    agent()
    becomes(command, "done")
    assert json.loads(command.output)["cpu"] >= 0
    assert command.sent_at and command.answered_at and command.finished_at
    said = rows("SELECT code FROM device_event WHERE channel = 'cmdres' AND device_id = %s ORDER BY id", totem.pk)
    assert [code for (code,) in said] == ["accepted", "running", "done"]
    # Known by now, and answered within a moment.
    refused = becomes(send_command(totem, Wish("set_brightness", {"percent": 40}), OPERATOR), "unsupported")
    assert "backlight" in refused.output


def test_a_command_whose_time_is_over_never_reaches_a_device_that_comes_back(totem: Device, agent: Agent) -> None:
    first = agent()
    becomes(send_command(totem, Wish("run_selftest", {}), OPERATOR), "done")
    first.terminate()
    first.wait(60)
    now = timezone.now()
    late = DeviceCommand.objects.create(
        device=totem, op="run_selftest", asked_name="x", created_at=now, expires_at=now + timedelta(seconds=3)
    )
    announce()
    becomes(late, "expired")
    assert late.sent_at and late.given_up and late.answered_at is None
    agent()
    becomes(send_command(totem, Wish("run_selftest", {}), OPERATOR), "done")
    late.refresh_from_db()
    assert late.state == "expired" and late.answered_at is None


def test_a_replayed_order_and_a_forged_answer_change_nothing(totem: Device, agent: Agent, broker: TestBroker) -> None:
    agent()
    command = becomes(send_command(totem, Wish("run_selftest", {}), OPERATOR), "done")
    centre = Peer(broker.port, "ingest", "only-for-tests")
    topic = topics.down(totem.devid, "cmd", totem.shard)
    old = {"id": str(command.pk), "op": "run_selftest", "args": {}, "exp": command.expires_at.isoformat()}
    centre.publish(topic, json.dumps(old))
    centre.publish(topic, json.dumps(old | {"id": "years-old", "exp": "2020-01-01T00:00:00Z"}))
    said = "SELECT code FROM device_event WHERE channel = 'cmdres' AND data ->> 'id' = %s ORDER BY id"
    eventually(lambda: rows(said, "years-old") == [("expired",)], "the old order is refused")
    assert rows(said, str(command.pk)) == [("accepted",), ("running",), ("done",)]
    other = new_device("totem")
    liar = Peer.of(enrol(other))
    waiting = DeviceCommand.objects.create(
        device=totem, op="reload", asked_name="x", created_at=timezone.now(), state="sent",
        expires_at=timezone.now() + timedelta(minutes=2),
    )  # fmt: skip
    forged = {"id": str(waiting.pk), "st": "done", "ts": timezone.now().isoformat()}
    liar.say("cmdres", json.dumps(forged))
    eventually(lambda: rows(said, str(waiting.pk)), "the forged answer is kept under its sender's name")
    waiting.refresh_from_db()
    assert waiting.state == "sent"
    assert rows("SELECT device_id FROM device_event WHERE data ->> 'id' = %s", str(waiting.pk)) == [(other.pk,)]
