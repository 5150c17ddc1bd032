"""What an access point measures (docs/mqtt-contract.md). Counts only: nothing here can name a person's device."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from geoportal.messaging.messages import Celsius, Counter, Metrics, Percent, Small

Decibel = Annotated[float, Meta(ge=-130, le=0)]
Rate = Annotated[float, Meta(ge=0, le=1e12)]


class AccessPointMetrics(Metrics, frozen=True):
    """Percent, °C, dBm, bit/s, bytes since start, ms. `_24` and `_5` are the bands at 2.4 and 5 GHz."""

    COUNTERS = ("rx_total", "tx_total")

    cpu: Percent | None = None
    mem: Percent | None = None
    load1: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    temp_cpu: Celsius | None = None
    clients_24: Small | None = None
    clients_5: Small | None = None
    noise_24: Decibel | None = None
    noise_5: Decibel | None = None
    air_24: Percent | None = None
    air_5: Percent | None = None
    rx_bps: Rate | None = None
    tx_bps: Rate | None = None
    rx_total: Counter | None = None
    tx_total: Counter | None = None
    loss: Percent | None = None
    rtt: Annotated[float, Meta(ge=0, le=600_000)] | None = None
