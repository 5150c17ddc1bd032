"""Who may order what, and what a refusal says. The broker is not asked here."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from geoportal.accounts import tokens
from geoportal.commands.register import OPERATOR
from geoportal.commands.sending import MOST_OPEN, CommandRefused, Wish, send_command
from geoportal.models import User
from geoportal.monitoring.commands.dispatch import SQL, forget_commands, upload_key
from geoportal.monitoring.models import Device, DeviceAct, DeviceCommand, DeviceStatus, Screenshot
from tests.broker import new_device

pytestmark = pytest.mark.django_db
JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xc0\x00\x0b\x08\x00\x30\x00\x40\x01\x01\x11\x00" + b"\x00" * 40 + b"\xff\xd9"
)


@pytest.fixture
def totem() -> Device:
    device = new_device("totem")
    device.enrolled_at = timezone.now()
    device.save()
    return device


def ask(client: Client, device: Device, body: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return client.post(f"/api/dispositivi/{device.devid}/comandi", data, content_type="application/json")


def screenshot(totem: Device) -> DeviceCommand:
    return send_command(totem, Wish("screenshot", {}), OPERATOR)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish("dance", {}), "unknown_command"),
        (Wish("set_brightness", {"percent": 200}), "invalid_arguments"),
        (Wish("screenshot", {"upload_path": "/x", "upload_key": "k" * 20}), "invalid_arguments"),
        (Wish("reboot", {}), "not_confirmed"),
        (Wish("reload", {}, valid_s=5), "invalid_validity"),
        (Wish("reload", {}, valid_s=100_000), "invalid_validity"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_a_code(totem: Device, wish: Wish, code: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        send_command(totem, wish, OPERATOR)
    assert refused.value.code == code
    assert not DeviceCommand.objects.exists()
    assert not DeviceAct.objects.exists()


def test_a_command_is_stored_queued_with_its_end_and_written_down(totem: Device) -> None:
    command = send_command(totem, Wish("reboot", {}, confirmed=True), OPERATOR)
    assert (command.state, command.asked_name) == ("queued", "manage.py")
    assert command.expires_at - command.created_at == timedelta(seconds=120)
    act = DeviceAct.objects.get()
    assert (act.devid, act.act, act.detail, act.by_name) == (
        totem.devid,
        "command",
        f"reboot {command.pk}",
        "manage.py",
    )


def test_the_register_is_only_added_to(totem: Device) -> None:
    send_command(totem, Wish("reload", {}), OPERATOR)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        DeviceAct.objects.update(by_name="altro")
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        DeviceAct.objects.all().delete()


def test_devices_out_of_service_or_without_credentials_are_not_commanded(totem: Device) -> None:
    for changes, code in (
        ({"lifecycle": "suspended"}, "not_in_service"),
        ({"lifecycle": "removed"}, "not_in_service"),
        ({"lifecycle": "active", "enrolled_at": None}, "not_enrolled"),
    ):
        Device.objects.filter(pk=totem.pk).update(**changes)
        with pytest.raises(CommandRefused) as refused:
            send_command(Device.objects.get(pk=totem.pk), Wish("reload", {}), OPERATOR)
        assert refused.value.code == code


def test_a_device_that_told_what_it_knows_is_not_asked_for_more(totem: Device) -> None:
    DeviceStatus.objects.filter(device=totem).update(info={"commands": ["reload", "reboot"]})
    known = Device.objects.select_related("status").get(pk=totem.pk)
    send_command(known, Wish("reload", {}), OPERATOR)
    with pytest.raises(CommandRefused, match="reboot, reload") as refused:
        send_command(known, Wish("set_volume", {"percent": 10}), OPERATOR)
    assert refused.value.code == "unsupported"


def test_a_device_is_not_buried_in_commands(totem: Device) -> None:
    for _ in range(MOST_OPEN):
        send_command(totem, Wish("reload", {}), OPERATOR)
    with pytest.raises(CommandRefused) as refused:
        send_command(totem, Wish("reload", {}), OPERATOR)
    assert refused.value.code == "too_many"
    DeviceCommand.objects.update(state="done")
    send_command(totem, Wish("reload", {}), OPERATOR)


def test_a_script_commands_with_a_token(page: Client, technician: User, totem: Device) -> None:
    _, secret = tokens.create(technician, "script", None)
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    answer = ask(client, totem, {"op": "set_volume", "args": {"percent": 30}, "valid_s": 600})
    assert answer.status_code == 201, answer.content
    said = answer.json()
    assert (said["state"], said["asked_by"], said["device"]) == ("queued", "tecnica", totem.devid)
    assert client.get(answer["Location"]).json()["id"] == said["id"]
    listed = client.get(f"/api/dispositivi/{totem.devid}/comandi").json()
    assert [one["id"] for one in listed["commands"]] == [said["id"]]
    volume = next(one for one in listed["catalogue"] if one["op"] == "set_volume")
    assert volume["arguments"]["properties"]["percent"]["maximum"] == 100
    picture = next(one for one in listed["catalogue"] if one["op"] == "screenshot")
    assert picture["arguments"]["properties"] == {}


def test_others_may_not(page: Client, totem: Device) -> None:
    stranger, somebody = Client(), Client()
    somebody.force_login(User.objects.create_user("altro", password="una-parola-lunga"))
    assert ask(stranger, totem, {"op": "reload"}).status_code == 401
    assert ask(somebody, totem, {"op": "reload"}).status_code == 403
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.get(username="tecnica"))
    assert ask(browser, totem, {"op": "reload"}).status_code == 403
    assert not DeviceCommand.objects.exists()
    with pytest.raises(CommandRefused) as refused:
        from geoportal.commands.register import Actor

        send_command(totem, Wish("reload", {}), Actor.of(User.objects.get(username="altro")))
    assert refused.value.code == "not_allowed"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "not_json"),
        (b"[" * 5000, 400, "not_json"),
        ([1], 400, "invalid"),
        ({"op": 7}, 400, "invalid"),
        ({"op": "reload", "sudo": True}, 400, "invalid"),
        ({"op": "reload", "confirm": "yes"}, 400, "invalid"),
        ({"op": "reload", "valid_s": True}, 400, "invalid"),
        (b" " * 20_000, 400, "too_large"),
        ({"op": "display_off"}, 409, "not_confirmed"),
        ({"op": "reload", "args": {"x": 1}}, 400, "invalid_arguments"),
    ],
)
def test_a_wrong_request_gets_a_code_and_a_reason(
    page: Client, totem: Device, body: Any, status: int, code: str
) -> None:
    answer = ask(page, totem, body)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.json()["detail"]


def test_an_unknown_device_and_command_are_not_found(page: Client) -> None:
    assert page.get("/api/dispositivi/ap-nessuno/comandi").status_code == 404
    assert page.get(f"/api/comandi/{uuid.uuid4()}").status_code == 404


def test_the_command_line_orders_and_explains(totem: Device, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("send_command", totem.devid, "set_brightness", "percent=40")
    assert "set_brightness is queued" in capsys.readouterr().out
    for words, expected in (
        (["nobody", "reload"], "no device"),
        ([totem.devid, "reload", "x"], "NAME=VALUE"),
        ([totem.devid, "reboot"], "not_confirmed"),
    ):
        with pytest.raises(CommandError, match=expected):
            call_command("send_command", *words)


def put(command_id: object, image: bytes, key: str) -> Any:
    client = Client(enforce_csrf_checks=True)
    return client.put(f"/api/schermate/{command_id}", image, content_type="image/jpeg", headers={"X-Upload-Key": key})


def test_a_picture_comes_in_once_with_its_key_and_technicians_alone_see_it(page: Client, totem: Device) -> None:
    command = screenshot(totem)
    key = upload_key(str(command.pk))
    assert put(command.pk, JPEG, "wrong").status_code == 403
    assert put(uuid.uuid4(), JPEG, key).status_code == 403
    assert put(command.pk, b"<svg onload=alert(1)>", key).status_code == 415
    assert put(command.pk, JPEG[:-2], key).status_code == 415
    assert put(command.pk, JPEG + b"\0" * 300_000, key).status_code == 413
    assert put(command.pk, JPEG, key).status_code == 204
    assert put(command.pk, JPEG, key).status_code == 409
    kept = Screenshot.objects.get()
    assert (kept.width, kept.height) == (64, 48)
    shown = page.get(f"/api/schermate/{command.pk}")
    assert shown.content == JPEG
    assert shown["Content-Type"] == "image/jpeg"
    assert "sandbox" in shown["Content-Security-Policy"] and shown["X-Content-Type-Options"] == "nosniff"
    assert page.get(f"/api/comandi/{command.pk}").json()["picture"] == f"/api/schermate/{command.pk}"
    assert Client().get(f"/api/schermate/{command.pk}").status_code == 401


def test_a_picture_of_a_command_that_is_over_is_not_taken(page: Client, totem: Device) -> None:
    command = screenshot(totem)
    DeviceCommand.objects.update(state="done")
    assert put(command.pk, JPEG, upload_key(str(command.pk))).status_code == 410
    other = send_command(totem, Wish("reload", {}), OPERATOR)
    assert put(other.pk, JPEG, upload_key(str(other.pk))).status_code == 410


def test_few_pictures_are_kept_and_old_commands_are_forgotten(page: Client, totem: Device) -> None:
    for _ in range(12):
        command = screenshot(totem)
        assert put(command.pk, JPEG, upload_key(str(command.pk))).status_code == 204
        DeviceCommand.objects.update(state="done")
    assert Screenshot.objects.count() == 10
    assert page.get(f"/api/schermate/{command.pk}").status_code == 200
    forget_commands(timezone.now() + timedelta(days=31))
    assert (Screenshot.objects.count(), DeviceCommand.objects.count()) == (0, 12)
    forget_commands(timezone.now() + timedelta(days=731))
    assert DeviceCommand.objects.count() == 0


def results(*told: tuple[DeviceCommand, int, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            SQL["store_results"],
            {
                "commands": [str(command.pk) for command, _, _ in told],
                "devices": [device for _, device, _ in told],
                "states": [state for _, _, state in told],
                "codes": [0] * len(told),
                "outputs": [state for _, _, state in told],
                "ats": [timezone.now()] * len(told),
            },
        )


def test_results_move_a_command_forwards_only(totem: Device) -> None:
    command = send_command(totem, Wish("reload", {}), OPERATOR)
    for told, state in (
        (["accepted"], "accepted"),
        (["running", "accepted"], "running"),
        (["accepted", "done"], "done"),
        (["running"], "done"),
        (["failed"], "done"),
    ):
        results(*((command, totem.pk, one) for one in told))
        command.refresh_from_db()
        assert command.state == state
    assert command.finished_at is not None and command.answered_at is not None


def test_a_device_cannot_answer_for_another(totem: Device) -> None:
    command = send_command(totem, Wish("reload", {}), OPERATOR)
    results((command, new_device("totem").pk, "done"))
    command.refresh_from_db()
    assert command.state == "queued"


def test_what_nobody_answers_is_given_up_and_a_late_answer_is_the_truth(totem: Device) -> None:
    waiting = send_command(totem, Wish("reload", {}), OPERATOR)
    running = send_command(totem, Wish("reload", {}), OPERATOR)
    results((running, totem.pk, "running"))
    earlier = timezone.now() - timedelta(minutes=20)
    DeviceCommand.objects.update(created_at=earlier, expires_at=earlier + timedelta(seconds=120))
    with connection.cursor() as cursor:
        cursor.execute(SQL["give_up"])
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.state, running.state) == ("expired", "failed")
    assert waiting.given_up and running.given_up
    results((waiting, totem.pk, "done"), (running, totem.pk, "done"))
    waiting.refresh_from_db()
    running.refresh_from_db()
    assert (waiting.state, running.state, running.given_up) == ("done", "done", False)
