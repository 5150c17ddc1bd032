"""The eleven scenarios by name: what a technician must see of each, minute by minute, and which mail must come.

Health is that of the devices a scenario is about; bystanders must be well throughout. `mail` are the subjects of all
messages to the control room, in order; `causes` everything that any target ever showed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

BEGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""A Tuesday, ten o'clock in Cremona."""
MATCH = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
"""A Sunday, three o'clock in Cremona."""

type Shown = set[tuple[str, str]]
"""(health, cause)"""
WELL = {("ok", "")}


@dataclass(frozen=True)
class Tale:
    """What one scenario must show. Minutes are those since its beginning."""

    name: str
    shows: dict[float, Shown]
    """Minute: health and cause of the targets."""
    causes: set[str]
    mail: tuple[str, ...] = ()
    """Each is a part of one message's subject."""
    begin: datetime = BEGIN
    every_s: int = 30
    step_s: float = 15.0
    """At most 15 where silence counts: after a longer time without a look of the monitor, all grace begins anew."""
    bystanders: int = 2
    elsewhere: frozenset[str] = frozenset({""})
    """What bystanders may show."""
    broker_restarts_at: tuple[float, ...] = ()


TALES = (
    Tale(
        "normal-week",
        shows={7 * 24 * 60: set()},
        causes=set(),
        elsewhere=frozenset({"", "saturated"}),
        # A sample every two hours: a week of them is as much as one hour of the usual ones.
        every_s=7200,
        step_s=7200,
        bystanders=4,
    ),
    Tale(
        "feeder-power-cut",
        shows={
            1: WELL,
            3: {("critical", "silent")},
            15: {("critical", "silent")},
            17: WELL,
            23: WELL,
        },
        causes={"", "connection_lost", "silent"},
        mail=(" Linea Centro 1 – Dispositivo non raggiungibile – È durato", "Rientrato"),
    ),
    Tale(
        "rain-fade",
        shows={5: WELL, 10: {("problem", "uplink_loss")}, 40: {("problem", "uplink_loss")}, 42: WELL, 58: WELL},
        causes={"", "uplink_loss"},
        mail=("6 novità sugli allarmi", "6 novità sugli allarmi"),
        every_s=60,
        step_s=60,
    ),
    Tale(
        "broker-restart",
        shows={1: WELL, 1.2: WELL, 1.5: WELL, 4: WELL},
        causes={""},
        broker_restarts_at=(1,),
        step_s=6,
    ),
    Tale("offline-backfill", shows={1: WELL, 10: WELL}, causes={""}),
    Tale(
        "flapping-access-point",
        shows={5: WELL, 12: {("problem", "unstable")}, 20: {("problem", "unstable")}},
        causes={"", "unstable"},
        mail=("Connessione instabile – È durato oltre l'attesa: La connessione va e viene",),
    ),
    Tale("clock-skew", shows={1: WELL, 9: WELL, 12: WELL}, causes={""}),
    Tale(
        "totem-overheating",
        shows={
            9: WELL,
            12: {("problem", "hot_case")},
            17: {("critical", "very_hot_case")},
            21: {("critical", "silent")},
        },
        causes={"", "hot_case", "very_hot_cpu", "very_hot_case", "connection_lost", "silent"},
        mail=("Surriscaldamento – È durato", "Dispositivo non raggiungibile – È durato"),
    ),
    Tale(
        "stuck-touch",
        shows={1: WELL, 3: {("problem", "touch_stuck")}, 8: {("problem", "touch_stuck")}},
        causes={"", "touch_stuck"},
        mail=("Totem non utilizzabile – È durato oltre l'attesa: Il tocco è bloccato",),
    ),
    Tale(
        "firmware-roll",
        shows={8: WELL, 22: {("ok", ""), ("problem", "unstable")}, 25: {("ok", ""), ("problem", "unstable")}},
        causes={"", "unstable"},
        mail=("(ap-piazza-della-liberta-1) – Connessione instabile – È durato",),
        step_s=20,
    ),
    Tale(
        "stadium-match",
        shows={5: WELL, 15: {("ok", ""), ("problem", "saturated")}, 75: {("ok", ""), ("problem", "saturated")}},
        causes={"", "saturated"},
        mail=("2 novità sugli allarmi",),
        begin=MATCH,
        every_s=60,
        step_s=60,
    ),
)
