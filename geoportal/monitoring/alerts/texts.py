"""The words for alerts: one place, so that page, mail and webhook say the same."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from geoportal.monitoring.alerts.models import Alert, AlertRule
from geoportal.monitoring.causes import CAUSES, cause_text, measured_text
from geoportal.monitoring.measures import name_of

REASONS: dict[str, str | Promise] = {
    "seen": gettext_lazy("Visto per la prima volta"),
    "lasted": gettext_lazy("È durato oltre l'attesa"),
    "flapping": gettext_lazy("Va e viene"),
    "repeated": gettext_lazy("Ripetuto: dura ancora"),
    "escalated": gettext_lazy("Sollecito: nessuno lo ha preso in carico"),
    "acknowledged": gettext_lazy("Preso in carico"),
    "cleared": gettext_lazy("Rientrato"),
    "passed": gettext_lazy("Passato prima di diventare un allarme"),
    "unseen": gettext_lazy("Non più osservabile prima di diventare un allarme"),
    "apart": gettext_lazy("La causa comune è finita, questo dispositivo no"),
    "maintenance": gettext_lazy("Cominciata la manutenzione"),
    "out_of_service": gettext_lazy("Dispositivo tolto dal servizio"),
    "rule_off": gettext_lazy("Regola disattivata"),
}


def rule_name(rule: AlertRule) -> str:
    """The rule's name in the language now active."""
    return rule.name_en if (get_language() or "it").startswith("en") and rule.name_en else rule.name_it


def reason_text(code: str) -> str:
    return str(REASONS.get(code, code))


def subject_text(alert: Alert) -> str:
    """What the alert is about: the device's name and code, the group, or ourselves."""
    if alert.scope == Alert.Scope.SELF:
        return _("La centrale di ricezione")
    if alert.scope == Alert.Scope.DEVICE:
        device = alert.device
        if device is None:
            return alert.key
        english = (get_language() or "it").startswith("en") and device.name_en
        return f"{english or device.name_it} ({alert.key})"
    return group_text(alert.scope, alert.key)


def group_text(scope: str, key: str) -> str:
    """A device by its code, a group by what it is and its name, or ourselves."""
    if scope == Alert.Scope.SELF:
        return _("La centrale di ricezione")
    label = str(Alert.Scope(scope).label)
    # Many names say themselves what they are: «Linea Centro 1», «Armadio Stazione 2».
    says_so = key.casefold().startswith(label.split()[0].casefold())
    return key if scope == Alert.Scope.DEVICE or says_so else f"{label} {key}"


def condition_text(rule: AlertRule) -> str:
    """When the rule calls, in words."""
    if rule.subject == AlertRule.Subject.CAUSE:
        what = " · ".join(cause_text(code) for code in rule.causes)
    elif rule.subject == AlertRule.Subject.METRIC:
        sign = "≤" if rule.clear_at is not None and rule.raise_at is not None and rule.clear_at > rule.raise_at else "≥"
        what = f"{name_of(rule.metric)} {sign} {measured_text(rule.metric, rule.raise_at)}"
    else:
        what = rule.get_subject_display()
    return _("%(what)s, per %(minutes)s min") % {"what": what, "minutes": measured_text("", rule.for_s / 60)}


def evidence_text(evidence: dict[str, Any]) -> str:
    """One line of what was seen."""
    if "lost" in evidence:
        return _("%(lost)d di %(total)d dispositivi") % {"lost": evidence["lost"], "total": evidence["total"]}
    if "devices" in evidence:
        return _("%(devices)d dispositivi non osservabili") % {"devices": evidence["devices"]}
    code = str(evidence.get("code", ""))
    text = cause_text(code) if code in CAUSES else name_of(code)
    if evidence.get("value") is None or isinstance(evidence.get("value"), bool):
        return text
    value = measured_text(code, evidence["value"])
    if evidence.get("threshold") is None:
        return f"{text}: {value}"
    threshold = measured_text(code, evidence["threshold"])
    return _("%(text)s: %(value)s (soglia %(threshold)s)") % {"text": text, "value": value, "threshold": threshold}
