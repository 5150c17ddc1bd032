"""Pages for technicians and administrators: every device, worst first, and one device in full."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from geoportal.device_layers import visible_kinds
from geoportal.map_texts import map_texts
from geoportal.marks import MARKS, marks_for_page
from geoportal.monitoring.causes import cause_text
from geoportal.monitoring.models import Device
from geoportal.technicians.alert_rows import alerts_of_device, groups_of_devices, intervals_of_device
from geoportal.technicians.charts import chart_context
from geoportal.technicians.commands import commands_context
from geoportal.technicians.credentials import access_context
from geoportal.technicians.guard import for_technicians
from geoportal.technicians.readings import evidence_lines, readings
from geoportal.technicians.selectors import DeviceRow, dead_letter_count, denial_count, device_row, device_rows
from layers.rights import audience_of


@require_safe
@for_technicians
def device_list(request: HttpRequest) -> HttpResponse:
    """Every device, worst first, then longest. Filters are a form: the page is whole without JavaScript."""
    everything = device_rows(visible_kinds(audience_of(request.user)))
    asked = {name: request.GET.get(name, "").strip()[:80] for name in ("stato", "genere", "area", "testo")}
    rows = [row for row in everything if _fits(row, asked)]
    counts = Counter(row.health for row in everything)
    groups = groups_of_devices()
    context = {
        "rows": [(row, cause_text(row.cause), groups.get(row.devid)) for row in rows],
        "total": len(everything),
        "counts": [(health, mark, counts[health]) for health, mark in MARKS.items()],
        "areas": sorted({row.area for row in everything if row.area}),
        "kinds": Device.Kind.choices,
        "asked": asked,
        "config": _config(),
    }
    return render(request, "geoportal/technicians/list.html", context)


@require_safe
@for_technicians
def device_page(request: HttpRequest, devid: str) -> HttpResponse:
    """One device: state, evidence, latest readings, what it says of itself, what can be ordered and how that goes."""
    row = device_row(devid, visible_kinds(audience_of(request.user)))
    if row is None:
        raise Http404(_("Non c'è nessun dispositivo con codice «%(devid)s».") % {"devid": devid})
    context = {
        "device": row,
        "name": row["name_en"] if get_language() == "en" and row["name_en"] else row["name_it"],
        "kind": Device.Kind(row["kind"]).label,
        "lifecycle": Device.Lifecycle(row["lifecycle"]).label,
        "quality": Device.PositionQuality(row["position_quality"]).label,
        "cause": cause_text(row["cause"]),
        "evidence": evidence_lines(row["evidence"]),
        "metrics": readings(row["metrics"]),
        "info": readings(row["info"]),
        "dead_letters": dead_letter_count(devid),
        "denials": denial_count(devid),
        "alerts": alerts_of_device(devid),
        "intervals": intervals_of_device(devid),
        **access_context(row),
        **commands_context(row["id"], devid, row["kind"], _own_commands(row["info"])),
        **chart_context(devid, row["kind"]),
    }
    return render(request, "geoportal/technicians/device.html", context)


def _own_commands(info: dict[str, Any]) -> list[str] | None:
    """The commands that a device says it knows; None while it has not said."""
    said = info.get("commands")
    return [str(one) for one in said] if isinstance(said, list) else None


def _fits(row: DeviceRow, asked: dict[str, str]) -> bool:
    text = asked["testo"].casefold()
    return (
        asked["stato"] in ("", row.health)
        and asked["genere"] in ("", row.kind)
        and asked["area"] in ("", row.area)
        and (not text or text in f"{row.devid} {row.name_it} {row.name_en} {row.place}".casefold())
    )


def _config() -> dict[str, Any]:
    return {
        "language": (get_language() or "it")[:2],
        "devices": {"list": "/api/dispositivi", "events": "/eventi"},
        "marks": marks_for_page(),
        "texts": map_texts(),
    }
