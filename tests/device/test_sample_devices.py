import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from geoportal.messaging.device.config import load
from geoportal.monitoring.models import Device, DeviceStatus
from geoportal.sample_devices import sample_devices
from tests.broker import Peer, TestBroker


def test_the_sample_is_the_same_each_time_and_its_ids_are_unique() -> None:
    devices = list(sample_devices())
    assert devices == list(sample_devices())
    assert len({one.devid for one in devices}) == 52
    assert [sum(one.kind == kind for one in devices) for kind in ("ap", "totem")] == [40, 12]
    assert all("esempio" in one.name.lower() for one in devices if one.kind == "totem")
    assert len({(one.lat, one.lon) for one in devices}) == 52


@pytest.mark.django_db
def test_loading_twice_adds_once_and_the_credentials_work(
    broker: TestBroker, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.VAR_DIR = tmp_path
    call_command("load_sample_devices")
    assert "52 added, 0 there already, 52 enrolled" in capsys.readouterr().out
    files = sorted((tmp_path / "devices").glob("*.toml"))
    assert len(files) == 52
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    first = load(files[0])
    peer = Peer(first.port, first.username, first.password, first.shard)
    peer.say("state", '{"s":"online","boot":"0a6cbf2e-61a0-43e4-a0c9-1b2d9a15f7c5","conn":1}')
    assert DeviceStatus.objects.filter(device__is_sample=True).count() == 52
    Device.objects.filter(devid=first.devid).update(notes="changed")
    call_command("load_sample_devices")
    assert "0 added, 52 there already, 0 enrolled" in capsys.readouterr().out
    assert Device.objects.get(devid=first.devid).notes == "changed"
    assert tomllib.loads(files[0].read_text())["broker"]["password"] == first.password


@pytest.mark.django_db
def test_samples_stand_in_the_city(broker: TestBroker, tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    call_command("load_sample_devices")
    outside = [
        device.devid
        for device in Device.objects.filter(is_sample=True)
        if not (577_000 < device.geom.x < 584_000 and 4_996_000 < device.geom.y < 5_001_000)
    ]
    assert outside == []
