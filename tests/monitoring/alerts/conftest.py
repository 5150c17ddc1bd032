"""A city of stored statuses that tests let trouble happen to, looked at every few seconds by a passed-in clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from geoportal.monitoring.alerts.evaluation import evaluate
from geoportal.monitoring.alerts.models import Alert, AlertChannel, AlertRule, AlertTransition
from geoportal.monitoring.models import DeviceStatus, ShardWatch
from tests.monitoring.devices import NOW, device


@dataclass
class City:
    """Devices by code; `play` lets time pass."""

    now: datetime = NOW
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, devid: str, **fields: Any) -> None:
        status = fields.pop("status", {"health": "ok", "cause": "", "sample_at": self.now})
        self.ids[devid] = device(devid, status=status, **fields).pk

    def lose(self, devids: Iterable[str], code: str = "connection_lost", **evidence: Any) -> None:
        """An evidence that weighs, as judging writes it."""
        self._set(devids, "critical" if code == "silent" else "problem", code, evidence)

    def note(self, devids: Iterable[str], code: str) -> None:
        shown = [{"code": code, "severity": "note", "value": 1, "threshold": 2, "since": self.now.isoformat()}]
        self._update(devids, health="ok", cause="", evidence=shown)

    def heal(self, devids: Iterable[str]) -> None:
        self._update(devids, health="ok", cause="", evidence=[])

    def blind(self, since: datetime | None) -> None:
        """Nobody listens to any shard; devices are unknown, as judging writes them."""
        for shard in {f"{number:02x}" for number in range(16)}:
            ShardWatch.objects.update_or_create(shard=shard, defaults={"blind_since": since, "checked_at": self.now})
        if since is not None:
            self._update(self.ids, health="unknown", cause="we_are_blind", evidence=[])

    def sample(self, devid: str, at: datetime, **metrics: Any) -> None:
        self._update([devid], sample_at=at, metrics=metrics)

    def play(self, seconds: float, every: float = 5) -> None:
        """Let time pass and look every few seconds."""
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=every)
            evaluate(self.now)

    def _set(self, devids: Iterable[str], health: str, code: str, evidence: dict[str, Any]) -> None:
        shown = {"code": code, "severity": health, "value": None, "threshold": None, "since": self.now.isoformat()}
        self._update(devids, health=health, cause=code, evidence=[{**shown, **evidence}])

    def _update(self, devids: Iterable[str], **values: Any) -> None:
        DeviceStatus.objects.filter(device__in=[self.ids[devid] for devid in devids]).update(**values)


@pytest.fixture
def city(db: None) -> City:
    return City()


@pytest.fixture
def rules(db: None) -> dict[str, AlertRule]:
    """The rules of the migration: a test that empties tables may have run before."""
    AlertRule.objects.all().delete()
    first = import_module("geoportal.monitoring.migrations.0008_first_alert_rules")
    for fields in first.RULES:
        AlertRule.objects.create(**fields)
    return {rule.slug: rule for rule in AlertRule.objects.all()}


@pytest.fixture
def channel(db: None) -> AlertChannel:
    return AlertChannel.objects.create(name="sala", kind="email", address="sala@example.org")


def fired() -> list[tuple[str, str, str]]:
    """(rule, scope, key) of every alert that ever called for someone, suppressed ones left out, in order."""
    steps = AlertTransition.objects.filter(after="firing", before="pending", alert__suppressed_by=None).order_by("id")
    return [(one.alert.rule.slug, one.alert.scope, one.alert.key) for one in steps.select_related("alert__rule")]


def steps_of(alert: Alert) -> list[str]:
    return [one.why for one in alert.transitions.order_by("id")]
