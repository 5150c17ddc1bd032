"""A capture of MQTT messages from Node-RED: sockets with Tasmota (`tele/…/STATE`) and sensor nodes of a laboratory.

A socket stands for the one that feeds a totem's display (`disp_on`), a node for sensors in its case (`temp_case`,
`hum`). Elements repeat and lie nested in lists; a repeated one keeps its number, so that it is stored once. `Time` of
Tasmota is local (UTC+1 in this recording), `timestamp` of the nodes is seconds since 1970. Names and addresses of
networks are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from geoportal.recordings.model import BadRecording, RecordedDevice, Sample, boot_of

_OFFSET = timedelta(hours=1)
_SOCKET = re.compile(r"(?:.*/)?tele/([a-z0-9-]+)/STATE")
_NAMES = {"temp-C": "temp_case", "hum-percent": "hum"}
_NOT_MEASURED = {"node-id", "sensor", "timestamp"}

Read = tuple[str, datetime, dict[str, Any]]
"""Device, time, measurements."""


def read(path: Path) -> Iterator[RecordedDevice]:
    """The devices of a capture. Raises BadRecording."""
    document = json.loads(path.read_bytes())
    if not isinstance(document, list):
        raise BadRecording(f"{path.name} is not a list of messages")
    found: dict[str, list[Read]] = {}
    for element in _flat(document):
        one = _read(element)
        found.setdefault(one[0], []).append(one)
    for devid, said in found.items():
        yield RecordedDevice(devid, "totem", devid, {"agent": "recording: mqtt capture"}, tuple(_numbered(devid, said)))


def _flat(elements: list[Any]) -> Iterator[Mapping[str, Any]]:
    for element in elements:
        if isinstance(element, list):
            yield from _flat(element)
        else:
            yield element


def _read(element: Mapping[str, Any]) -> Read:
    topic, said = element.get("topic", ""), element.get("payload", {})
    socket = _SOCKET.fullmatch(topic)
    if socket is not None:
        return socket[1], *_socket(element, said)
    if "node-id" not in said or "timestamp" not in said:
        raise BadRecording(f"a message on {topic!r} is neither of a socket nor of a node")
    measured = {_NAMES.get(name, _plain(name)): value for name, value in said.items() if name not in _NOT_MEASURED}
    return said["node-id"].lower(), datetime.fromtimestamp(said["timestamp"], UTC), measured


def _socket(element: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[datetime, dict[str, Any]]:
    if "Time" not in said:  # the short form that the capture's own flow made of it
        taken = datetime.fromisoformat(element["receivedTimestamp"]).astimezone(UTC)
        return taken, {"disp_on": bool(said["power"])}
    taken = datetime.fromisoformat(said["Time"]).replace(tzinfo=UTC) - _OFFSET
    measured = {
        "disp_on": said["POWER"] == "ON",
        "uptime": said["UptimeSec"],
        "heap_kb": said["Heap"],
        "load_pct": said["LoadAvg"],
        "wifi_quality_pct": said["Wifi"]["RSSI"],
        "wifi_signal_dbm": said["Wifi"]["Signal"],
    }
    return taken, measured


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower())


def _numbered(devid: str, said: list[Read]) -> Iterator[Sample]:
    numbers: dict[str, int] = {}
    for _, ts, measured in said:
        key = json.dumps([ts.isoformat(), measured], sort_keys=True)
        yield Sample(boot_of("capture", devid), numbers.setdefault(key, len(numbers) + 1), ts, measured)
