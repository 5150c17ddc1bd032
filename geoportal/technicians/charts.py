"""What the chart of a device's page offers: measurements, times, and the words of its module."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from geoportal.devices.series import measured
from geoportal.monitoring.measures import MEASURES, name_of


def chart_context(devid: str, kind: str) -> dict[str, Any]:
    """For the template: `chart_metrics`, `chart_spans` (hours, text) and `chart_config`."""
    order = {metric: place for place, metric in enumerate(MEASURES)}
    metrics = sorted(measured(kind), key=lambda metric: order.get(metric, len(order)))
    return {
        "chart_metrics": [(metric, name_of(metric)) for metric in metrics],
        "chart_spans": [
            (6, _("6 ore")),
            (24, _("1 giorno")),
            (168, _("7 giorni")),
            (720, _("30 giorni")),
            (8760, _("1 anno")),
        ],
        "chart_config": {
            "language": (get_language() or "it")[:2],
            "url": reverse("device-series", args=[devid]),
            "texts": {
                "summary": _("{name}: media {mean}, minimo {least}, massimo {most}"),
                "caption": _("{name}: ultimi {shown} valori di {total}"),
                "table": _("Gli stessi valori in tabella"),
                "moment": _("Quando"),
                "mean": _("Media"),
                "least": _("Minimo"),
                "most": _("Massimo"),
                "value": _("Valore"),
                "nothing": _("Nessun valore in questo periodo."),
                "failed": _("I valori al momento non si possono leggere."),
                "noValue": "–",
                "yes": _("sì"),
                "no": _("no"),
            },
        },
    }
