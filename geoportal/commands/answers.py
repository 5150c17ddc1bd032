"""Commands as JSON, for scripts."""

from __future__ import annotations

from typing import Any

from geoportal.messaging.orders import Order
from geoportal.monitoring.models import DeviceCommand, Screenshot


def order_json(order: Order) -> dict[str, Any]:
    """One command of the catalogue. `arguments` is a JSON Schema (2020-12)."""
    return {
        "op": order.op,
        "arguments": order.asked(),
        "valid_s": order.valid_s,
        "needs_confirmation": order.is_dangerous,
    }


def command_json(command: DeviceCommand) -> dict[str, Any]:
    """One command and how it goes. Times are UTC; one that has not come is null."""
    times = ("created_at", "expires_at", "sent_at", "answered_at", "finished_at")
    moments = {name: getattr(command, name) for name in times}
    return {
        "id": str(command.pk),
        "device": command.device.devid,
        "op": command.op,
        "args": command.args,
        "state": command.state,
        "is_final": not command.is_open,
        "given_up": command.given_up,
        "code": command.code,
        "output": command.output,
        "asked_by": command.asked_name,
        **{name: moment.isoformat() if moment else None for name, moment in moments.items()},
        "picture": f"/api/schermate/{command.pk}" if has_picture(command) else None,
    }


def has_picture(command: DeviceCommand) -> bool:
    """Whether a picture of this command is kept."""
    return command.op == "screenshot" and Screenshot.objects.filter(command=command).exists()
