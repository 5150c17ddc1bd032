"""The light load: a crowd over a few connections, stored whole by the real ingest, and nothing of it left behind."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from geoportal.monitoring import load_devices
from geoportal.monitoring.models import Device, DeviceStatus
from tests.broker import Peer, TestBroker
from tests.messaging.conftest import Ingest, rows
from tests.messaging.conftest import ingest as ingest

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_sample_of_the_crowd_is_stored_once_and_the_crowd_goes_home(ingest: Ingest, broker: TestBroker) -> None:
    ingest.ready()
    out = StringIO()
    call_command("simulate", "--light", "300", "--seconds", "3", "--every", "1", stdout=out)
    told = re.search(r"(\d+) of (\d+) samples are stored", out.getvalue())
    assert told is not None and told[1] == told[2] and 600 <= int(told[1]) <= 900, out.getvalue()
    counts = rows(
        "SELECT count(*), count(DISTINCT (device_id, boot, seq)), count(DISTINCT device_id) FROM wifi_telemetry"
    )
    assert counts == [(int(told[1]), int(told[1]), 300)]
    assert rows("SELECT reason FROM monitoring_deadletter") == []
    crowd = DeviceStatus.objects.filter(device__devid__startswith=load_devices.PREFIX)
    assert 60 <= crowd.filter(presence="online").count() <= 90, "a tenth of them is born in each second"
    assert len({status.metrics["clients_5"] for status in crowd}) > 5, "they measure different things"
    assert not Device.objects.filter(lifecycle="active").exists()
    refused = Peer(broker.port, load_devices.USER, "anything").publish("cremona/v1/00/load-000000/up/tele", "{}")
    assert refused.returncode != 0


def test_the_same_crowd_comes_again(ingest: Ingest, broker: TestBroker) -> None:
    ingest.ready()
    with load_devices.in_service(3, 30) as first:
        assert Device.objects.filter(lifecycle="active").count() == 3
    with load_devices.in_service(2, 10) as second:
        assert second == first[:2]
        assert set(Device.objects.values_list("lifecycle", "interval_s")) == {("active", 10), ("removed", 30)}


def test_the_account_speaks_for_devices_only_and_only_while_it_lasts(broker: TestBroker) -> None:
    with load_devices.account() as (user, password):
        peer = Peer(broker.port, user, password)
        assert "ot authori" not in peer.publish("cremona/v1/00/load-000000/up/tele", "{}").stderr
        for topic in (
            "cremona/v1/00/load-000000/up/cmdres",
            "cremona/v1/00/load-000000/dn/cmd",
            "cremona/v1/srv/state/x",
        ):
            assert "ot authori" in peer.publish(topic, "{}").stderr
    assert peer.publish("cremona/v1/00/load-000000/up/tele", "{}").returncode != 0


@pytest.mark.parametrize("wrong", [["0"], ["5", "--every", "0"], ["5", "--seconds", "0"], ["2000000"]])
def test_wrong_sizes_are_refused_in_words(wrong: list[str]) -> None:
    with pytest.raises(CommandError, match="--light takes 1 to 1000000 devices"):
        call_command("simulate", "--light", *wrong)
