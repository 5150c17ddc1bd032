"""Devices and the broker over TLS: whom they trust, who gets in, and a certificate that changes while they talk."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from geoportal.commands.credentials import issue_token
from geoportal.commands.register import OPERATOR
from geoportal.messaging import topics
from geoportal.monitoring.enrolment import AgentConfig, Door, enrol
from geoportal.monitoring.models import Device, DeviceStatus
from geoportal.runtime.certificates import Certificates, keep_renewed
from geoportal.runtime.templates import BASE
from tests.broker import Peer, TestBroker, new_device, supervised
from tests.messaging.conftest import Ingest, eventually, rows

pytestmark = pytest.mark.django_db


def door(broker: TestBroker) -> Door:
    return Door("127.0.0.1", broker.broker.tls_port, broker.broker.certificates.ca.read_text())


def checked(config: AgentConfig, folder: Path, **changes: Any) -> str:
    """What the real agent's `--check` says of a configuration."""
    path = folder / "agent.toml"
    path.write_text(replace(config, **changes).toml())
    path.chmod(0o600)
    command = [sys.executable, "-m", "kiosks.agent", "--config", str(path), "--check"]
    return subprocess.run(command, cwd=BASE, capture_output=True, text=True, timeout=60).stdout


def serial(broker: TestBroker) -> int:
    """The serial number of the certificate that the broker shows now, trusting its CA."""
    context = ssl.create_default_context(cafile=str(broker.broker.certificates.ca))
    address = ("127.0.0.1", broker.broker.tls_port)
    with socket.create_connection(address, 5) as raw, context.wrap_socket(raw, server_hostname="localhost") as wrapped:
        return int(str((wrapped.getpeercert() or {})["serialNumber"]), 16)


def test_an_agent_trusts_the_ca_of_its_configuration_and_no_other(broker: TestBroker, tmp_path: Path) -> None:
    config = enrol(new_device("totem"), door=door(broker))
    assert "the broker accepts the login, with TLS" in checked(config, tmp_path)
    other = Certificates(tmp_path / "o", tmp_path / "o", ("127.0.0.1",))
    other.ensure()
    assert "is not trusted" in checked(config, tmp_path, ca=other.ca.read_text())
    assert "is broker.tls right for this port?" in checked(config, tmp_path, port=broker.port)


def test_enrolment_hands_out_the_tls_door(broker: TestBroker, settings: Any) -> None:
    settings.MQTT_DEVICE_PORT = broker.broker.tls_port
    settings.MQTT_CA = broker.broker.certificates.ca.read_text()
    _, secret = issue_token(new_device("totem"), OPERATOR)
    answer = Client().post("/api/enrol", json.dumps({"token": secret}), content_type="application/json").json()
    assert answer["broker"]["tls"] is True
    assert answer["broker"]["port"] == broker.broker.tls_port
    assert answer["broker"]["ca"] == settings.MQTT_CA
    assert Device.objects.filter(enrolled_at__lte=timezone.now()).count() == 1


def test_nobody_comes_in_over_tls_without_an_account_nor_without_tls(broker: TestBroker) -> None:
    ca = str(broker.broker.certificates.ca)
    at = ["-h", "127.0.0.1", "-p", str(broker.broker.tls_port), "-t", "cremona/v1/00/x/up/tele", "-m", "x", "-V", "5"]
    anonymous = subprocess.run(["mosquitto_pub", *at, "--cafile", ca], capture_output=True, text=True, timeout=20)
    assert anonymous.returncode != 0 and "ot authori" in anonymous.stderr
    plain = subprocess.run(["mosquitto_pub", *at], capture_output=True, text=True, timeout=20)
    assert plain.returncode != 0
    old = ["--cafile", ca, "--tls-version", "tlsv1.1"]
    assert subprocess.run(["mosquitto_pub", *at, *old], capture_output=True, timeout=20).returncode != 0


def test_a_new_certificate_is_shown_at_once_and_nobody_is_cut_off(broker: TestBroker) -> None:
    config = enrol(new_device("totem"), door=door(broker))
    down = topics.down(config.devid, "cmd", config.shard)
    account = ["-u", config.devid, "-P", config.password, "-i", config.devid, "-V", "5"]
    at = ["-h", "127.0.0.1", "-p", str(config.port), "--cafile", str(broker.broker.certificates.ca)]
    listening = subprocess.Popen(
        ["stdbuf", "-oL", "mosquitto_sub", "-d", *at, *account, "-q", "1", "-t", down, "-C", "1"],
        stdout=subprocess.PIPE,
    )
    assert listening.stdout is not None
    while b"SUBACK" not in listening.stdout.readline():
        pass
    before = serial(broker)
    broker.broker.certificates.server.unlink()
    assert broker.broker.certificates.ensure() is True
    assert serial(broker) == before
    assert broker.process is not None
    broker.process.send_signal(signal.SIGHUP)
    eventually(lambda: serial(broker) != before, "the broker shows its new certificate")
    Peer(broker.port, "ingest", "only-for-tests").publish(down, '{"id":"x"}')
    assert listening.wait(60) == 0
    assert b'{"id":"x"}' in listening.stdout.read()
    # Rights are still those of before.
    stranger = Peer(broker.port, "nobody", "wrong").publish("cremona/v1/00/x/up/tele", "x")
    assert stranger.returncode != 0


def renewing(broker: TestBroker) -> Certificates:
    """The broker's certificates, due again three seconds after they were made."""
    held = broker.broker.certificates
    held.server.unlink()
    made = replace(held, life=timedelta(hours=1), renew_before=timedelta(minutes=60) - timedelta(seconds=3))
    assert made.ensure() is True and made.ensure() is False
    return made


@pytest.mark.django_db(transaction=True)
def test_the_supervisor_renews_in_time_and_an_agent_goes_on(ingest: Ingest, broker: TestBroker, tmp_path: Path) -> None:
    config = enrol(device := new_device("totem", interval_s=1), door=door(broker))
    path = tmp_path / "agent.toml"
    path.write_text(config.toml())
    path.chmod(0o600)
    stored = lambda: rows("SELECT boot, seq FROM kiosks_telemetry WHERE device_id = %s ORDER BY ts", device.pk)  # noqa: E731
    said: list[str] = []
    with supervised(broker.broker, broker, tmp_path) as (service, loop):
        ingest.ready()
        agent = subprocess.Popen([sys.executable, "-m", "kiosks.agent", "--config", str(path)], cwd=BASE)
        try:
            eventually(stored, "the agent is heard")
            first, certificates = serial(broker), renewing(broker)
            renewal = asyncio.run_coroutine_threadsafe(
                keep_renewed(certificates, service.hang_up, said.append, look_s=0.2), loop
            )
            eventually(lambda: serial(broker) != first, "the broker shows a new certificate")
            assert said[0] == "The broker has a new certificate."
            held = len(stored())
            eventually(lambda: len(stored()) >= held + 2, "the agent goes on")
            renewal.cancel()
        finally:
            agent.terminate()
            assert agent.wait(20) == 0
        eventually(lambda: DeviceStatus.objects.get(device=device).presence == "offline", "its goodbye is heard")
        boots, numbers = zip(*stored(), strict=True)
        told = [
            seq for (seq,) in rows("SELECT split_part(dedup, ':', 2)::int FROM device_event WHERE channel = 'event'")
        ]
        assert len(set(boots)) == 1
        assert sorted([*numbers, *told]) == list(range(1, max(numbers) + 1))
        assert DeviceStatus.objects.get(device=device).conn == 1  # nobody was cut off
        assert service.restarts == 0
