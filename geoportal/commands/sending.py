"""Who may order what: checks, the row, its line in the register, and the word to the dispatcher, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from geoportal.commands.register import Actor, write_down
from geoportal.context import is_technician
from geoportal.device_layers import visible_kinds
from geoportal.messaging.orders import LONGEST_S, ORDERS, Order, fault, orders_of
from geoportal.monitoring.commands.dispatch import announce
from geoportal.monitoring.models import Device, DeviceAct, DeviceCommand
from layers.rights import audience_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from geoportal.models import User

MOST_OPEN = 20
"""Commands that may wait for one device at once: an impatient script cannot bury it."""
SHORTEST_S = 10


class CommandRefused(Exception):
    """Not sent. `code` is for programs; the text says what was asked, what was found, what to do."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants a device to do."""

    op: str
    args: Mapping[str, Any]
    confirmed: bool = False
    valid_s: int | None = None


def may_command(user: User | AnonymousUser, kind: str) -> bool:
    """Technicians and administrators, for the kinds of device that they may see."""
    return is_technician(user) and kind in visible_kinds(audience_of(user))


def send_command(device: Device, wish: Wish, actor: Actor) -> DeviceCommand:
    """Store one command for a device; it goes out at once when the broker is there. Raises CommandRefused."""
    if actor.user is not None and not may_command(actor.user, device.kind):
        raise CommandRefused("not_allowed", _("Solo i tecnici e gli amministratori possono comandare i dispositivi."))
    order = _order(device, wish)
    _check_stage(device)
    now = timezone.now()
    with transaction.atomic():
        # One look at a time for each device, or two askers would both find the last free place.
        Device.objects.select_for_update(no_key=True).get(pk=device.pk)
        _check_room(device)
        command = DeviceCommand.objects.create(
            device=device,
            op=order.op,
            args=dict(wish.args),
            asked_by=actor.user,
            asked_name=actor.name,
            created_at=now,
            expires_at=now + timedelta(seconds=_validity(order, wish)),
        )
        write_down(device.devid, DeviceAct.Act.COMMAND, actor, f"{order.op} {command.id}")
        announce()
    return command


def _order(device: Device, wish: Wish) -> Order:
    order = ORDERS.get(wish.op)
    if order is None or device.kind not in order.kinds:
        known = ", ".join(one.op for one in orders_of(device.kind))
        raise CommandRefused(
            "unknown_command",
            _("Il comando «%(op)s» non esiste per questo genere di dispositivo. Ci sono: %(known)s.")
            % {"op": wish.op[:60], "known": known},
        )
    wrong = fault(order.asked(), dict(wish.args))
    if wrong:
        raise CommandRefused("invalid_arguments", _("Argomenti non validi: %(why)s.") % {"why": wrong})
    if order.is_dangerous and not wish.confirmed:
        raise CommandRefused("not_confirmed", _("Il comando «%(op)s» va confermato.") % {"op": order.op})
    said = _own_list(device)
    if said is not None and order.op not in said:
        raise CommandRefused(
            "unsupported",
            _("Il dispositivo dice di non conoscere «%(op)s». Conosce: %(known)s.")
            % {"op": order.op, "known": ", ".join(sorted(said)) or _("nessun comando")},
        )
    return order


def _own_list(device: Device) -> frozenset[str] | None:
    """The commands that a device says it knows; None while it has not described itself."""
    status = getattr(device, "status", None)
    said = status.info.get("commands") if status is not None else None
    return frozenset(map(str, said)) if isinstance(said, list) else None


def _check_stage(device: Device) -> None:
    if device.lifecycle in (Device.Lifecycle.SUSPENDED, Device.Lifecycle.REMOVED):
        raise CommandRefused(
            "not_in_service",
            _("Il dispositivo è %(stage)s e non riceve comandi.") % {"stage": device.get_lifecycle_display().lower()},
        )
    if device.enrolled_at is None:
        raise CommandRefused(
            "not_enrolled", _("Il dispositivo non ha ancora credenziali: emetti prima un gettone di abilitazione.")
        )


def _check_room(device: Device) -> None:
    waiting = DeviceCommand.objects.filter(device=device).exclude(state__in=DeviceCommand.FINAL).count()
    if waiting >= MOST_OPEN:
        raise CommandRefused(
            "too_many",
            _("Per il dispositivo ci sono già %(count)d comandi aperti: aspetta che finiscano.") % {"count": waiting},
        )


def _validity(order: Order, wish: Wish) -> int:
    valid_s = order.valid_s if wish.valid_s is None else wish.valid_s
    if not SHORTEST_S <= valid_s <= LONGEST_S:
        raise CommandRefused(
            "invalid_validity",
            _("La validità deve stare tra %(low)d e %(high)d secondi, non %(found)d.")
            % {"low": SHORTEST_S, "high": LONGEST_S, "found": valid_s},
        )
    return valid_s
