"""Forms of the technicians' pages: rules of alerts and announced work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from geoportal.messaging.kinds import kinds
from geoportal.monitoring.alerts.models import AlertRule
from geoportal.monitoring.causes import CAUSES
from geoportal.monitoring.maintenance import Target, targets
from geoportal.monitoring.measures import MEASURES, name_of
from geoportal.monitoring.models import MaintenancePlan

if TYPE_CHECKING:
    RuleFormBase = forms.ModelForm[AlertRule]
    PlanFormBase = forms.ModelForm[MaintenancePlan]
else:
    # Django's classes take type arguments in its stubs only.
    RuleFormBase = forms.ModelForm
    PlanFormBase = forms.ModelForm

NOT_A_TROUBLE = ("never_seen", "not_yet_active", "removed", "suspended", "in_maintenance", "we_are_blind")
MOMENT = "%Y-%m-%dT%H:%M"


def causes() -> list[tuple[str, Any]]:
    """The causes a rule may name: those that stand in an evidence list."""
    return [(code, text) for code, text in CAUSES.items() if code not in NOT_A_TROUBLE]


def metrics() -> list[tuple[str, str]]:
    """The measurements that devices of any kind send, in words and by their name in the contract."""
    found = sorted({name for kind in kinds() for name in kind.columns})
    return [("", "–"), *((name, f"{name_of(name)} ({name})" if name in MEASURES else name) for name in found)]


SECTIONS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("Nome"), ("name_it", "name_en", "slug", "kind", "severity", "is_active")),
    (_("Quando"), ("subject", "causes", "metric", "raise_at", "clear_at")),
    (_("Dopo quanto, e fino a quando"), ("for_s", "min_samples", "keep_s")),
    (_("In quali ore"), ("hours_from", "hours_to", "weekdays")),
    (_("Quante volte si chiama"), ("repeat_s", "escalate_s")),
    (_("Un allarme solo per molti dispositivi"), ("groups", "group_share_pct", "group_least", "group_window_s")),
)
"""Every field of a rule, by subject."""


class RuleForm(RuleFormBase):
    """One rule. What does not belong to its condition is emptied, what its condition needs is asked for."""

    causes = forms.MultipleChoiceField(
        label=_("cause"), choices=causes, required=False, widget=forms.CheckboxSelectMultiple
    )
    groups = forms.MultipleChoiceField(
        label=_("causa comune"),
        choices=[("feeder", _("Linea elettrica")), ("cabinet", _("Armadio")), ("area", _("Area"))],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    metric = forms.ChoiceField(label=_("misura"), choices=metrics, required=False)

    class Meta:
        model = AlertRule
        fields = (
            "name_it", "name_en", "slug", "is_active", "kind", "subject", "causes", "metric", "raise_at", "clear_at",
            "for_s", "keep_s", "min_samples", "severity", "hours_from", "hours_to", "weekdays", "repeat_s",
            "escalate_s", "groups", "group_share_pct", "group_least", "group_window_s",
        )  # fmt: skip
        widgets = {
            "hours_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "hours_to": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    @property
    def sections(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields under the questions that they answer."""
        return [(title, [self[name] for name in names]) for title, names in SECTIONS]

    def clean_weekdays(self) -> str:
        days = str(self.cleaned_data["weekdays"])
        if not days or set(days) - set("1234567"):
            raise forms.ValidationError(_("Cifre da 1 (lunedì) a 7 (domenica), per esempio 12345."))
        return "".join(sorted(set(days)))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        subject = data.get("subject")
        if subject == AlertRule.Subject.CAUSE and not data.get("causes"):
            self.add_error("causes", _("Scegli almeno una causa."))
        if subject == AlertRule.Subject.METRIC:
            self._check_thresholds(data)
        else:
            data.update(metric="", raise_at=None, clear_at=None)
        if subject != AlertRule.Subject.CAUSE:
            data["causes"] = []
        if (data.get("hours_from") is None) != (data.get("hours_to") is None):
            self.add_error("hours_to", _("Indica entrambe le ore, o nessuna."))
        return data

    def _check_thresholds(self, data: dict[str, Any]) -> None:
        if not data.get("metric"):
            self.add_error("metric", _("Scegli la misura."))
        for name in ("raise_at", "clear_at"):
            if data.get(name) is None and name not in self.errors:
                self.add_error(name, _("Indica la soglia."))
        if data.get("raise_at") is not None and data.get("raise_at") == data.get("clear_at"):
            self.add_error(
                "clear_at",
                _("Le due soglie devono essere diverse: più bassa la seconda se la misura sale, più alta se scende."),
            )


def plan_targets() -> list[tuple[str, Any]]:
    """What work can be announced for, by scope, as `scope:key`."""
    found = targets()
    groups: list[tuple[str, Any]] = [("", "–")]
    for scope in MaintenancePlan.Scope:
        choices = [(f"{one.scope}:{one.key}", _target_text(one)) for one in found if one.scope == scope]
        if choices:
            groups.append((str(scope.label), choices))
    return groups


def _target_text(target: Target) -> str:
    if target.name:
        return f"{target.name} ({target.key})"
    many = ngettext("%(key)s (%(count)d dispositivo)", "%(key)s (%(count)d dispositivi)", target.devices)
    return many % {"key": target.key, "count": target.devices}


class PlanForm(PlanFormBase):
    """Announced work, for something that the inventory has."""

    target = forms.ChoiceField(
        label=_("riguarda"),
        choices=plan_targets,
        error_messages={"invalid_choice": _("Nell'inventario non c'è «%(value)s».")},
    )
    field_order = ("target",)

    class Meta:
        model = MaintenancePlan
        fields = ("starts_at", "ends_at", "repeat", "until", "note")
        widgets = {
            "starts_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
            "ends_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
            "until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self.instance.scope, _colon, self.instance.key = str(data.get("target", "")).partition(":")
        start, end, until = data.get("starts_at"), data.get("ends_at"), data.get("until")
        if start and until and until < start.date():
            self.add_error("until", _("L'ultimo giorno viene prima dell'inizio."))
        repeat = data.get("repeat")
        longest = {"daily": 1, "weekly": 7}.get(str(repeat))
        if start and end and longest and (end - start).total_seconds() > longest * 86400:
            self.add_error("ends_at", _("Dura più dell'intervallo con cui si ripete."))
        return data
