"""Freifunk `nodes.json` (ffmap-backend, version 1): a snapshot of a community network, one sample of each node online.

The node id is the address of the router's card and is not kept. Clients are not told by band.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from geoportal.recordings.model import BadRecording, RecordedDevice, Sample, boot_of, code_of


def read(path: Path) -> Iterator[RecordedDevice]:
    """The nodes of a snapshot. Raises BadRecording."""
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict) or not {"timestamp", "nodes"} <= document.keys():
        raise BadRecording(f"{path.name} has no timestamp and nodes, as a nodes.json of Freifunk has")
    taken = datetime.fromisoformat(document["timestamp"]).replace(tzinfo=UTC)
    for node in document["nodes"].values():
        yield _device(node, taken)


def _device(node: Mapping[str, Any], taken: datetime) -> RecordedDevice:
    told = node["nodeinfo"]
    code = code_of("ff", told["node_id"])
    statistics = node["statistics"]
    uptime = statistics.get("uptime")
    samples: tuple[Sample, ...] = ()
    if node["flags"]["online"] and uptime is not None:
        boot = boot_of(code, (taken - timedelta(seconds=uptime)).replace(microsecond=0))
        samples = (Sample(boot, int(uptime), taken, _measured(statistics)),)
    info = {
        "model": told.get("hardware", {}).get("model", ""),
        "fw": told.get("software", {}).get("firmware", {}).get("release", ""),
        "agent": "recording: freifunk",
    }
    # A router that nobody named is called by the address of its card.
    name = re.sub(re.escape(told["node_id"]), code, told["hostname"], flags=re.IGNORECASE)
    return RecordedDevice(code, "ap", name, info, samples)


def _measured(statistics: Mapping[str, Any]) -> dict[str, Any]:
    """Shares become percent; traffic is counted in bytes since the start, as seen by the router."""
    traffic = statistics.get("traffic", {})
    return {
        "load1": statistics["loadavg"],
        "mem": round(100 * statistics["memory_usage"], 3),
        "disk": round(100 * statistics["rootfs_usage"], 3),
        "clients": statistics["clients"],
        "uptime": int(statistics["uptime"]),
        "rx_total": traffic["rx"]["bytes"],
        "tx_total": traffic["tx"]["bytes"],
    }
