"""From a technician's browser to an agent that speaks: one-time tokens, their exchange, and the ways out again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from geoportal.accounts.throttle import ENROL_ADDRESS
from geoportal.commands.credentials import issue_token
from geoportal.commands.register import OPERATOR
from geoportal.messaging import dynsec, topics
from geoportal.monitoring.models import Device, DeviceAct, EnrolmentToken
from geoportal.runtime.templates import BASE
from tests.broker import Peer, TestBroker, enrolled, new_device

NEW = {
    "kind": "totem", "devid": "totem-nuovo", "name_it": "Totem nuovo", "geom_lon": "10.0245", "geom_lat": "45.1335",
    "interval_s": "30",
}  # fmt: skip


def ask(token: object, **more: object) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.post("/api/enrol", json.dumps({"token": token, **more}), content_type="application/json")


def accepted(peer: Peer) -> bool:
    result = peer.publish(peer.topic("tele"), "{}")
    return result.returncode == 0 and "ot authori" not in result.stderr


def peer_of(answer: Any) -> Peer:
    said = answer.json()
    return Peer(said["broker"]["port"], said["broker"]["username"], said["broker"]["password"], said["device"]["shard"])


def acts(devid: str) -> list[str]:
    return list(DeviceAct.objects.filter(devid=devid).order_by("id").values_list("act", flat=True))


@pytest.mark.django_db
def test_a_technician_makes_a_device_and_sees_its_token_once(page: Client, broker: TestBroker) -> None:
    shown = page.post("/tecnici/nuovo/", NEW)
    (secret,) = set(re.findall(r"gpe_[\w-]+", shown.content.decode()))
    assert "no-store" in shown["Cache-Control"]
    device = Device.objects.get(devid="totem-nuovo")
    assert (device.lifecycle, device.enrolled_at) == ("installed", None)
    assert secret not in page.get("/tecnici/totem-nuovo/").content.decode()
    answer = ask(secret, kind="totem")
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert accepted(peer_of(answer))
    device.refresh_from_db()
    assert device.lifecycle == "active" and device.enrolled_at is not None
    assert acts("totem-nuovo") == ["created", "token", "enrolled"]
    again = ask(secret)
    assert (again.status_code, again.json()["error"]) == (409, "used_token")
    assert bytes(EnrolmentToken.objects.get().digest).hex() not in secret


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"devid": "No!"}, "lettere minuscole"),
        ({"devid": "allarmi"}, "nome di una pagina"),
        ({"geom_lon": "45.13", "geom_lat": "10.02"}, "lontano da Cremona"),
        ({"name_it": ""}, "obbligatorio"),
    ],
)
def test_a_wrong_form_makes_nothing(page: Client, changes: dict[str, str], words: str) -> None:
    answer = page.post("/tecnici/nuovo/", NEW | changes)
    assert words in answer.content.decode()
    assert not Device.objects.exists()


@pytest.mark.django_db
def test_a_token_that_is_no_good_says_why(broker: TestBroker) -> None:
    device = new_device("totem")
    _, first = issue_token(device, OPERATOR)
    _, second = issue_token(device, OPERATOR)
    assert ask(first).json()["error"] == "expired_token"
    assert ask("gpe_nonsense").status_code == 403
    assert ask(second, kind="ap").json()["error"] == "wrong_kind"
    for wrong in (7, None, {"a": 1}):
        assert ask(wrong).status_code == 400
    assert Client().get("/api/enrol").status_code == 405
    EnrolmentToken.objects.filter(revoked_at=None).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert ask(second).status_code == 410
    assert not Device.objects.filter(enrolled_at__isnull=False).exists()


@pytest.mark.django_db
def test_guessing_is_slowed_down(broker: TestBroker) -> None:
    _, secret = issue_token(new_device("totem"), OPERATOR)
    codes = [ask(f"gpe_{number}").status_code for number in range(ENROL_ADDRESS.limit + 1)]
    assert codes == [403] * ENROL_ADDRESS.limit + [429]
    refused = ask(secret)
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0


@pytest.mark.django_db
def test_a_broker_that_is_away_does_not_use_the_token_up(
    broker: TestBroker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynsec, "WAIT_S", 0.1)
    device = new_device("totem")
    _, secret = issue_token(device, OPERATOR)
    port = settings.MQTT_PORT
    settings.MQTT_PORT = 1
    assert ask(secret).status_code == 503
    settings.MQTT_PORT = port
    assert ask(secret).status_code == 200
    assert acts(device.devid) == ["token", "enrolled"]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_come_at_once_one_gets_the_credentials(broker: TestBroker) -> None:
    _, secret = issue_token(new_device("totem"), OPERATOR)
    answers: list[Any] = []
    gate = threading.Barrier(6)

    def race() -> None:
        gate.wait()
        answers.append(ask(secret))
        connection.close()

    racers = [threading.Thread(target=race) for _ in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert accepted(peer_of(won))


@pytest.fixture
def connected() -> Callable[[Peer], subprocess.Popen[bytes]]:
    """A real client that is connected with a device's credentials, and stays."""

    def connect(peer: Peer) -> subprocess.Popen[bytes]:
        down = topics.down(peer.username, "cmd", peer.shard)
        command = ["mosquitto_sub", *peer.credentials(), "-d", "-q", "1", "-t", down]
        process = subprocess.Popen(["stdbuf", "-oL", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdout is not None
        while b"SUBACK" not in process.stdout.readline():
            pass
        return process

    return connect


@pytest.mark.django_db
@pytest.mark.parametrize("act", ["rotate", "suspend", "decommission"])
def test_what_cuts_a_device_off_is_asked_twice_and_holds_at_once(
    page: Client, broker: TestBroker, connected: Callable[[Peer], subprocess.Popen[bytes]], act: str
) -> None:
    device, peer = enrolled("totem")
    online = connected(peer)
    path = f"/tecnici/{device.devid}/accesso/"
    assert 'name="confirm"' in page.post(path, {"atto": act}).content.decode()
    assert online.poll() is None
    answer = page.post(path, {"atto": act, "confirm": "1"}, follow=True)
    # The broker ends the connection; the client tries again and is refused, or ends.
    assert online.stdout is not None
    end = time.monotonic() + 60
    said = b""
    while time.monotonic() < end and online.poll() is None and b"ot authori" not in said:
        said = online.stdout.readline()
    online.kill()
    online.wait()
    assert not accepted(peer)
    device.refresh_from_db()
    if act == "rotate":
        (secret,) = set(re.findall(r"gpe_[\w-]+", answer.content.decode()))
        assert device.enrolled_at is None
        assert accepted(peer_of(ask(secret)))
        assert not accepted(peer)
    if act == "suspend":
        assert device.lifecycle == "suspended"
        page.post(path, {"atto": "token"})
        assert not EnrolmentToken.objects.exists()
        page.post(path, {"atto": "resume"})
        device.refresh_from_db()
        assert device.lifecycle == "active" and accepted(peer)
    if act == "decommission":
        assert device.lifecycle == "removed"
        page.post(path, {"atto": "resume"})
        device.refresh_from_db()
        assert device.lifecycle == "removed"


@pytest.mark.django_db
def test_nothing_changes_while_the_broker_is_away(
    page: Client, broker: TestBroker, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynsec, "WAIT_S", 0.1)
    device, _ = enrolled("totem")
    settings.MQTT_PORT = 1
    answer = page.post(f"/tecnici/{device.devid}/accesso/", {"atto": "suspend", "confirm": "1"}, follow=True)
    assert "non è cambiato nulla" in answer.content.decode()
    device.refresh_from_db()
    assert device.lifecycle == "active"
    assert acts(device.devid) == []


@pytest.mark.django_db
def test_the_command_line_does_the_same(broker: TestBroker, capsys: pytest.CaptureFixture[str]) -> None:
    device, peer = enrolled("totem")
    call_command("device_access", "suspend", device.devid)
    assert not accepted(peer)
    with pytest.raises(CommandError, match="sospeso"):
        call_command("device_access", "token", device.devid)
    call_command("device_access", "resume", device.devid)
    assert accepted(peer)
    call_command("device_access", "rotate", device.devid)
    assert not accepted(peer)
    (secret,) = re.findall(r"gpe_[\w-]+", capsys.readouterr().out)
    assert ask(secret).status_code == 200
    with pytest.raises(CommandError, match="nothing was done"):
        call_command("device_access", "suspend", device.devid, "nobody")


def agent(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kiosks.agent", *words]
    return subprocess.run(command, cwd=BASE, capture_output=True, text=True, timeout=60)


@pytest.mark.django_db(transaction=True)
def test_an_agent_enrols_itself_and_reports(live_server: LiveServer, broker: TestBroker, tmp_path: Path) -> None:
    device = new_device("totem", interval_s=15)
    _, secret = issue_token(device, OPERATOR)
    path = tmp_path / "etc" / "agent.toml"
    path.parent.mkdir()
    path.write_text('[source]\nmodel = "Colonna 55"\n')
    wrong = agent("--config", str(path), "--enrol", live_server.url, "gpe_sbagliato")
    assert wrong.returncode == 1 and "answers 403" in wrong.stderr, wrong.stderr
    done = agent("--config", str(path), "--enrol", live_server.url, secret)
    assert done.returncode == 0, done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    read = tomllib.loads(path.read_text())
    assert read["device"] == {"devid": device.devid, "kind": "totem", "shard": device.shard, "interval_s": 15}
    assert read["source"] == {"model": "Colonna 55"}
    assert read["centre"]["url"] == live_server.url
    checked = agent("--config", str(path), "--check")
    assert checked.returncode == 0, checked.stdout
    used = agent("--config", str(path), "--enrol", live_server.url, secret)
    assert used.returncode == 1 and "answers 409" in used.stderr
    assert tomllib.loads(path.read_text()) == read
    for address, words in (("http://127.0.0.1:1", "does not answer"), ("ftp://x", "must begin with https://")):
        assert words in agent("--config", str(path), "--enrol", address, "x").stderr
