"""The register of acts on devices: who did what, never rewritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from geoportal.monitoring.models import DeviceAct

if TYPE_CHECKING:
    from geoportal.models import User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an account, or a program of the operator (`user` is None)."""

    user: User | None
    name: str

    @classmethod
    def of(cls, user: User) -> Actor:
        """An account, by session or by token."""
        return cls(user, user.get_username())


OPERATOR = Actor(None, "manage.py")
"""Whoever has the shell of the server."""


def write_down(devid: str, act: DeviceAct.Act, actor: Actor, detail: str = "") -> None:
    """Add one row; call it inside the transaction of what it tells."""
    DeviceAct.objects.create(
        devid=devid,
        act=act,
        detail=detail[:300],
        by=actor.user.pk if actor.user else None,
        by_name=actor.name,
        at=timezone.now(),
    )
