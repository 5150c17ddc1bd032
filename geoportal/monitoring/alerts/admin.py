"""What administrators keep of alerts: the channels. Deliveries are there to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.alerts.models import AlertChannel, AlertDelivery
from geoportal.monitoring.alerts.webhook import WebhookRefused, check_allowed

if TYPE_CHECKING:
    ChannelFormBase = forms.ModelForm[AlertChannel]
    ChannelBase = admin.ModelAdmin[AlertChannel]
    DeliveryBase = admin.ModelAdmin[AlertDelivery]
else:
    # Django's classes take type arguments in its stubs only.
    ChannelFormBase = forms.ModelForm
    ChannelBase = admin.ModelAdmin
    DeliveryBase = admin.ModelAdmin


class ChannelForm(ChannelFormBase):
    """An address that can be used: an e-mail address, or a web address of the operator's allow-list."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        address = data.get("address", "")
        try:
            if data.get("kind") == AlertChannel.Kind.EMAIL:
                validate_email(address)
            elif data.get("kind") == AlertChannel.Kind.WEBHOOK:
                check_allowed(address)
        except ValidationError as error:
            self.add_error("address", error)
        except WebhookRefused:
            self.add_error(
                "address", _("Indirizzo non ammesso: chi gestisce il portale lo aggiunge a GEOPORTAL_WEBHOOK_ORIGINS.")
            )
        return data


@admin.register(AlertChannel)
class AlertChannelAdmin(ChannelBase):
    form = ChannelForm
    list_display = ("name", "kind", "address", "least_severity", "only_escalations", "is_active")
    list_filter = ("kind", "is_active")

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "secret":
            kwargs["widget"] = forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: AlertChannel | None = None) -> bool:
        # What was sent by it stays on record: a channel that is no longer wanted is switched off.
        return obj is not None and not obj.deliveries.exists() and super().has_delete_permission(request, obj)


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(DeliveryBase):
    list_display = ("id", "channel", "transition", "due_at", "attempts", "sent_at", "dropped_at", "last_error")
    list_filter = ("channel", ("sent_at", admin.EmptyFieldListFilter), ("dropped_at", admin.EmptyFieldListFilter))
    list_select_related = ("channel", "transition__alert__rule")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AlertDelivery | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AlertDelivery | None = None) -> bool:
        return False
