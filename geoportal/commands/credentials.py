"""A device's way in and out: one-time tokens, their exchange for credentials, rotation, suspension, removal.

What the broker is told and what the database says change together: a broker that does not answer changes neither.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geoportal.commands.register import Actor, write_down
from geoportal.messaging import dynsec
from geoportal.monitoring import enrolment
from geoportal.monitoring.enrolment import AgentConfig, Door
from geoportal.monitoring.models import Device, DeviceAct, EnrolmentToken
from geoportal.monitoring.watching import announce, resync

PREFIX = "gpe_"
LIFETIME = timedelta(hours=24)
_LONGEST = 200
Stage = Device.Lifecycle


class EnrolmentRefused(Exception):
    """No credentials. `code` is for programs, `status` for HTTP; the text says why and what to do."""

    def __init__(self, code: str, status: int, text: str) -> None:
        self.code = code
        self.status = status
        super().__init__(text)


def issue_token(device: Device, actor: Actor) -> tuple[EnrolmentToken, str]:
    """A new token and its secret, which is kept nowhere. An earlier one that is still open ends.

    The device's present credentials hold until the new token is used. Raises EnrolmentRefused.
    """
    if device.lifecycle in (Stage.SUSPENDED, Stage.REMOVED):
        text = _("Il dispositivo è %(stage)s: prima va ripreso.") % {"stage": device.get_lifecycle_display().lower()}
        raise EnrolmentRefused("not_in_service", 409, text)
    secret = PREFIX + secrets.token_urlsafe(20)
    now = timezone.now()
    with transaction.atomic():
        Device.objects.select_for_update(no_key=True).get(pk=device.pk)
        _close_open(device, actor)
        token = EnrolmentToken.objects.create(
            device=device,
            digest=_digest(secret),
            hint=secret[:8],
            issued_by=actor.name,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        write_down(device.devid, DeviceAct.Act.TOKEN, actor, f"{token.hint}…")
    return token, secret


def open_token(device_id: int) -> EnrolmentToken | None:
    """The token of a device that can still be used."""
    found = EnrolmentToken.objects.filter(device_id=device_id, used_at=None, revoked_at=None)
    return found.filter(expires_at__gt=timezone.now()).first()


def exchange(secret: str, kind: str, address: str, door: Door) -> AgentConfig:
    """Use a token: the device's new credentials and all its agent needs. Raises EnrolmentRefused, and dynsec's errors.

    Two that come at once with the same token wait for each other at its row: the second finds it used.
    """
    with transaction.atomic():
        digest = _digest(secret[:_LONGEST])
        token = EnrolmentToken.objects.select_for_update().select_related("device").filter(digest=digest).first()
        if token is None:
            raise EnrolmentRefused("wrong_token", 403, _("Il gettone non è giusto."))
        _check(token, kind)
        device = token.device
        config = enrolment.enrol(device, door=door)
        token.used_at, token.used_from = timezone.now(), address[:64]
        token.save(update_fields=["used_at", "used_from"])
        if device.lifecycle in (Stage.PLANNED, Stage.INSTALLED):
            Device.objects.filter(pk=device.pk).update(lifecycle=Stage.ACTIVE)
        write_down(device.devid, DeviceAct.Act.ENROLLED, Actor(None, device.devid), f"{token.hint}… {address}")
    announce([device.pk], timezone.now())
    return config


def _check(token: EnrolmentToken, kind: str) -> None:
    device = token.device
    if token.used_at is not None:
        text = _(
            "Il gettone è già stato usato, il %(moment)s da %(address)s. Se non è stato il tecnico, revoca subito."
        )
        told = {"moment": timezone.localtime(token.used_at).strftime("%d/%m/%Y %H:%M"), "address": token.used_from}
        raise EnrolmentRefused("used_token", 409, text % told)
    if token.revoked_at is not None or token.expires_at <= timezone.now():
        raise EnrolmentRefused("expired_token", 410, _("Il gettone non vale più: chiedine un altro."))
    if device.lifecycle in (Stage.SUSPENDED, Stage.REMOVED):
        text = _("Il dispositivo è %(stage)s: prima va ripreso.") % {"stage": device.get_lifecycle_display().lower()}
        raise EnrolmentRefused("not_in_service", 409, text)
    if kind and kind != device.kind:
        text = _("Il gettone è per un dispositivo di genere «%(wanted)s», l'agente è per «%(found)s».")
        raise EnrolmentRefused("wrong_kind", 409, text % {"wanted": device.kind, "found": kind[:20]})


def rotate(device: Device, actor: Actor) -> tuple[EnrolmentToken, str]:
    """End a device's credentials and its connection now; it comes back with the token that is returned."""
    with transaction.atomic():
        token, secret = issue_token(device, actor)
        write_down(device.devid, DeviceAct.Act.ROTATED, actor)
        enrolment.revoke([device])
    return token, secret


def suspend(device: Device, actor: Actor) -> None:
    """Shut a device out; its connection ends now."""
    _move(device, actor, Stage.SUSPENDED, DeviceAct.Act.SUSPENDED, enrolment.suspend)


def resume(device: Device, actor: Actor) -> None:
    """Let a suspended device in again."""
    _move(device, actor, Stage.ACTIVE, DeviceAct.Act.RESUMED, enrolment.resume)


def decommission(device: Device, actor: Actor) -> None:
    """Take a device out of service for good; its history stays."""
    _move(device, actor, Stage.REMOVED, DeviceAct.Act.DECOMMISSIONED, enrolment.decommission)
    resync()


_FROM = {
    Stage.SUSPENDED: frozenset({Stage.PLANNED, Stage.INSTALLED, Stage.ACTIVE}),
    Stage.ACTIVE: frozenset({Stage.SUSPENDED}),
    Stage.REMOVED: frozenset({Stage.PLANNED, Stage.INSTALLED, Stage.ACTIVE, Stage.SUSPENDED}),
}


def _move(
    device: Device, actor: Actor, to: Device.Lifecycle, act: DeviceAct.Act, do: Callable[[Sequence[Device]], None]
) -> None:
    with transaction.atomic():
        held = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
        if held.lifecycle not in _FROM[to]:
            text = _("Il dispositivo è %(stage)s: non si può fare.") % {"stage": held.get_lifecycle_display().lower()}
            raise EnrolmentRefused("wrong_stage", 409, text)
        if to != Stage.ACTIVE:
            _close_open(held, actor)
        write_down(held.devid, act, actor)
        do([held])
    announce([device.pk], timezone.now())


def _close_open(device: Device, actor: Actor) -> None:
    """End the token that is still open, if any."""
    held = EnrolmentToken.objects.filter(device=device, used_at=None, revoked_at=None).first()
    if held is not None:
        EnrolmentToken.objects.filter(pk=held.pk).update(revoked_at=timezone.now())
        write_down(device.devid, DeviceAct.Act.TOKEN_REVOKED, actor, f"{held.hint}…")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


BROKER_ERRORS = (dynsec.BrokerUnavailable, dynsec.DynsecError)
"""What may come of a broker that is away or refuses."""
