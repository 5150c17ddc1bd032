"""`/api/dispositivi/{devid}/comandi` and `/api/comandi/{id}`: commands for scripts with an access token."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from geoportal.accounts.middleware import REALM
from geoportal.commands.answers import command_json, order_json
from geoportal.commands.register import Actor
from geoportal.commands.sending import CommandRefused, Wish, send_command
from geoportal.context import is_technician
from geoportal.device_layers import visible_kinds
from geoportal.messaging.orders import orders_of
from geoportal.models import User
from geoportal.monitoring.models import Device, DeviceCommand
from layers.rights import audience_of

View = Callable[..., HttpResponse]
LISTED = 50
MOST_BYTES = 16_384
STATUS = {
    "not_allowed": 403,
    "not_confirmed": 409,
    "unsupported": 409,
    "not_in_service": 409,
    "not_enrolled": 409,
    "too_many": 429,
}
"""What is not here is the asker's mistake: 400."""


def refuse(status: int, code: str, text: str, **headers: str) -> JsonResponse:
    """An error of this interface."""
    return JsonResponse(
        {"error": code, "detail": text}, status=status, headers={"Cache-Control": "no-store", **headers}
    )


def technicians_api(view: View) -> View:
    """401 for strangers, 403 for who is no technician; nothing is cached on the way."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            challenge = {"WWW-Authenticate": f'Bearer realm="{REALM}"'}
            text = _("Serve un gettone di accesso: si crea in /profilo/gettoni/.")
            return refuse(401, "not_signed_in", text, **challenge)
        if not is_technician(request.user):
            return refuse(403, "not_allowed", _("Solo i tecnici e gli amministratori possono comandare i dispositivi."))
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@technicians_api
def device_commands(request: HttpRequest, devid: str) -> HttpResponse:
    """GET: what can be ordered, and the last commands. POST `{op, args, confirm, valid_s}`: a new one, 201."""
    found = visible_device(request, devid)
    if found is None:
        text = _("Non c'è nessun dispositivo con codice «%(devid)s».") % {"devid": devid}
        return refuse(404, "unknown_device", text)
    if request.method == "POST":
        return _post(request, found)
    commands = DeviceCommand.objects.filter(device=found).select_related("device")[:LISTED]
    return JsonResponse(
        {
            "catalogue": [order_json(order) for order in orders_of(found.kind)],
            "commands": [command_json(command) for command in commands],
        }
    )


@require_safe
@technicians_api
def one_command(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """How one command goes."""
    command = visible_command(request, id)
    if command is None:
        return refuse(404, "unknown_command", _("Non c'è nessun comando con questo numero."))
    return JsonResponse(command_json(command))


def visible_device(request: HttpRequest, devid: str) -> Device | None:
    """A device that the asker may see, with its status."""
    kinds = visible_kinds(audience_of(request.user))
    return Device.objects.filter(devid=devid, kind__in=kinds).select_related("status").first()


def visible_command(request: HttpRequest, number: uuid.UUID) -> DeviceCommand | None:
    """A command to a device that the asker may see."""
    kinds = visible_kinds(audience_of(request.user))
    return DeviceCommand.objects.filter(pk=number, device__kind__in=kinds).select_related("device").first()


def _post(request: HttpRequest, device: Device) -> HttpResponse:
    try:
        wish = _wish(request.body[: MOST_BYTES + 1])
        if not isinstance(request.user, User):
            raise CommandRefused("not_allowed", _("Serve un gettone di accesso: si crea in /profilo/gettoni/."))
        command = send_command(device, wish, Actor.of(request.user))
    except CommandRefused as error:
        return refuse(STATUS.get(error.code, 400), error.code, str(error))
    return JsonResponse(command_json(command), status=201, headers={"Location": f"/api/comandi/{command.pk}"})


def _wish(body: bytes) -> Wish:
    """Read the body of a POST. Raises CommandRefused."""
    shape = '{"op": "reload", "args": {}, "confirm": false, "valid_s": 120}'
    if len(body) > MOST_BYTES:
        raise CommandRefused("too_large", _("Il corpo supera %(most)d byte.") % {"most": MOST_BYTES})
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        text = _("Il corpo deve essere JSON come %(shape)s: %(why)s.") % {"shape": shape, "why": error}
        raise CommandRefused("not_json", text) from error
    if not isinstance(document, dict) or document.keys() - {"op", "args", "confirm", "valid_s"}:
        raise CommandRefused("invalid", _("Il corpo deve essere JSON come %(shape)s.") % {"shape": shape})
    op, args, confirm, valid_s = (document.get(name) for name in ("op", "args", "confirm", "valid_s"))
    args = {} if args is None else args
    good = isinstance(op, str) and isinstance(args, dict) and isinstance(confirm, bool | None)
    if not good or (valid_s is not None and type(valid_s) is not int):
        raise CommandRefused("invalid", _("Il corpo deve essere JSON come %(shape)s.") % {"shape": shape})
    return Wish(str(op), args, bool(confirm), valid_s)
