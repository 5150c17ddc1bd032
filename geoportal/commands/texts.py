"""Commands in words, and the fields that ask for their arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from geoportal.messaging.orders import Order

LABELS: Mapping[str, Any] = {
    "run_selftest": _("Autodiagnosi"),
    "refresh": _("Misura adesso"),
    "reboot": _("Riavvia il dispositivo"),
    "reload": _("Ricarica la pagina"),
    "screenshot": _("Prendi una schermata"),
    "display_on": _("Accendi lo schermo"),
    "display_off": _("Spegni lo schermo"),
    "set_brightness": _("Imposta la luminosità"),
    "set_volume": _("Imposta il volume"),
    "set_page": _("Mostra un'altra pagina"),
    "set_language": _("Imposta la lingua"),
    "clear_cache": _("Svuota la memoria del browser"),
    "show_message": _("Mostra un messaggio"),
}
FIELDS: Mapping[str, Any] = {
    "percent": _("Percentuale"),
    "url": _("Indirizzo"),
    "lang": _("Lingua"),
    "text": _("Testo"),
    "seconds": _("Secondi (senza: un minuto)"),
}
LANGUAGE_NAMES = {"it": "italiano", "en": "English", "de": "Deutsch", "fr": "français", "es": "español"}


@dataclass(frozen=True, slots=True)
class Field:
    """One argument as a form asks for it. `choices` is empty for a field to type into."""

    name: str
    label: str
    type: str
    required: bool
    attributes: Mapping[str, Any]
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Button:
    """One command as a page offers it."""

    op: str
    label: str
    is_dangerous: bool
    fields: tuple[Field, ...]


def label_of(op: str) -> str:
    """A command in words; its code when it is of another time."""
    return str(LABELS.get(op, op))


def button(order: Order) -> Button:
    """How a page offers a command."""
    asked = order.asked()
    fields = tuple(_field(name, form, name in asked["required"]) for name, form in asked["properties"].items())
    return Button(order.op, label_of(order.op), order.is_dangerous, fields)


def _field(name: str, form: Mapping[str, Any], required: bool) -> Field:
    limits = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}
    attributes = {limits[key]: value for key, value in form.items() if key in limits}
    kind = "number" if form["type"] == "integer" else "url" if name == "url" else "text"
    choices = tuple((value, LANGUAGE_NAMES.get(value, value)) for value in form.get("enum", ()))
    return Field(name, str(FIELDS.get(name, name)), kind, required, attributes, choices)


def arguments(order: Order, posted: QueryDict) -> dict[str, Any]:
    """The arguments of a posted form. What is no number stays text, for the check to name it."""
    found: dict[str, Any] = {}
    for name, form in order.asked()["properties"].items():
        text = posted.get(name, "").strip()
        if text:
            is_number = form["type"] == "integer" and re.fullmatch("-?[0-9]{1,9}", text)
            found[name] = int(text) if is_number else text
    return found
