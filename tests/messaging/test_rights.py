"""What each account may do at the broker, shown with Mosquitto's own programs."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command

from geoportal.messaging import dynsec, topics
from geoportal.monitoring.enrolment import decommission, enrol, enrol_many, suspend
from geoportal.monitoring.models import Device
from tests.broker import Peer, TestBroker, enrolled, new_device

pytestmark = pytest.mark.django_db


def accepted(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode == 0 and "ot authori" not in result.stderr


def heard_by_ingest(broker: TestBroker, topic: str) -> str:
    """What the account of ingest finds retained under a topic."""
    return Peer(broker.port, "ingest", "only-for-tests").subscribe(topic, "-C", "1").stdout.strip()


def test_a_device_is_heard_on_its_own_topics(broker: TestBroker) -> None:
    _, peer = enrolled()
    peer.say("state", '{"s":"online"}', "-r")
    assert heard_by_ingest(broker, peer.topic("state")) == '{"s":"online"}'


def test_a_device_cannot_speak_for_another(broker: TestBroker) -> None:
    _, mine = enrolled()
    _, other = enrolled()
    assert not accepted(mine.publish(other.topic("tele"), "{}"))
    assert not accepted(mine.publish(topics.down(mine.username, "cmd"), "{}"))
    assert not accepted(mine.publish(topics.server_state(["00", "0f"]), "{}"))


def test_a_device_cannot_take_another_client_id(broker: TestBroker) -> None:
    _, mine = enrolled()
    _, other = enrolled()
    refused = mine.publish(mine.topic("tele"), "{}", client_id=other.username)
    assert refused.returncode != 0
    assert "ot authori" in refused.stderr


@pytest.mark.parametrize("topic", ["#", "cremona/v1/#", "cremona/v1/+/+/up/#", "$SYS/#"])
def test_a_device_cannot_listen_to_others(broker: TestBroker, topic: str) -> None:
    _, peer = enrolled()
    result = peer.subscribe(topic)
    assert "denied" in result.stderr or "ot authori" in result.stderr, result.stderr


def test_a_device_listens_to_its_own_commands_and_the_server(broker: TestBroker) -> None:
    _, peer = enrolled()
    ingest = Peer(broker.port, "ingest", "only-for-tests")
    down = topics.down(peer.username, "cfg")
    assert accepted(ingest.publish(down, '{"rev":3}', "-r"))
    assert peer.subscribe(down, "-C", "1").stdout.strip() == '{"rev":3}'
    assert "denied" not in peer.subscribe(topics.SERVER_STATES, seconds=1).stderr


def test_nobody_comes_in_without_an_account(broker: TestBroker) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t", "cremona/v1/00/x/up/tele", "-m", "x"]
    assert subprocess.run(command, capture_output=True, timeout=20).returncode != 0


def test_enrolling_again_ends_the_old_password(broker: TestBroker) -> None:
    device, before = enrolled()
    after = Peer.of(enrol(device))
    assert after.password != before.password
    assert not accepted(before.publish(before.topic("tele"), "{}"))
    assert accepted(after.publish(after.topic("tele"), "{}"))


def test_suspended_and_removed_devices_are_shut_out(broker: TestBroker) -> None:
    device, peer = enrolled()
    peer.say("state", '{"s":"online"}', "-r")
    suspend([device])
    device.refresh_from_db()
    assert device.lifecycle == Device.Lifecycle.SUSPENDED
    assert not accepted(peer.publish(peer.topic("tele"), "{}"))
    decommission([device])
    assert heard_by_ingest(broker, peer.topic("state")) == ""


def test_many_devices_are_enrolled_in_one_go(broker: TestBroker) -> None:
    devices = [new_device() for _ in range(120)]
    configs = enrol_many(devices)
    assert [config.devid for config in configs] == [device.devid for device in devices]
    last = Peer.of(configs[-1])
    assert accepted(last.publish(last.topic("tele"), "{}"))


def test_the_command_writes_a_private_configuration(broker: TestBroker, tmp_path: Path) -> None:
    device = new_device("totem", interval_s=15)
    out = tmp_path / "deep" / "agent.toml"
    call_command("enrol_device", device.devid, "--out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    read = tomllib.loads(out.read_text())
    assert read["device"] == {"devid": device.devid, "kind": "totem", "shard": device.shard, "interval_s": 15}
    assert read["broker"]["username"] == device.devid
    assert read["broker"]["port"] == broker.port
    assert set(read["spool"]) == {"path", "max_mb"}


def test_setting_up_again_changes_nothing(broker: TestBroker) -> None:
    _, peer = enrolled()
    call_command("setup_broker")
    assert accepted(peer.publish(peer.topic("tele"), "{}"))


def test_a_refused_command_says_what_was_asked_and_answered(broker: TestBroker) -> None:
    with dynsec.connected() as control, pytest.raises(dynsec.DynsecError) as refused:
        control.run([{"command": "setClientPassword", "username": "nobody-here", "password": "secret"}])
    assert refused.value.answered == "Client not found"
    assert "nobody-here" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_broker_that_is_not_there_is_named(broker: TestBroker) -> None:
    away = dynsec.Endpoint("127.0.0.1", 1, "broker-admin", "x")
    with (
        pytest.raises(dynsec.BrokerUnavailable, match=r"127\.0\.0\.1:1 does not answer"),
        dynsec.connected(away, wait_s=0.1),
    ):
        pass
