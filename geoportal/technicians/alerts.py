"""Pages about alerts: what is open, one alert with its history, the rules and what they would have done."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from geoportal.device_layers import visible_kinds
from geoportal.models import User
from geoportal.monitoring.alerts.models import AlertRule, AlertTransition
from geoportal.monitoring.alerts.replay import Replayed, TooMuch, replay
from geoportal.monitoring.alerts.texts import (
    condition_text,
    evidence_text,
    group_text,
    reason_text,
    rule_name,
    subject_text,
)
from geoportal.monitoring.alerts.writing import NotOpen, acknowledge
from geoportal.technicians.alert_rows import children_of, open_alerts, past_alerts, visible_alerts
from geoportal.technicians.forms import RuleForm
from geoportal.technicians.guard import for_technicians
from layers.rights import audience_of

REPLAY_DAYS = 7
SHOWN_REPLAYED = 200


@require_safe
@for_technicians
def alert_list(request: HttpRequest) -> HttpResponse:
    """What calls for someone, grave first; then what ended last."""
    kinds = visible_kinds(audience_of(request.user))
    context = {"open": open_alerts(kinds), "past": past_alerts(kinds)}
    return render(request, "geoportal/technicians/alerts.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_technicians
def alert_page(request: HttpRequest, number: int) -> HttpResponse:
    """One alert with its evidence, every step, and the devices it stands for; a POST takes it in charge."""
    kinds = visible_kinds(audience_of(request.user))
    alert = get_object_or_404(
        visible_alerts(kinds).select_related("rule", "device", "suppressed_by", "acknowledged_by"), pk=number
    )
    if request.method == "POST":
        _acknowledge(request, number)
        return redirect("alert", number)
    steps = AlertTransition.objects.filter(alert=alert).order_by("id")
    names = dict(User.objects.filter(pk__in=[step.by_id for step in steps if step.by_id]).values_list("pk", "username"))
    context = {
        "alert": alert,
        "subject": subject_text(alert),
        "rule": rule_name(alert.rule),
        "evidence": evidence_text(alert.evidence),
        "steps": [
            (step, reason_text(step.why), names.get(step.by_id or 0, ""), evidence_text(step.evidence))
            for step in steps
        ],
        "parent": subject_text(alert.suppressed_by) if alert.suppressed_by else "",
        "children": children_of(alert),
        "taken_by": alert.acknowledged_by.username if alert.acknowledged_by else "",
        "may_acknowledge": alert.state == "firing",
    }
    return render(request, "geoportal/technicians/alert.html", context)


def _acknowledge(request: HttpRequest, number: int) -> None:
    note = request.POST.get("note", "").strip()[:500]
    try:
        acknowledge(number, int(request.user.pk or 0), note, timezone.now())
    except NotOpen:
        messages.warning(request, _("L'allarme non è più da prendere in carico."))
    else:
        messages.success(request, _("Hai preso in carico l'allarme."))


@require_safe
@for_technicians
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule."""
    context = {"rules": [(rule, rule_name(rule), condition_text(rule)) for rule in AlertRule.objects.all()]}
    return render(request, "geoportal/technicians/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_technicians
def rule_page(request: HttpRequest, slug: str = "") -> HttpResponse:
    """Change a rule or make one. `prova` shows what the form's rule would have done last week and stores nothing."""
    rule = get_object_or_404(AlertRule, slug=slug) if slug else None
    posted = request.method == "POST"
    form = RuleForm(request.POST if posted else None, instance=rule)
    found: list[Replayed] | None = None
    problem = ""
    if posted and form.is_valid():
        if "prova" not in request.POST:
            saved = form.save()
            messages.success(request, _("La regola «%(name)s» è salvata.") % {"name": rule_name(saved)})
            return redirect("alert-rule", saved.slug)
        found, problem = _replayed(form.save(commit=False))
    elif rule is not None and not posted:
        found, problem = _replayed(rule)
    context = {
        "form": form,
        "rule": rule,
        "days": REPLAY_DAYS,
        "replayed": None if found is None else _named(found)[:SHOWN_REPLAYED],
        "calling": sum(one.under is None for one in found or ()),
        "quiet": sum(one.under is not None for one in found or ()),
        "problem": problem,
    }
    return render(request, "geoportal/technicians/rule.html", context)


def _named(found: list[Replayed]) -> list[tuple[Replayed, str, str]]:
    """Each with the names of what it is about and of its common cause; those that would have called come first."""
    found = sorted(found, key=lambda one: one.under is not None)
    return [(one, group_text(one.scope, one.key), group_text(*one.under) if one.under else "") for one in found]


def _replayed(rule: AlertRule) -> tuple[list[Replayed] | None, str]:
    now = timezone.now()
    # A rule that is not stored has no number; replay only uses it as a name.
    rule.pk = rule.pk or 0
    try:
        return replay(rule, now - timedelta(days=REPLAY_DAYS), now), ""
    except TooMuch:
        return None, _("Nell'ultima settimana ci sono troppi dati per provarla qui: usa il comando replay_alerts.")
