"""From a device in the inventory to one that may talk: its account at the broker and its agent's configuration.

A password is shown once, in the configuration, and kept nowhere else: the broker stores its hash. Enrolling again
makes a new one and ends the old one's connection.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from geoportal.messaging import dynsec, topics
from geoportal.monitoring.models import Device, DeviceStatus

_SPOOL_MB = 16
_RETAINED = ("state", "info")


class NotEnrollable(Exception):
    """The device's stage of life forbids an account; the text says which and what to do."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """Everything an agent needs to run, in one file. Holds the password: written with mode 600 only."""

    devid: str
    kind: str
    shard: str
    interval_s: int
    host: str
    port: int
    password: str
    spool: str = ""
    """Path of the agent's spool; empty: beside the configuration file."""

    def toml(self) -> str:
        """The configuration file's text. JSON strings are TOML strings."""
        parts: dict[str, dict[str, Any]] = {
            "device": {"devid": self.devid, "kind": self.kind, "shard": self.shard, "interval_s": self.interval_s},
            "broker": {
                "host": self.host,
                "port": self.port,
                "username": self.devid,
                "password": self.password,
                "tls": False,
                "ca": "",
            },
            "spool": {"path": self.spool or f"{self.devid}.spool.sqlite", "max_mb": _SPOOL_MB},
        }
        return "\n".join(
            f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
            for name, values in parts.items()
        )


def add_device[D: Device](device: D) -> D:
    """Save a new device of the inventory together with its shard and its status row."""
    device.shard = topics.shard_of(device.devid)
    with transaction.atomic():
        device.save(force_insert=True)
        DeviceStatus.objects.get_or_create(device=device)
    return device


def enrol(device: Device, broker: dynsec.Endpoint | None = None) -> AgentConfig:
    """Create or rotate the credentials of one device.

    Raises NotEnrollable for a removed device, dynsec.BrokerUnavailable and dynsec.DynsecError.
    """
    return enrol_many([device], broker)[0]


def enrol_many(devices: Iterable[Device], broker: dynsec.Endpoint | None = None) -> list[AgentConfig]:
    """The same for many devices over one connection, in few messages. Nothing is done if one of them may not."""
    chosen = list(devices)
    for device in chosen:
        if device.lifecycle == Device.Lifecycle.REMOVED:
            raise NotEnrollable(f"{device.devid} is removed: set its stage of life before enrolling it again")
    configs = [
        AgentConfig(
            devid=device.devid,
            kind=device.kind,
            shard=device.shard or topics.shard_of(device.devid),
            interval_s=device.interval_s,
            host=broker.host if broker else settings.MQTT_HOST,
            port=broker.port if broker else settings.MQTT_PORT,
            password=secrets.token_urlsafe(24),
        )
        for device in chosen
    ]
    commands = [
        command for config in configs for command in dynsec.device_commands(config.devid, config.shard, config.password)
    ]
    with dynsec.connected(broker) as control:
        control.run(commands, accept=dynsec.NOT_FOUND)
    Device.objects.filter(pk__in=[device.pk for device in chosen]).update(enrolled_at=timezone.now())
    return configs


def suspend(devices: Sequence[Device], broker: dynsec.Endpoint | None = None) -> None:
    """Shut devices out until they are enrolled again; their connections end at once."""
    with dynsec.connected(broker) as control:
        _disable(control, devices)
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(lifecycle=Device.Lifecycle.SUSPENDED)


def decommission(devices: Sequence[Device], broker: dynsec.Endpoint | None = None) -> None:
    """Take devices out of service for good: no account, no retained state at the broker. Their history stays."""
    with dynsec.connected(broker) as control:
        _disable(control, devices)
        control.clear_retained(
            [topics.up(device.devid, channel, device.shard or None) for device in devices for channel in _RETAINED]
        )
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(lifecycle=Device.Lifecycle.REMOVED)


def _disable(control: dynsec.Dynsec, devices: Sequence[Device]) -> None:
    commands = [{"command": "disableClient", "username": device.devid} for device in devices]
    control.run(commands, accept=dynsec.NOT_FOUND)
