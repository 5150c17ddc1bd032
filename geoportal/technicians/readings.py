"""Readable names and units for what devices report: the unit is read from the end of the contract's key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geoportal.monitoring.causes import cause_text, measured_text
from geoportal.monitoring.measures import MEASURES, name_of, unit_of

UNITS = {
    "_pct": "%",
    "_c": "°C",
    "_dbm": "dBm",
    "_ms": "ms",
    "_s": "s",
    "_mb": "MB",
    "_bytes": "B",
    "_kbps": "kbit/s",
    "_bps": "bit/s",
    "_mbps": "Mbit/s",
    "_v": "V",
    "_w": "W",
    "_mm": "mm",
}
_BYTES = {"B": 1, "MB": 1_000_000}
_SIZES = ("B", "kB", "MB", "GB", "TB")
NAMES = {
    "uptime": gettext_lazy("Acceso da"),
    "uptime_s": gettext_lazy("Acceso da"),
    "retry": gettext_lazy("Trasmissioni ripetute"),
    "page_url": gettext_lazy("Pagina mostrata"),
    "content_rev": gettext_lazy("Revisione dei contenuti"),
    "disp_want": gettext_lazy("Schermo acceso per comando"),
    "clients": gettext_lazy("Utenti collegati"),
    "cpu_pct": gettext_lazy("Processore"),
    "mem_pct": gettext_lazy("Memoria"),
    "disk_pct": gettext_lazy("Disco"),
    "temp_c": gettext_lazy("Temperatura"),
    "loss_pct": gettext_lazy("Pacchetti persi"),
    "rtt_ms": gettext_lazy("Tempo di risposta della rete"),
    "model": gettext_lazy("Modello"),
    "fw": gettext_lazy("Versione del software"),
    "serial": gettext_lazy("Matricola"),
    "os": gettext_lazy("Sistema"),
    "boot": gettext_lazy("Numero dell'avvio"),
    "agent": gettext_lazy("Agente"),
    "v": gettext_lazy("Versione del contratto"),
    "interval_s": gettext_lazy("Un campione ogni"),
    "commands": gettext_lazy("Comandi che conosce"),
    "capabilities": gettext_lazy("Che cosa misura"),
    "unsupported": gettext_lazy("Che cosa non può misurare"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: the contract's key stays visible, as technicians search for it."""

    key: str
    name: str
    value: str


def readings(values: dict[str, Any]) -> list[Reading]:
    """The values of a sample or description, nested ones under dotted keys, in the order they were sent."""
    return [_reading(key, value) for key, value in _flat("", values)]


def evidence_lines(evidence: list[dict[str, Any]]) -> list[tuple[str, str, str, datetime | None]]:
    """(text, value, threshold, since) of each piece of evidence, weightiest first."""
    return [_evidence_line(str(entry.get("code", "")), entry) for entry in evidence]


def _evidence_line(code: str, entry: dict[str, Any]) -> tuple[str, str, str, datetime | None]:
    value, threshold = (measured_text(code, entry.get(name)) for name in ("value", "threshold"))
    since = entry.get("since")
    return cause_text(code), value, threshold, datetime.fromisoformat(since) if since else None


def _flat(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            for place, part in enumerate(value, 1):
                yield from _flat(f"{prefix}{key}.{place}.", part)
        else:
            yield f"{prefix}{key}", value


def _reading(key: str, value: Any) -> Reading:
    last = key.rsplit(".", 1)[-1]
    unit = next((unit for ending, unit in UNITS.items() if last.endswith(ending)), "")
    name = str(NAMES.get(last, key.replace("_", " ").replace(".", " · ")))
    if key in MEASURES:
        # Of a counter the table knows the unit of its rate; here it is the count itself.
        name, unit = name_of(key), "B" if key.endswith("_total") else unit_of(key)
    if last in ("uptime", "uptime_s") and isinstance(value, int | float):
        return Reading(key, name, _span(int(value)))
    if unit in _BYTES and isinstance(value, int | float) and not isinstance(value, bool):
        return Reading(key, name, _size(value * _BYTES[unit]))
    shown = _shown(value)
    return Reading(key, name, f"{shown} {unit}".strip() if shown else "–")


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("sì") if value else _("no")
    if isinstance(value, int | float):
        return str(number_format(round(value, 3), use_l10n=True))
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return str(value)


def _size(count: float) -> str:
    """So many bytes, in the unit in which a person can read them."""
    place = 0
    while abs(count) >= 999.95 and place < len(_SIZES) - 1:
        count /= 1000
        place += 1
    return f"{number_format(round(count, 1 if place else 0), use_l10n=True)} {_SIZES[place]}"


def _span(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    return _("%(days)d g %(hours)d h %(minutes)d min") % {"days": days, "hours": hours, "minutes": rest // 60}
