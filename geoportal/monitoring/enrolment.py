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
    ca: str = ""
    """The certificate, as PEM, by which the agent knows the broker; empty: without TLS."""
    centre_url: str = ""
    """The portal's own address; empty: unknown, and screenshots have nowhere to go."""

    def toml(self) -> str:
        """The configuration file's text. JSON strings are TOML strings."""
        parts: dict[str, dict[str, Any]] = {
            "device": {"devid": self.devid, "kind": self.kind, "shard": self.shard, "interval_s": self.interval_s},
            "broker": {
                "host": self.host,
                "port": self.port,
                "username": self.devid,
                "password": self.password,
                "tls": bool(self.ca),
                "ca": self.ca,
            },
            "centre": {"url": self.centre_url},
            "spool": {"path": self.spool or f"{self.devid}.spool.sqlite", "max_mb": _SPOOL_MB},
        }
        return "\n".join(
            f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
            for name, values in parts.items()
        )


@dataclass(frozen=True, slots=True)
class Door:
    """Where devices in the field find the broker and the portal: what their configuration says."""

    host: str
    port: int
    ca: str = ""
    centre_url: str = ""

    @classmethod
    def configured(cls, centre_url: str = "") -> Door:
        """That of the settings."""
        ca, url = settings.MQTT_CA, centre_url or settings.PUBLIC_URL
        return cls(settings.MQTT_DEVICE_HOST, settings.MQTT_DEVICE_PORT, ca, url)


def add_device[D: Device](device: D) -> D:
    """Save a new device of the inventory together with its shard and its status row."""
    device.shard = topics.shard_of(device.devid)
    with transaction.atomic():
        device.save(force_insert=True)
        DeviceStatus.objects.get_or_create(device=device)
    return device


def enrol(device: Device, broker: dynsec.Endpoint | None = None, door: Door | None = None) -> AgentConfig:
    """Create or rotate the credentials of one device. `door`: for one in the field; else it is on this machine.

    Raises NotEnrollable for a removed device, dynsec.BrokerUnavailable and dynsec.DynsecError.
    """
    return enrol_many([device], broker, door)[0]


def enrol_many(
    devices: Iterable[Device], broker: dynsec.Endpoint | None = None, door: Door | None = None
) -> list[AgentConfig]:
    """The same for many devices over one connection, in few messages. Nothing is done if one of them may not."""
    chosen = list(devices)
    for device in chosen:
        if device.lifecycle == Device.Lifecycle.REMOVED:
            raise NotEnrollable(f"{device.devid} is removed: set its stage of life before enrolling it again")
    at = door or Door(broker.host if broker else settings.MQTT_HOST, broker.port if broker else settings.MQTT_PORT)
    configs = [
        AgentConfig(
            devid=device.devid,
            kind=device.kind,
            shard=device.shard or topics.shard_of(device.devid),
            interval_s=device.interval_s,
            host=at.host,
            port=at.port,
            password=secrets.token_urlsafe(24),
            ca=at.ca,
            centre_url=at.centre_url,
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
    """Shut devices out until they are resumed or enrolled again; their connections end at once."""
    with dynsec.connected(broker) as control:
        _run_for(control, devices, "disableClient")
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(lifecycle=Device.Lifecycle.SUSPENDED)


def resume(devices: Sequence[Device], broker: dynsec.Endpoint | None = None) -> None:
    """Let suspended devices in again with the credentials that they have."""
    with dynsec.connected(broker) as control:
        _run_for(control, devices, "enableClient")
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(lifecycle=Device.Lifecycle.ACTIVE)


def revoke(devices: Sequence[Device], broker: dynsec.Endpoint | None = None) -> None:
    """End the credentials of devices, and their connections, at once; each needs new ones to come back."""
    with dynsec.connected(broker) as control:
        _run_for(control, devices, "deleteClient")
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(enrolled_at=None)


def decommission(devices: Sequence[Device], broker: dynsec.Endpoint | None = None) -> None:
    """Take devices out of service for good: no account, no retained state at the broker. Their history stays."""
    with dynsec.connected(broker) as control:
        _run_for(control, devices, "deleteClient")
        control.clear_retained(
            [topics.up(device.devid, channel, device.shard or None) for device in devices for channel in _RETAINED]
        )
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(lifecycle=Device.Lifecycle.REMOVED)


def _run_for(control: dynsec.Dynsec, devices: Sequence[Device], command: str) -> None:
    """One command of the plugin for the account of each device; one that has no account is passed over."""
    control.run([{"command": command, "username": device.devid} for device in devices], accept=dynsec.NOT_FOUND)
