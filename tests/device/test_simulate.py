"""The simulator as a real process against a real broker."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from geoportal.runtime.templates import BASE
from tests.broker import Peer, TestBroker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def var(tmp_path: Path, settings: Any, broker: TestBroker) -> Path:
    settings.VAR_DIR = tmp_path
    call_command("load_sample_devices")
    return tmp_path


def test_fifty_two_devices_announce_themselves_report_and_say_goodbye(
    var: Path, broker: TestBroker, settings: Any
) -> None:
    ingest = Peer(broker.port, "ingest", "only-for-tests")
    listener = subprocess.Popen(
        [
            "mosquitto_sub",
            *ingest.credentials(),
            "-q",
            "1",
            "-t",
            "cremona/v1/+/+/up/#",
            "-R",
            "-W",
            "40",
            "-F",
            "%t %p",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    simulator = subprocess.Popen(
        [sys.executable, "manage.py", "simulate", "--seed", "7"],
        cwd=BASE,
        env={
            **os.environ,
            "GEOPORTAL_VAR": str(var),
            "GEOPORTAL_DB_NAME": settings.DATABASES["default"]["NAME"],
        },
    )
    try:
        heard = _hear(listener, 52 * 3)
        assert set(heard.values()) == {52}
    finally:
        simulator.send_signal(signal.SIGTERM)
        assert simulator.wait(60) == 0
    assert listener.stdout is not None
    goodbyes = set()
    for line in listener.stdout:
        if '"s":"offline"' in line:
            goodbyes.add(line.split()[0])
        if len(goodbyes) == 52:
            break
    listener.terminate()
    listener.wait(60)


def _hear(listener: "subprocess.Popen[str]", count: int) -> dict[str, int]:
    """Devices heard on each channel, until `count` in all."""
    assert listener.stdout is not None
    heard: dict[str, set[str]] = {"state": set(), "info": set(), "tele": set()}
    for line in listener.stdout:
        topic = line.split()[0]
        heard[topic.rsplit("/", 1)[1]].add(topic)
        if sum(len(topics) for topics in heard.values()) == count:
            break
    return {channel: len(topics) for channel, topics in heard.items()}


def test_wrong_options_are_refused_in_words(var: Path) -> None:
    with pytest.raises(CommandError, match="--speed must be above 0, found 0"):
        call_command("simulate", "--speed", "0")
    with pytest.raises(CommandError, match="at least 1"):
        call_command("simulate", "--devices", "0")


@pytest.mark.usefixtures("broker")
def test_without_sample_devices_it_says_what_to_run() -> None:
    with pytest.raises(CommandError, match="load_sample_devices"):
        call_command("simulate")
