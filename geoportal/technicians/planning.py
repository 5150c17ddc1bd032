"""Pages about announced work and about availability."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from geoportal.device_layers import visible_kinds
from geoportal.models import User
from geoportal.monitoring.alerts.texts import group_text
from geoportal.monitoring.availability import BY, Availability, availability
from geoportal.monitoring.maintenance import cancel, occurrences, save
from geoportal.monitoring.models import MaintenancePlan
from geoportal.technicians.forms import PlanForm
from geoportal.technicians.guard import for_technicians
from geoportal.trouble import was_too_slow
from layers.rights import audience_of

ROME = ZoneInfo("Europe/Rome")
BY_TEXTS = {
    "device": gettext_lazy("dispositivo"),
    "place": gettext_lazy("luogo"),
    "operator": gettext_lazy("gestore"),
    "month": gettext_lazy("mese"),
}
MOST_DAYS = 5 * 366


@require_http_methods(["GET", "HEAD", "POST"])
@for_technicians
def plan_list(request: HttpRequest) -> HttpResponse:
    """The plans, and a form for another one."""
    form = PlanForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        plan = form.save(commit=False)
        plan.created_by = request.user if isinstance(request.user, User) else None
        touched = save(plan, timezone.now())
        saved = ngettext(
            "Manutenzione salvata: riguarda %(count)d dispositivo.",
            "Manutenzione salvata: riguarda %(count)d dispositivi.",
            touched,
        )
        messages.success(request, saved % {"count": touched})
        return redirect("maintenance")
    now = timezone.now()
    plans = [(plan, _about(plan), _when(plan, now)) for plan in MaintenancePlan.objects.all()]
    context = {"form": form, "plans": plans}
    return render(request, "geoportal/technicians/maintenance.html", context)


def _about(plan: MaintenancePlan) -> str:
    if plan.scope == MaintenancePlan.Scope.OPERATOR:
        return f"{plan.get_scope_display()} {plan.key}"
    return group_text(plan.scope, plan.key)


def _when(plan: MaintenancePlan, now: datetime) -> str:
    """Whether work is under way, when it comes next, or that it is over."""
    for start, end in occurrences(plan, now, now + timedelta(days=366)):
        moment = timezone.localtime(end if start <= now else start)
        text = _("in corso fino al %(moment)s") if start <= now else _("prossima il %(moment)s")
        return text % {"moment": date_format(moment, "SHORT_DATETIME_FORMAT")}
    return _("finita")


@require_POST
@for_technicians
def plan_cancel(request: HttpRequest, number: int) -> HttpResponse:
    """End a plan now."""
    cancel(get_object_or_404(MaintenancePlan, pk=number), timezone.now())
    messages.success(request, _("La manutenzione è terminata."))
    return redirect("maintenance")


@require_safe
@for_technicians
def availability_page(request: HttpRequest) -> HttpResponse:
    """Availability of a period, as a table or (`formato=csv`) a file. Dates are local days, the last one included."""
    first, last = _period(request)
    by = request.GET.get("per", "device")
    by = by if by in BY else "device"
    start = datetime(first.year, first.month, first.day, tzinfo=ROME)
    after = last + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=ROME)
    monthly = request.GET.get("mesi") == "1" and by != "month"
    rows, status = _rows(request, (start, end), by, monthly=monthly)
    if request.GET.get("formato") == "csv" and rows is not None:
        return _csv(rows, by, first, last)
    query = request.GET.copy()
    query["formato"] = "csv"
    context = {
        "rows": rows,
        "by": by,
        "monthly": monthly,
        "choices": BY_TEXTS.items(),
        "label": BY_TEXTS[by],
        "first": first,
        "last": last,
        "csv": query.urlencode(),
    }
    return render(request, "geoportal/technicians/availability.html", context, status=status)


def _rows(
    request: HttpRequest, period: tuple[datetime, datetime], by: str, *, monthly: bool
) -> tuple[list[Availability] | None, int]:
    """The table and the page's status; no table, and a message, when the database gave up at its time limit."""
    kinds = visible_kinds(audience_of(request.user))
    try:
        return availability(*period, by, kinds, timezone.now(), monthly=monthly), 200
    except OperationalError as error:
        if not was_too_slow(error):
            raise
        messages.warning(request, _("Per questo periodo ci vorrebbe troppo tempo: scegline uno più breve."))
        return None, 503


def _period(request: HttpRequest) -> tuple[date, date]:
    """The asked days; this month up to today when a date is missing or makes no sense."""
    today = timezone.localdate()
    first, last = today.replace(day=1), today
    try:
        first = date.fromisoformat(request.GET.get("dal") or first.isoformat())
        last = date.fromisoformat(request.GET.get("al") or last.isoformat())
    except ValueError:
        messages.warning(request, _("Le date vanno scritte come 2026-11-24: mostro il mese in corso."))
        first, last = today.replace(day=1), today
    if not 1970 <= first.year <= last.year < 9999 or last < first or (last - first).days > MOST_DAYS:
        messages.warning(
            request, _("Il periodo deve finire dopo l'inizio e durare al più cinque anni: mostro il mese in corso.")
        )
        first, last = today.replace(day=1), today
    return first, last


def _csv(rows: list[Availability], by: str, first: date, last: date) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="disponibilita-{by}-{first}-{last}.csv"'
    writer = csv.writer(response)
    writer.writerow([by, "name", "month", "devices", "availability_pct", "up_s", "down_s", "excluded_s"])
    for row in rows:
        percent = "" if row.percent is None else f"{row.percent:.4f}"
        cells = [_plain(row.key), _plain(row.name), row.month, row.devices, percent]
        writer.writerow([*cells, round(row.up_s), round(row.down_s), round(row.out_s)])
    return response


def _plain(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
