"""The agents as real processes against a real broker, and the Wi-Fi agent against a real snmpd."""

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from geoportal.messaging import dynsec, topics
from geoportal.messaging.device.config import AgentConfig, load
from geoportal.runtime.templates import BASE
from tests.broker import Peer, TestBroker

MAC = re.compile(r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b")


def config_file(broker: TestBroker, folder: Path, kind: str, password: str = "right", **source: str) -> Path:
    """A device with an account at the broker; its file may hold another password."""
    devid = f"{kind}-{folder.name.replace('_', '-')[-20:].strip('-')}"
    with dynsec.connected() as control:
        control.run(dynsec.device_commands(devid, topics.shard_of(devid), "right"), accept=dynsec.NOT_FOUND)
    config = AgentConfig(devid, kind, "127.0.0.1", broker.port, devid, password, spool_path="spool", source=source)
    path = folder / "agent.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    path.chmod(0o600)
    return path


@contextmanager
def listen(broker: TestBroker) -> "Iterator[Iterator[dict[str, Any]]]":
    """What is said from now on by devices, one message after the other."""
    ingest = Peer(broker.port, "ingest", "only-for-tests")
    topic = ("-q", "1", "-t", "cremona/v1/+/+/up/#", "-R")
    command = ["stdbuf", "-oL", "mosquitto_sub", *ingest.credentials(), *topic, "-W", "60", "-d"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if "SUBACK" in line)
        yield (json.loads(line) for line in process.stdout if line.startswith("{"))
        process.kill()


def run(agent: str, path: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", agent, "--config", str(path), *options],
        cwd=BASE,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_totem_reports_and_says_goodbye(broker: TestBroker, tmp_path: Path) -> None:
    path = config_file(broker, tmp_path, "totem")
    with listen(broker) as heard:
        agent = subprocess.Popen([sys.executable, "-m", "kiosks.agent", "--config", str(path)], cwd=BASE)
        said = list(itertools.islice(heard, 3))
        resident_kb = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{agent.pid}/status").read_text())[0])
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(60) == 0
        said.append(next(heard))
    (sample,) = [one for one in said if "m" in one]
    (info,) = [one for one in said if "capabilities" in one]
    assert {"cpu", "mem", "disk", "load1", "store_free"} <= sample["m"].keys()
    assert set(info["unsupported"]).isdisjoint(sample["m"])
    assert "door" in info["unsupported"]
    assert said[-1]["s"] == "offline"
    assert not MAC.search(json.dumps(said))
    assert resident_kb < 40_000


def test_a_totem_costs_less_than_one_percent_of_a_processor(broker: TestBroker, tmp_path: Path) -> None:
    path = config_file(broker, tmp_path, "totem")
    path.write_text(path.read_text().replace("interval_s = 30", "interval_s = 1"))
    spent: list[float] = []
    with listen(broker) as heard:
        agent = subprocess.Popen([sys.executable, "-m", "kiosks.agent", "--config", str(path)], cwd=BASE)
        for _sample in itertools.islice((one for one in heard if "m" in one), 4):
            stat = Path(f"/proc/{agent.pid}/stat").read_text().rpartition(")")[2].split()
            spent.append((int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"))
        agent.terminate()
        agent.wait(60)
    per_sample_s = (spent[-1] - spent[0]) / (len(spent) - 1)
    assert per_sample_s < 0.01 * 30  # processor time, whatever else the machine does; one sample each 30 s


@pytest.mark.parametrize(
    ("password", "code", "words"),
    [("right", 0, "may speak and listen on its own topics"), ("wrong", 1, "password is wrong")],
)
def test_check_says_what_is_wrong(broker: TestBroker, tmp_path: Path, password: str, code: int, words: str) -> None:
    result = run("kiosks.agent", config_file(broker, tmp_path, "totem", password), "--check")
    assert (result.returncode, words in result.stdout) == (code, True), result.stdout + result.stderr


def test_check_names_a_broker_that_is_not_there_and_a_wrong_kind(broker: TestBroker, tmp_path: Path) -> None:
    path = config_file(broker, tmp_path, "totem")
    assert "this agent is for 'ap'" in run("wifi.agent", path, "--check").stdout
    path.write_text(path.read_text().replace(f"port = {broker.port}", "port = 1"))
    assert "nothing listens on 127.0.0.1:1" in run("kiosks.agent", path, "--check").stdout


def test_an_unknown_option_is_refused(broker: TestBroker, tmp_path: Path) -> None:
    result = run("kiosks.agent", config_file(broker, tmp_path, "totem", dor="/sys/x"))
    assert result.returncode == 2
    assert "source.dor" in result.stderr


def test_an_access_point_is_asked_over_snmp(broker: TestBroker, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "snmpd.conf").write_text("rocommunity test-community\n")
    snmpd = subprocess.Popen(
        ["/usr/sbin/snmpd", "-f", "-C", "-c", str(tmp_path / "snmpd.conf"), "-Le", f"udp:127.0.0.1:{port}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        path = config_file(broker, tmp_path, "ap", address="127.0.0.1", community="test-community", snmp_port=str(port))
        with listen(broker) as heard:
            agent = subprocess.Popen([sys.executable, "-m", "wifi.agent", "--config", str(path), "--once"], cwd=BASE)
            said = list(itertools.islice(heard, 3))
            stored = {"boot": next(one["boot"] for one in said if "m" in one), "hi": 1, "miss": []}
            devid = load(path).devid
            centre = Peer(broker.port, "ingest", "only-for-tests")
            centre.publish(topics.down(devid, "ack"), json.dumps(stored), client_id="once")
            assert agent.wait(60) == 0
    finally:
        snmpd.terminate()
        snmpd.wait(60)
    (sample,) = [one for one in said if "m" in one]
    assert {"loss", "rtt", "load1", "mem", "rx_total", "uptime"} <= sample["m"].keys()
    assert sample["m"]["loss"] == 0
    assert not MAC.search(json.dumps(said))
