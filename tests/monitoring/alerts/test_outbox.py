"""Delivery to a real SMTP server and a real HTTP server: once, signed, tried again, and to no forbidden address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings as django_settings
from django.db import connection

from geoportal.monitoring.alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule
from geoportal.monitoring.alerts.outbox import GIVE_UP_AFTER, LONGEST_PAUSE, deliver_due, pause
from geoportal.monitoring.alerts.webhook import WebhookRefused, destination, signature
from tests.monitoring.alerts.conftest import City
from tests.ports import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

LATER = timedelta(seconds=60)


@dataclass
class Receiver:
    """What an HTTP server was sent, and the statuses that it answers next (200 when there is none)."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.got.append((dict(self.headers), body))
            status = state.answers.pop(0) if state.answers else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", state.url + "elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook"
    settings.WEBHOOK_ORIGINS = [f"http://127.0.0.1:{server.server_port}"]
    yield state
    server.shutdown()
    server.server_close()


class Mailbox:
    """A mail server's handler that keeps messages, and refuses as many as it is told."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.refuse = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 (aiosmtpd's name)
        if self.refuse:
            self.refuse -= 1
            return "451 try later"
        self.got.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    box = Mailbox()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    smtp = {"host": "127.0.0.1", "port": port, "timeout": 5}
    settings.MAILERS = {"default": {**django_settings.MAILERS["default"], "OPTIONS": smtp}}
    settings.MAILERS["default"]["BACKEND"] = "django.core.mail.backends.smtp.EmailBackend"
    yield box
    controller.stop()


def webhook(url: str, **fields: Any) -> AlertChannel:
    return AlertChannel.objects.create(name="hook", kind="webhook", address=url, secret="chiave", **fields)


def lose(city: City, *names: str, **fields: Any) -> None:
    for name in names:
        city.add(name, **fields)
    city.lose(names)
    city.play(130)


def test_a_webhook_gets_each_step_once_and_can_check_who_sent_it(city: City, receiver: Receiver) -> None:
    webhook(receiver.url)
    lose(city, "ap-one")
    assert deliver_due(city.now) == 0, "it waits for what may belong together"
    assert deliver_due(city.now + LATER) == 1
    assert deliver_due(city.now + 2 * LATER) == 0
    ((headers, body),) = receiver.got
    assert headers["X-Geoportal-Signature"] == signature("chiave", headers["X-Geoportal-Timestamp"], body)
    (alert,) = json.loads(body)["alerts"]
    assert (alert["rule"], alert["key"], alert["after"], alert["why"]) == (
        "dispositivo-perso", "ap-one", "firing", "lasted",
    )  # fmt: skip


def test_what_was_not_taken_is_tried_again_with_growing_pauses(city: City, receiver: Receiver) -> None:
    webhook(receiver.url)
    receiver.answers = [500, 503, 302]
    lose(city, "ap-one")
    now = city.now + LATER
    for attempt, wait in ((1, 15), (2, 30), (3, 60)):
        assert deliver_due(now) == 0
        row = AlertDelivery.objects.get()
        assert row.attempts == attempt and row.due_at == now + timedelta(seconds=wait) and "answered" in row.last_error
        assert deliver_due(row.due_at - timedelta(seconds=1)) == 0
        now = row.due_at
    assert deliver_due(now) == 1
    assert len(receiver.got) == 4, "the redirect was not followed"
    assert AlertDelivery.objects.get().sent_at == now


def test_pauses_grow_to_an_hour() -> None:
    assert [pause(number).total_seconds() for number in (1, 2, 3, 9, 50)] == [15, 30, 60, 3600, 3600]
    assert pause(9) == LONGEST_PAUSE


def test_after_three_days_a_delivery_is_given_up_and_says_why(city: City, settings: Any) -> None:
    settings.WEBHOOK_ORIGINS = ["http://127.0.0.1:9"]
    webhook("http://127.0.0.1:9/hook")
    lose(city, "ap-one")
    deliver_due(city.now + GIVE_UP_AFTER + LATER)
    row = AlertDelivery.objects.get()
    assert row.dropped_at is not None and "127.0.0.1" in row.last_error


def test_a_storm_is_one_mail(city: City, mailbox: Mailbox, channel: AlertChannel) -> None:
    lose(city, "ap-one", "ap-two", "ap-six")
    assert deliver_due(city.now + LATER) == 3
    (mail,) = mailbox.got
    text = mail.get_payload(decode=True).decode()
    subject = str(make_header(decode_header(mail["Subject"])))
    assert (mail["To"], subject) == ("sala@example.org", "[Geoportale] 3 novità sugli allarmi")
    assert all(f"({name})" in text for name in ("ap-one", "ap-two", "ap-six"))


def test_a_mail_server_that_refuses_is_asked_again(city: City, mailbox: Mailbox, channel: AlertChannel) -> None:
    mailbox.refuse = 1
    lose(city, "ap-one")
    assert deliver_due(city.now + LATER) == 0
    row = AlertDelivery.objects.get()
    assert row.attempts == 1 and "try later" in row.last_error
    assert deliver_due(row.due_at) == 1 and len(mailbox.got) == 1


def test_a_channel_out_of_order_does_not_hold_up_another(
    city: City, mailbox: Mailbox, channel: AlertChannel, receiver: Receiver
) -> None:
    webhook("http://169.254.169.254/latest/meta-data")
    lose(city, "ap-one")
    assert deliver_due(city.now + LATER) == 1 and len(mailbox.got) == 1


def test_a_message_that_cannot_be_written_stops_no_other(city: City, mailbox: Mailbox, channel: AlertChannel) -> None:
    lose(city, "ap-one", "ap-two")
    Alert.objects.filter(key="ap-one").update(evidence={"lost": 3})
    broken = AlertDelivery.objects.get(transition__alert__key="ap-one")
    with connection.cursor() as cursor:  # the history is only added to: this row comes from a later release
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE monitoring_alerttransition DISABLE TRIGGER only_added_to"
        )
        cursor.execute(
            "UPDATE monitoring_alerttransition SET evidence = '{\"lost\": 3}' WHERE id = %s", [broken.transition_id]
        )
        cursor.execute("ALTER TABLE monitoring_alerttransition ENABLE TRIGGER only_added_to")
    assert deliver_due(city.now + LATER) == 1
    assert "ap-two" in str(make_header(decode_header(mailbox.got[0]["Subject"])))
    broken.refresh_from_db()
    assert broken.sent_at is None and broken.attempts == 1 and broken.last_error == "KeyError: 'total'"


def test_a_common_cause_found_while_it_waited_takes_the_message_back(city: City, receiver: Receiver) -> None:
    webhook(receiver.url)
    lose(city, "ap-one")
    alert = Alert.objects.get()
    group = Alert.objects.create(
        rule=AlertRule.objects.get(slug="dispositivo-perso"), scope="feeder", key="L7", severity="critical",
        state="firing", since=city.now,
    )  # fmt: skip
    Alert.objects.filter(pk=alert.pk).update(suppressed_by=group)
    assert deliver_due(city.now + LATER) == 0 and receiver.got == []
    assert AlertDelivery.objects.get().dropped_at is not None


@pytest.mark.parametrize(
    ("severity", "only", "expected"), [("warning", False, 1), ("critical", False, 0), ("warning", True, 0)]
)
def test_a_channel_hears_what_it_asked_for(city: City, severity: str, only: bool, expected: int) -> None:
    AlertChannel.objects.create(
        name="x", kind="email", address="a@example.org", least_severity=severity, only_escalations=only
    )
    city.add("totem-one", kind="totem")
    city.lose(["totem-one"], "door_open")
    for _ in range(5):
        city.play(30)
        city.sample("totem-one", city.now)
    assert AlertDelivery.objects.count() == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://hooks.example.org/x",
        "https://hooks.example.org:444/x",
        "https://user@hooks.example.org/x",
        "https://hooks.example.org.evil.example/x",
        "ftp://hooks.example.org/x",
        "file:///etc/passwd",
        "https://localhost/x",
        "nonsense",
    ],
)
def test_only_the_operators_origins_are_allowed(settings: Any, url: str) -> None:
    settings.WEBHOOK_ORIGINS = ["https://hooks.example.org", "https://localhost"]
    with pytest.raises(WebhookRefused):
        destination(url)


def test_an_allowed_address_in_digits_may_be_internal(settings: Any) -> None:
    settings.WEBHOOK_ORIGINS = ["http://10.1.2.3:8080"]
    where = destination("http://10.1.2.3:8080/a?b=c")
    assert (where.ip, where.port, where.path) == ("10.1.2.3", 8080, "/a?b=c")
