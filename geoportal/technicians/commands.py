"""The commands of one device: what can be ordered, how it goes, and who did what."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from geoportal.commands.api import visible_device
from geoportal.commands.register import Actor
from geoportal.commands.sending import CommandRefused, Wish, send_command
from geoportal.commands.texts import arguments, button, label_of
from geoportal.messaging.orders import ORDERS, orders_of
from geoportal.models import User
from geoportal.monitoring.models import Device, DeviceAct, DeviceCommand, Screenshot
from geoportal.technicians.guard import for_technicians
from geoportal.technicians.readings import Reading, readings

SHOWN = 20
MOST = 10**18
"""More than any measurement: a greater number is shown as the text that came."""
_PAIRS = re.compile(r"\w+=[^,=]*(, \w+=[^,=]*)*")
MARKS = {"done": "✓", "failed": "✕", "rejected": "✕", "expired": "◷", "unsupported": "–"}
"""Colour is never the only sign; what is under way has a dot."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command as the page shows it."""

    command: DeviceCommand
    label: str
    mark: str
    arguments: str
    has_picture: bool
    answers: list[Reading]
    """The answer line by line where it is one of names and values."""


def command_rows(device_id: int) -> list[CommandRow]:
    """The newest commands of a device."""
    commands = list(DeviceCommand.objects.filter(device_id=device_id)[:SHOWN])
    pictures = set(Screenshot.objects.filter(command__in=commands).values_list("command_id", flat=True))
    return [
        CommandRow(
            one,
            label_of(one.op),
            MARKS.get(one.state, "…"),
            ", ".join(f"{name} = {value}" for name, value in one.args.items()),
            one.pk in pictures,
            _answers(one.output),
        )
        for one in commands
    ]


def _answers(output: str) -> list[Reading]:
    """The lines of an answer that is a JSON object or `name=value, name=value`; none of any other."""
    if _PAIRS.fullmatch(output):
        return readings({name: _number(value) for name, value in (pair.split("=", 1) for pair in output.split(", "))})
    try:
        said = json.loads(output, parse_float=_finite, parse_constant=_finite, parse_int=_whole)
        return readings(said) if isinstance(said, dict) else []
    except (ValueError, RecursionError):  # it is shown as the text that it is
        return []


def _number(text: str) -> float | str:
    try:
        return _finite(text) if "." in text else _whole(text)
    except ValueError:
        return text


def _finite(text: str) -> float:
    """Raises ValueError for what no reading can be."""
    number = float(text)
    if abs(number) < MOST:
        return number
    raise ValueError(text)


def _whole(text: str) -> int:
    """Raises ValueError for what no reading can be."""
    number = int(text)
    if abs(number) < MOST:
        return number
    raise ValueError(text)


def commands_context(device_id: int, devid: str, kind: str, known: list[str] | None) -> dict[str, Any]:
    """What the device page needs: buttons of what the device knows, its commands, the register."""
    offered = [order for order in orders_of(kind) if known is None or order.op in known]
    rows = command_rows(device_id)
    return {
        "buttons": [button(order) for order in offered],
        "rows": rows,
        "is_moving": any(row.command.is_open for row in rows),
        "acts": DeviceAct.objects.filter(devid=devid)[:SHOWN],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@for_technicians
def device_commands(request: HttpRequest, devid: str) -> HttpResponse:
    """GET: the table of commands alone, for the page to renew it. POST: order something, after asking when needed."""
    device = visible_device(request, devid)
    if device is None:
        raise Http404(_("Non c'è nessun dispositivo con codice «%(devid)s».") % {"devid": devid})
    if request.method == "POST":
        return _order(request, device)
    rows = command_rows(device.pk)
    context = {"rows": rows, "is_moving": any(row.command.is_open for row in rows)}
    return render(request, "geoportal/technicians/command_table.html", context)


def _order(request: HttpRequest, device: Device) -> HttpResponse:
    op = request.POST.get("op", "")[:60]
    order = ORDERS.get(op)
    args = arguments(order, request.POST) if order else {}
    confirmed = request.POST.get("confirm") == "1"
    try:
        if not isinstance(request.user, User):
            raise CommandRefused("not_allowed", "")
        send_command(device, Wish(op, args, confirmed), Actor.of(request.user))
    except CommandRefused as error:
        if error.code == "not_confirmed" and order is not None:
            context = {"device": device, "op": op, "label": label_of(op), "arguments": args}
            return render(request, "geoportal/technicians/command_confirm.html", context)
        messages.error(request, str(error))
    else:
        messages.success(request, _("Comando «%(label)s» in coda.") % {"label": label_of(op)})
    return redirect(f"/tecnici/{device.devid}/#comandi")
