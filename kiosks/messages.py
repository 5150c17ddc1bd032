"""What a totem measures (docs/mqtt-contract.md). Touches and sessions are counted, never recorded."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from geoportal.messaging.messages import Celsius, Counter, Flag, Metrics, Percent, Small


class TotemMetrics(Metrics, frozen=True):
    """Percent, °C, seconds, MB free, bytes since start, ms; yes or no as true/false or 1/0."""

    COUNTERS = ("rx_total", "tx_total")

    cpu: Percent | None = None
    mem: Percent | None = None
    disk: Percent | None = None
    temp_cpu: Celsius | None = None
    temp_case: Celsius | None = None
    hum: Percent | None = None
    page_alive: Flag | None = None
    content_age_s: Counter | None = None
    touch_ok: Flag | None = None
    touches: Small | None = None
    sessions: Small | None = None
    sess_avg_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    door: Flag | None = None
    disp_on: Flag | None = None
    backlight: Percent | None = None
    volume: Percent | None = None
    store_free: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    undervolt: Flag | None = None
    watchdog_resets: Small | None = None
    err_js: Small | None = None
    rx_total: Counter | None = None
    tx_total: Counter | None = None
    loss: Percent | None = None
    rtt: Annotated[float, Meta(ge=0, le=600_000)] | None = None
