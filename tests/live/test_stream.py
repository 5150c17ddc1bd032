"""The live stream as a process of its own: events after committed changes, rights, recovery, many readers."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client

from geoportal.models import User
from geoportal.monitoring.judging import rejudge
from geoportal.monitoring.models import Device, DeviceStatus
from layers.models import Access, Layer
from layers.rights import TECHNICIANS
from tests.live.streams import Live, live, notify
from tests.monitoring.devices import NOW, device

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(transactional_db: None) -> Iterator[Live]:
    with live() as running:
        yield running


def judge_and_notify(*devices: Device) -> None:
    """What ingest does in each batch."""
    with transaction.atomic(), connection.cursor() as cursor:
        changed = rejudge(cursor, [one.pk for one in devices], NOW)
        cursor.execute("SELECT pg_notify('devices', %s)", [",".join(map(str, changed))])


def login(name: str) -> str:
    """The cookie of a signed-in technician."""
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def test_a_committed_change_arrives_as_the_same_object_that_the_list_gives(server: Live) -> None:
    point, totem = device("ap-one"), device("totem-one", "totem")
    stream = server.open()
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    judge_and_notify(point, totem)
    event = stream.wait_for("device")
    assert event.data == Client().get("/api/dispositivi").json()["devices"]
    assert [one["health"] for one in event.data] == ["ok", "ok"]
    DeviceStatus.objects.filter(device=point).update(presence="lost", presence_at=NOW - timedelta(minutes=1))
    judge_and_notify(point)
    second = stream.wait_for("device")
    assert [(one["devid"], one["cause_text"]) for one in second.data] == [
        ("ap-one", "Connessione interrotta all'improvviso")
    ]
    assert second.id != event.id


def test_what_is_rolled_back_is_never_told(server: Live) -> None:
    point = device("ap-one")
    stream = server.open()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('devices', %s)", [str(point.pk)])
        transaction.set_rollback(True)
    other = device("ap-two")
    notify(other.pk)
    assert [one["devid"] for one in stream.wait_for("device").data] == ["ap-two"]


def test_each_reader_gets_its_language_and_what_its_session_may_see(server: Live) -> None:
    point, totem = device("ap-one"), device("totem-one", "totem")
    Layer.objects.filter(slug="totem").update(access=Access.INTERNAL)
    public, english = server.open(), server.open(language="en")
    inside = server.open(cookie=login("tecnica"))
    forged = server.open(cookie=f"{settings.SESSION_COOKIE_NAME}=forged")
    notify(point.pk, totem.pk)
    for stream in (public, forged):
        assert [one["devid"] for one in stream.wait_for("device").data] == ["ap-one"]
    assert [one["cause_text"] for one in english.wait_for("device").data] == ["Has never connected yet"]
    assert {one["devid"] for one in inside.wait_for("device").data} == {"ap-one", "totem-one"}


def test_a_right_that_is_taken_away_holds_for_open_streams(server: Live) -> None:
    point, totem = device("ap-one"), device("totem-one", "totem")
    stream = server.open()
    Layer.objects.filter(slug="totem").update(access=Access.INTERNAL)
    stream.wait_for("resync")
    notify(totem.pk)
    notify(point.pk)
    assert [one["devid"] for one in stream.wait_for("device").data] == ["ap-one"]


def test_after_a_lost_connection_it_listens_again_and_says_resync(server: Live) -> None:
    point = device("ap-one")
    stream = server.open()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'geoportal live' AND datname = current_database()"
        )
        assert cursor.fetchall() == [(True,)]
    stream.wait_for("resync")
    notify(point.pk)
    assert [one["devid"] for one in stream.wait_for("device").data] == ["ap-one"]


def test_two_hundred_streams_are_open_at_once_and_none_is_refused(server: Live) -> None:
    point = device("ap-one")
    streams = [server.open() for _ in range(200)]
    assert server.state()["streams"] == 200
    notify(point.pk)
    for stream in streams:
        assert stream.wait_for("device").data[0]["devid"] == "ap-one"
        stream.close()
    end = time.monotonic() + 60
    while server.state()["streams"] and time.monotonic() < end:
        notify(point.pk)
    assert server.state()["streams"] == 0


def test_a_client_that_does_not_read_is_let_go_and_the_others_go_on(server: Live) -> None:
    many = [device(f"ap-{number:03}", place="x" * 190) for number in range(150)]
    sleeper = server.open()  # never read again, and never closed
    good = server.open()
    ids = [one.pk for one in many]
    rounds = 0
    while server.state()["dropped"] == 0 and rounds < 600:
        rounds += 1
        notify(*ids)
        assert len(good.wait_for("device").data) == 150
    state = server.state()
    assert (state["dropped"], state["streams"]) == (1, 1)
    sleeper.close()


def test_a_stop_ends_the_streams_at_once(server: Live) -> None:
    stream = server.open()
    began = time.monotonic()
    assert server.stop() == 0
    assert stream.next() is None
    assert time.monotonic() - began < 5  # granian would kill the worker after that


def test_other_addresses_and_methods_are_told_so(server: Live) -> None:
    from tests.live.streams import Stream

    stream = Stream(server.port, path="/altro")
    assert (stream.status, stream.body()["error"]) == (404, "not_found")


def test_rubbish_in_the_channel_disturbs_nobody(server: Live) -> None:
    point = device("ap-one")
    stream = server.open()
    with connection.cursor() as cursor:
        for payload in ("", "x", "1;DROP TABLE", "999999999999"):
            cursor.execute("SELECT pg_notify('devices', %s)", [payload])
    notify(point.pk)
    assert [one["devid"] for one in stream.wait_for("device").data] == ["ap-one"]
