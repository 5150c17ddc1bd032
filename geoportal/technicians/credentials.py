"""A device's way in, from the browser: create it, give it a one-time token, rotate, suspend, resume, take it away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from geoportal.commands import credentials
from geoportal.commands.api import visible_device
from geoportal.commands.credentials import BROKER_ERRORS, EnrolmentRefused
from geoportal.commands.register import Actor, write_down
from geoportal.devices.layers import refresh_extents
from geoportal.models import User
from geoportal.monitoring.enrolment import add_device
from geoportal.monitoring.models import Device, DeviceAct, EnrolmentToken
from geoportal.monitoring.watching import resync
from geoportal.technicians.device_form import DeviceForm
from geoportal.technicians.guard import for_technicians

_AGENTS = {"totem": "kiosks.agent", "ap": "wifi.agent"}
_GIVE: dict[str, Callable[[Device, Actor], tuple[EnrolmentToken, str]]] = {
    "token": credentials.issue_token,
    "rotate": credentials.rotate,
}
_MOVE: dict[str, Callable[[Device, Actor], None]] = {
    "suspend": credentials.suspend,
    "resume": credentials.resume,
    "decommission": credentials.decommission,
}
LABELS = {
    "token": gettext_lazy("Emetti un gettone di abilitazione"),
    "rotate": gettext_lazy("Revoca le credenziali"),
    "suspend": gettext_lazy("Sospendi il dispositivo"),
    "resume": gettext_lazy("Riprendi il dispositivo"),
    "decommission": gettext_lazy("Dismetti il dispositivo"),
}
WARNINGS = {
    "rotate": gettext_lazy("Il dispositivo viene scollegato subito e torna solo con il gettone che ricevi adesso."),
    "suspend": gettext_lazy("Il dispositivo viene scollegato subito; riprendendolo torna con le credenziali che ha."),
    "decommission": gettext_lazy("Il dispositivo viene scollegato ed esce dal servizio per sempre; la storia resta."),
}
"""Acts that are asked twice, with what they do."""


@require_http_methods(["GET", "HEAD", "POST"])
@for_technicians
def new_device(request: HttpRequest) -> HttpResponse:
    """A form for a new device; afterwards its token, shown this once."""
    form = DeviceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actor = Actor.of(_user(request))
        with transaction.atomic():
            device = add_device(form.device())
            write_down(device.devid, DeviceAct.Act.CREATED, actor)
            token, secret = credentials.issue_token(device, actor)
            resync()
        refresh_extents()
        return _show_token(request, device, token, secret)
    return render(request, "geoportal/technicians/new_device.html", {"form": form})


@require_POST
@for_technicians
def act_on_device(request: HttpRequest, devid: str) -> HttpResponse:
    """`atto`: one of LABELS. What cuts a device off is asked twice."""
    device = visible_device(request, devid)
    act = request.POST.get("atto", "")
    if device is None or act not in LABELS:
        raise Http404(_("Non c'è nessun dispositivo con codice «%(devid)s».") % {"devid": devid})
    if act in WARNINGS and request.POST.get("confirm") != "1":
        context = {"device": device, "act": act, "label": LABELS[act], "warning": WARNINGS[act]}
        return render(request, "geoportal/technicians/access_confirm.html", context)
    actor = Actor.of(_user(request))
    try:
        if act in _GIVE:
            token, secret = _GIVE[act](device, actor)
            return _show_token(request, device, token, secret)
        _MOVE[act](device, actor)
    except EnrolmentRefused as error:
        messages.error(request, str(error))
    except BROKER_ERRORS:
        messages.error(request, _("Il broker non risponde: non è cambiato nulla. Riprova tra poco."))
    else:
        messages.success(request, f"{LABELS[act]}: {_('fatto')}.")
    return redirect("technicians-device", devid)


def access_context(row: dict[str, Any]) -> dict[str, Any]:
    """What the device page says of a device's way in. `row` as the page reads it."""
    stage = row["lifecycle"]
    suspended, removed = stage == Device.Lifecycle.SUSPENDED, stage == Device.Lifecycle.REMOVED
    offered = ["resume"] if suspended else [] if removed else ["token", "rotate", "suspend"]
    if row["enrolled_at"] is None and "rotate" in offered:
        offered.remove("rotate")
    if not removed:
        offered.append("decommission")
    return {
        "access": [(act, LABELS[act], act in WARNINGS) for act in offered],
        "token": credentials.open_token(row["id"]),
    }


def _show_token(request: HttpRequest, device: Device, token: EnrolmentToken, secret: str) -> HttpResponse:
    context = {
        "device": device,
        "token": token,
        "secret": secret,
        "agent": _AGENTS[device.kind],
        "url": settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "geoportal/technicians/token.html", context)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
