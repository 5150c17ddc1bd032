"""From a NetJSON DeviceMonitoring document to the measurements of an access point. Pure, and counts only.

Only numbers are taken, so that nothing of leases, neighbours, addresses and clients can be kept. Lua writes an empty
list as `{}`, and whole numbers now and then as `1.0`: both are taken. Source: netjson.org, DeviceMonitoring; the form
in which openwisp-monitoring's agent fills it in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from geoportal.messaging.messages import MalformedMessage

MAX_BYTES = 512 * 1024
"""An access point with hundreds of clients and leases stays far below."""
_MIDDLE_MHZ = 3000
_MOST_PARTS = 256

Amount = Annotated[float, Meta(ge=0)]


class _Memory(Struct, frozen=True):
    total: Annotated[float, Meta(gt=0)]
    free: Amount | None = None
    buffered: Amount | None = None
    available: Amount | None = None


class _Disk(Struct, frozen=True):
    mount_point: str = ""
    used_percent: Annotated[float, Meta(ge=0, le=100)] | None = None


class _Resources(Struct, frozen=True):
    load: Annotated[list[Amount], Meta(max_length=3)] | dict[str, Raw] = []
    memory: _Memory | None = None
    cpus: Annotated[float, Meta(ge=1, le=1024)] | None = None
    disk: Annotated[list[_Disk], Meta(max_length=_MOST_PARTS)] | dict[str, Raw] = []


class _General(Struct, frozen=True):
    uptime: Annotated[float, Meta(ge=0, le=2**40)] | None = None


class _Wireless(Struct, frozen=True):
    mode: str = ""
    frequency: float | None = None
    channel: float | None = None
    noise: float | None = None
    clients: list[Raw] | dict[str, Raw] = []


class _Traffic(Struct, frozen=True):
    rx_bytes: Annotated[float, Meta(ge=0, lt=2**63)] | None = None
    tx_bytes: Annotated[float, Meta(ge=0, lt=2**63)] | None = None


class _Interface(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=64)] = ""
    type: str = ""
    statistics: _Traffic | None = None
    wireless: _Wireless | None = None


class DeviceMonitoring(Struct, frozen=True):
    """What is read of a document; anything else in it is passed over and never kept."""

    type: Literal["DeviceMonitoring"]
    general: _General = _General()
    resources: _Resources = _Resources()
    interfaces: Annotated[list[_Interface], Meta(max_length=_MOST_PARTS)] | dict[str, Raw] = []


_read = msgspec.json.Decoder(DeviceMonitoring).decode


def read(body: bytes) -> DeviceMonitoring:
    """Read a document. Raises MalformedMessage; its text names a field and never a value of the document."""
    if len(body) > MAX_BYTES:
        raise MalformedMessage("too_large", f"{len(body)} bytes; at most {MAX_BYTES} are taken")
    try:
        return _read(body)
    except msgspec.ValidationError as error:
        raise MalformedMessage("invalid", str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedMessage("not_json", "the body is not JSON") from error


def measurements(document: DeviceMonitoring) -> dict[str, Any]:
    """The measurements by the contract's names; what the document does not say is absent."""
    found = {**_machine(document.resources), **_radios(document), **_traffic(document)}
    if document.general.uptime is not None:
        found["uptime"] = int(document.general.uptime)
    return {name: value for name, value in found.items() if value is not None}


def _machine(resources: _Resources) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(resources.load, list) and resources.load:
        found["load1"] = min(resources.load[0], 10_000.0)
        if resources.cpus:
            # There is no processor time in NetJSON: the load of the last minute against the processors is nearest.
            found["cpu"] = round(min(100.0, 100 * resources.load[0] / resources.cpus), 1)
    if resources.memory is not None:
        found["mem"] = _memory(resources.memory)
    if isinstance(resources.disk, list):
        used = [disk.used_percent for disk in resources.disk if disk.used_percent is not None]
        found["disk"] = max(used, default=None)
    return found


def _memory(memory: _Memory) -> float | None:
    free = memory.available
    if free is None and memory.free is not None:
        free = memory.free + (memory.buffered or 0)
    return None if free is None else round(100 * (1 - min(free / memory.total, 1)), 1)


def _interfaces(document: DeviceMonitoring) -> list[_Interface]:
    return document.interfaces if isinstance(document.interfaces, list) else []


def _band(wireless: _Wireless) -> str:
    """`24` for 2.4 GHz, `5` for everything above."""
    if wireless.frequency:
        return "24" if wireless.frequency < _MIDDLE_MHZ else "5"
    return "24" if (wireless.channel or 0) <= 14 else "5"


def _radios(document: DeviceMonitoring) -> dict[str, Any]:
    """Associated clients and noise by band; the clients of a mesh are not people."""
    found: dict[str, Any] = {}
    for interface in _interfaces(document):
        wireless = interface.wireless
        if wireless is None:
            continue
        band = _band(wireless)
        if wireless.mode == "access_point":
            found[f"clients_{band}"] = found.get(f"clients_{band}", 0) + len(wireless.clients)
        if wireless.noise is not None and -130 <= wireless.noise < 0:  # 0 is what a driver says that cannot measure
            noise = found.get(f"noise_{band}", wireless.noise)
            found[f"noise_{band}"] = max(noise, wireless.noise)
    return found


def _traffic(document: DeviceMonitoring) -> dict[str, Any]:
    """Bytes of the users: of the radios where they are counted, else of the wires. The agent turns the directions of an
    access point round, so that received is what users received.
    """
    counted = [one for one in _interfaces(document) if one.statistics is not None]
    chosen = [one for one in counted if one.wireless is not None and one.wireless.mode == "access_point"]
    chosen = chosen or [one for one in counted if one.type == "ethernet"]
    found: dict[str, Any] = {}
    for name, field in (("rx_total", "rx_bytes"), ("tx_total", "tx_bytes")):
        values = [value for one in chosen if (value := getattr(one.statistics, field)) is not None]
        if values:
            found[name] = min(int(sum(values)), 2**63 - 1)
    return found
