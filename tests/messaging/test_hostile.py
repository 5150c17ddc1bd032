"""Devices and strangers that misbehave, against the real broker and ingest: refused or contained, counted, seen."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.html import escape

from geoportal.messaging import topics
from geoportal.messaging.broker_log import PUBLISH, Denial, Sieve
from geoportal.messaging.ingest.store import connect
from geoportal.models import User
from geoportal.monitoring.commands.dispatch import Dispatcher
from geoportal.monitoring.doorkeeper import Doorkeeper
from geoportal.monitoring.models import BrokerDenial, BrokerRefusal, DeadLetter
from layers.rights import TECHNICIANS
from tests.broker import Peer, TestBroker, supervised
from tests.commands.conftest import dispatcher as dispatcher
from tests.messaging.conftest import Fielded, Ingest, eventually, sample


def refused(result: subprocess.CompletedProcess[str]) -> bool:
    return result.returncode != 0 or "ot authori" in result.stderr or "denied" in result.stderr


@pytest.fixture
def watched_broker(broker: TestBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The broker as `make run` keeps it: it says all it can, and a supervisor sifts that into a log."""
    monkeypatch.setattr("django.conf.settings.BROKER_LOG", str(tmp_path / "broker.log"))
    with supervised(replace(broker.broker, talks=True), broker, tmp_path, sift=Sieve().sift):
        yield


@pytest.fixture
def technician(transactional_db: None) -> Client:
    user = User.objects.create_user("tecnica", password="una-parola-lunga")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client = Client()
    client.force_login(user)
    return client


def strangers(broker: TestBroker, victim: Peer, thief: Peer) -> int:
    """Everyone who must not come in; how many tried."""
    anonymous = [
        "mosquitto_pub",
        "-h",
        "127.0.0.1",
        "-p",
        str(broker.port),
        "-V",
        "5",
        "-t",
        victim.topic("tele"),
        "-m",
        "x",
    ]
    assert subprocess.run(anonymous, capture_output=True, timeout=20).returncode != 0
    attempts = [
        (Peer(broker.port, "ap-never-enrolled", "guess"), None),
        (Peer(broker.port, victim.username, "guess"), None),
        (thief, victim.username),
        (victim, "an-id-of-its-own"),
        (Peer(broker.port, "broker-admin", "guess"), None),
    ]
    for peer, client_id in attempts:
        assert refused(peer.publish(victim.topic("tele"), "{}", client_id=client_id)), (peer, client_id)
    return len(attempts) + 1


def test_whoever_misbehaves_is_refused_or_contained_counted_and_seen(
    watched_broker: None, ingest: Ingest, dispatcher: Dispatcher, broker: TestBroker, technician: Client
) -> None:
    process = ingest.ready()
    victim, thief = Fielded.new(), Fielded.new()
    eventually(lambda: dispatcher._connected.is_set(), "the dispatcher hears the broker's log")
    victim.birth()
    victim.tele(1, m={"cpu": 7})

    # At the door.
    tried = strangers(broker, victim.peer, thief.peer)

    # Inside, with credentials of one's own: not in another's name, not to another, not to us, not listening to others.
    shard, name = victim.device.shard, victim.device.devid
    forged = json.dumps(sample(2, victim.boot, m={"cpu": 99}))
    foreign = (
        *(victim.peer.topic(channel) for channel in ("state", "info", "tele", "event", "cmdres")),
        topics.down(name, "cmd", shard),
        topics.down(thief.device.devid, "cmd", thief.device.shard),
        topics.server_state(["00", "0f"]),
        "$CONTROL/dynamic-security/v1",
        "$SYS/broker/log/N",
    )
    for topic in foreign:
        assert refused(thief.peer.publish(topic, forged)), topic
    patterns = (
        "#",
        "cremona/v1/#",
        f"cremona/v1/{shard}/{name}/#",
        topics.down(name, "cmd", shard),
        "$SYS/#",
        "+/#",
    )
    for pattern in patterns:
        assert refused(thief.peer.subscribe(pattern, seconds=1)), pattern

    # On one's own topics: too long, no JSON, another version, another's command.
    own = thief.peer.topic("tele")
    thief.peer.publish(own, b"x" * 200_000)
    bad = {
        "too_large": b'{"x":"' + b"a" * 70_000 + b'"}',
        "not_json": b"\xff\x00",
        "invalid": json.dumps(sample(9, thief.boot, v=2)).encode(),
    }
    for payload in bad.values():
        thief.peer.publish(own, payload)

    # Nobody else notices.
    victim.tele(3, m={"cpu": 8})
    eventually(lambda: victim.stored() == [1, 3], "the victim's own samples, and no other, are stored")
    assert victim.status.metrics["cpu"] == 8 and victim.status.presence == "online"
    assert thief.stored() == []
    assert process.poll() is None

    # Counted, and on a technician's page.
    assert sorted(DeadLetter.objects.values_list("reason", flat=True)) == sorted(bad)
    total = lambda: sum(BrokerRefusal.objects.values_list("count", flat=True))  # noqa: E731
    eventually(lambda: total() >= tried, f"{tried} refused connections are counted")
    denied = {("publish", topic) for topic in foreign} | {("subscribe", pattern) for pattern in patterns}
    counted = lambda: set(BrokerDenial.objects.values_list("client", "action", "topic"))  # noqa: E731
    eventually(lambda: counted() == {(thief.device.devid, *one) for one in denied}, "every denied topic is counted")
    page = technician.get("/tecnici/rifiuti/").content.decode()
    assert f"respinte dal broker: {total()}" in page and "127.0.0.1" in page
    assert all(escape(topic) in page for _, topic in denied) and f"/tecnici/{thief.device.devid}/" in page
    assert all(reason in page for reason in bad) and own in page
    device = technician.get(f"/tecnici/{thief.device.devid}/").content.decode()
    assert "<dt>Messaggi scartati</dt><dd>3</dd>" in device
    assert f'<a href="/tecnici/rifiuti/#negati">{len(denied)}</a>' in device


def lines(*texts: str) -> Doorkeeper:
    keeper = Doorkeeper()
    for text in texts:
        keeper.take(f"1795526133: {text}".encode())
    return keeper


def test_an_address_is_named_only_when_it_is_sure() -> None:
    new = "New connection from 10.0.0.{0}:44644 on port 8883."
    welcome = "New client connected from 10.0.0.{0}:44644 as ap-x (p5, c1, k60, u'ap-x')."
    no = "Client <unknown> disconnected, not authorised."
    assert [key[1] for key in lines(new.format(1), no)._counts] == ["10.0.0.1"]
    assert [key[1] for key in lines(new.format(1), new.format(2), no)._counts] == [""]
    assert [key[1] for key in lines(new.format(1), welcome.format(1), new.format(2), no)._counts] == ["10.0.0.2"]
    assert sum(lines(*(["Client ap-x disconnected."] * 3))._counts.values()) == 0
    flood = lines(*(text.format(n) for n in range(400) for text in (new, no)))
    assert len(flood._counts) <= 201 and flood._counts.total() == 400


@pytest.mark.usefixtures("transactional_db")
def test_what_was_counted_while_the_database_was_away_is_written_when_it_is_back(tmp_path: Path) -> None:
    told = tmp_path / "broker.log"
    told.touch()
    keeper = Doorkeeper(str(told))
    keeper.take(b"1795526133: New connection from 10.0.0.1:44644 on port 8883.")
    keeper.take(b"1795526133: Client <unknown> disconnected, not authorised.")
    told.write_bytes(Denial("ap-x", PUBLISH, "cr/altro", 3).line())
    with closing(connect("doorkeeper")) as held:
        held.autocommit = True
        away = held.cursor()
        away.execute("SET default_transaction_read_only = on")
        with pytest.raises(psycopg2.Error):
            keeper.flush(away)
        away.execute("SET default_transaction_read_only = off")
        keeper.flush(away)
        keeper.flush(away)
        away.execute("SELECT address, count FROM monitoring_brokerrefusal")
        assert away.fetchall() == [("10.0.0.1", 1)]
        away.execute("SELECT client, topic, count FROM monitoring_brokerdenial")
        assert away.fetchall() == [("ap-x", "cr/altro", 3)]
        away.execute("DELETE FROM monitoring_brokerrefusal; DELETE FROM monitoring_brokerdenial")
