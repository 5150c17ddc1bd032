"""How a device's health looks: one shape, one sign and one colour each, for pages, maps and take-away files alike.

Colour is never the only sign (WCAG 2.1, 1.4.1); white on each colour and each colour on the page reach 3:1 (1.4.11).
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.models import Health


@dataclass(frozen=True, slots=True)
class Mark:
    """Paths stand in a box of 24 × 24; `weight` orders devices, the worst first."""

    health: str
    text: str | Promise
    colour: str
    shape: str
    sign: str
    weight: int


CIRCLE = "M12 2A10 10 0 1 1 12 22A10 10 0 1 1 12 2Z"
TRIANGLE = "M12 1.5L23 21.5H1Z"
OCTAGON = "M8 2H16L22 8V16L16 22H8L2 16V8Z"
SQUARE = "M3 3H21V21H3Z"
DIAMOND = "M12 1L23 12L12 23L1 12Z"

MARKS: dict[str, Mark] = {
    mark.health: mark
    for mark in (
        Mark(Health.CRITICAL, _("Guasto"), "#b3001e", OCTAGON, "M8 8L16 16M16 8L8 16", 0),
        Mark(Health.PROBLEM, _("Problema"), "#995c00", TRIANGLE, "M12 8.5V14.5M12 17.2V18.6", 1),
        Mark(Health.UNKNOWN, _("Sconosciuto"), "#5a6772", DIAMOND, "M9 9.6A3 3 0 1 1 12 12.8V14M12 16.6V17.8", 2),
        Mark(Health.MAINTENANCE, _("Manutenzione"), "#0059b3", SQUARE, "M7 17V7L12 13L17 7V17", 3),
        Mark(Health.OK, _("Funziona"), "#00663f", CIRCLE, "M7 12.4L10.6 16L17 8.6", 4),
    )
}


def mark_of(health: str) -> Mark:
    """The mark of a health word; a word we do not know looks unknown."""
    return MARKS.get(health, MARKS[Health.UNKNOWN])


def mark_svg(health: str, size: int = 24) -> SafeString:
    """The mark as inline SVG, hidden from screen readers: its text stands beside it."""
    mark = mark_of(health)
    return format_html(
        '<svg class="health-mark" width="{0}" height="{0}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        '<path d="{1}" fill="{2}" stroke="#ffffff" stroke-width="1.5"/>'
        '<path d="{3}" fill="none" stroke="#ffffff" stroke-width="2.4" stroke-linecap="round" '
        'stroke-linejoin="round"/></svg>',
        size,
        mark.shape,
        mark.colour,
        mark.sign,
    )


def marks_for_page() -> dict[str, dict[str, str | int]]:
    """The same table for the browser's modules."""
    return {
        name: {
            "text": str(mark.text),
            "colour": mark.colour,
            "shape": mark.shape,
            "sign": mark.sign,
            "weight": mark.weight,
        }
        for name, mark in MARKS.items()
    }
