"""Recorded devices into the inventory, and what they said to the broker, each with its own credentials."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
from django.contrib.gis.geos import Point
from django.db import transaction
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from geoportal.messaging import topics
from geoportal.messaging.messages import MAX_BATCH
from geoportal.monitoring.enrolment import AgentConfig, add_device, enrol_many
from geoportal.monitoring.models import Device
from geoportal.recordings.model import RecordedDevice, Sample
from kiosks.models import Totem
from wifi.models import AccessPoint

PLACE = Point(580_530.0, 4_998_290.0, srid=32632)
"""Recordings come from other cities: their devices stand around one place, a few metres apart."""
_APART_M = 12.0
_HISTORY = timedelta(minutes=5)
_WAIT_S = 20.0
_MODELS = {"ap": AccessPoint, "totem": Totem}


class NotTaken(Exception):
    """The broker did not take a message; the text names device and reason."""


@dataclass(slots=True)
class Told:
    """What was sent."""

    devices: int = 0
    samples: int = 0
    messages: int = 0


def replay(recorded: Iterable[RecordedDevice], now: datetime) -> Told:
    """Publish a recording as if its newest sample were taken now; the distances between samples stay.

    Raises NotTaken, dynsec.BrokerUnavailable, dynsec.DynsecError.
    """
    devices = list(recorded)
    shift = now - max((sample.ts for device in devices for sample in device.samples), default=now)
    told = Told()
    for device, config in zip(devices, _enrolled(devices), strict=True):
        sent = list(_messages(device, config, shift, now))
        if sent:
            _publish(config, sent)
        told.devices += 1
        told.samples += len(device.samples)
        told.messages += len(sent)
    return told


def _enrolled(devices: Sequence[RecordedDevice]) -> list[AgentConfig]:
    """Credentials for each device, which is put into the inventory where it is missing. They are kept nowhere."""
    wanted = [device.devid for device in devices]
    with transaction.atomic():
        known = set(Device.objects.filter(devid__in=wanted).values_list("devid", flat=True))
        for number, device in enumerate(devices):
            if device.devid not in known:
                add_device(_row(device, number))
    by_code = {device.devid: device for device in Device.objects.filter(devid__in=wanted)}
    return enrol_many([by_code[devid] for devid in wanted])


def _row(device: RecordedDevice, number: int) -> AccessPoint | Totem:
    far, turn = _APART_M * math.sqrt(number), number * 2.399963  # the golden angle: nobody stands on another
    place = Point(PLACE.x + far * math.cos(turn), PLACE.y + far * math.sin(turn), srid=32632)
    model: type[AccessPoint] | type[Totem] = _MODELS[device.kind]  # type: ignore[assignment]
    return model(
        devid=device.devid, kind=device.kind, name_it=device.name[:120], geom=place, is_sample=True, interval_s=300
    )


def _messages(
    device: RecordedDevice, config: AgentConfig, shift: timedelta, now: datetime
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Channel's topic, document, retained."""

    def topic(channel: str) -> str:
        return topics.up(device.devid, channel, config.shard)

    if not device.samples:
        return  # a device that the recording calls offline says nothing
    yield topic("info"), {**device.info, "recording": True}, True
    state = {"s": "online", "boot": device.samples[-1].boot, "conn": 1, "ts": now.isoformat(), "clk": "ntp"}
    yield topic("state"), state, True
    for start in range(0, len(device.samples), MAX_BATCH):
        part = device.samples[start : start + MAX_BATCH]
        yield topic("tele"), {"batch": [_said(sample, shift, now) for sample in part]}, False


def _said(sample: Sample, shift: timedelta, now: datetime) -> dict[str, Any]:
    ts = sample.ts + shift
    said = {"v": 1, "boot": sample.boot, "seq": sample.seq, "ts": ts.isoformat(), "clk": "ntp", "m": dict(sample.m)}
    return said | ({"hist": True} if now - ts > _HISTORY else {})


def _publish(config: AgentConfig, sent: Sequence[tuple[str, Mapping[str, Any], bool]]) -> None:
    """One connection, QoS 1, and the broker's word for every message."""
    refused: list[str] = []

    def on_publish(_client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=config.devid, protocol=MQTTProtocolVersion.MQTTv5)
    client.username_pw_set(config.devid, config.password)
    client.on_publish = on_publish
    client.connect(config.host, config.port)
    client.loop_start()
    try:
        made = [
            client.publish(topic, json.dumps(document).encode(), qos=1, retain=kept) for topic, document, kept in sent
        ]
        for one in made:
            one.wait_for_publish(_WAIT_S)
            if not one.is_published():
                raise NotTaken(f"{config.devid}: the broker did not confirm a message within {_WAIT_S:.0f} s")
    finally:
        client.disconnect()
        client.loop_stop()
    if refused:
        raise NotTaken(f"{config.devid}: {refused[0]}")
