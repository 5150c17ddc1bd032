"""What administrators see of devices: the inventory's common part; states and discarded messages to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.alerts import admin as alerts_admin
from geoportal.monitoring.causes import cause_text
from geoportal.monitoring.enrolment import add_device
from geoportal.monitoring.forms import PositionField
from geoportal.monitoring.models import DeadLetter, Device, DeviceStatus, MaintenanceWindow, StateInterval
from geoportal.monitoring.watching import announce, resync

if TYPE_CHECKING:
    DeviceFormBase = forms.ModelForm[Device]
    DeviceBase = admin.ModelAdmin[Device]
    WindowInlineBase = admin.TabularInline[MaintenanceWindow, Device]
    StatusBase = admin.ModelAdmin[DeviceStatus]
    LetterBase = admin.ModelAdmin[DeadLetter]
    IntervalBase = admin.ModelAdmin[StateInterval]
else:
    # Django's classes take type arguments in its stubs only.
    DeviceFormBase = forms.ModelForm
    DeviceBase = admin.ModelAdmin
    WindowInlineBase = admin.TabularInline
    StatusBase = admin.ModelAdmin
    LetterBase = admin.ModelAdmin
    IntervalBase = admin.ModelAdmin


__all__ = ["DeviceAdmin", "alerts_admin"]

SHUT_OUT = (Device.Lifecycle.SUSPENDED, Device.Lifecycle.REMOVED)


class DeviceForm(DeviceFormBase):
    geom = PositionField()


class MaintenanceInline(WindowInlineBase):
    model = MaintenanceWindow
    extra = 0


class DeviceAdmin(DeviceBase):
    """For a kind of device; subclasses say which (`kind`) and add their own fields (`own_fields`)."""

    kind: Device.Kind
    own_fields: tuple[str, ...] = ()
    form = DeviceForm
    inlines = (MaintenanceInline,)
    list_display = ("name_it", "devid", "place", "lifecycle", "health", "since", "why", "is_sample")
    list_filter = ("lifecycle", "status__health", "area", "operator", "is_sample")
    list_select_related = ("status",)
    search_fields = ("devid", "name_it", "name_en", "place")

    def get_fieldsets(self, request: HttpRequest, obj: Device | None = None) -> Any:
        return (
            (None, {"fields": ("devid", "name_it", "name_en", "place", "geom", "position_quality")}),
            (_("Caratteristiche"), {"fields": self.own_fields}),
            (_("Servizio"), {"fields": ("lifecycle", "interval_s", "is_sample", "notes")}),
            (_("Rete e responsabilità"), {"fields": ("operator", "area", "cabinet", "feeder")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Device | None = None) -> tuple[str, ...]:
        # The code is the device's account at the broker: another code is another device.
        if obj is not None and obj.lifecycle in SHUT_OUT:
            return ("devid", "lifecycle")
        return ("devid",) if obj else ()

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "lifecycle":
            # Shutting a device out is the broker's work too: the device's own page does both together.
            kwargs["choices"] = [choice for choice in Device.Lifecycle.choices if choice[0] not in SHUT_OUT]
            kwargs["help_text"] = _("Sospendere e dismettere si fa dalla pagina del dispositivo, in Tecnici.")
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        if change:
            obj.save()
        else:
            obj.kind = self.kind
            add_device(obj)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        announce([form.instance.pk], timezone.now())
        resync()

    def delete_model(self, request: HttpRequest, obj: Device) -> None:
        with transaction.atomic():
            obj.delete()
            resync()

    @admin.display(description=_("stato"), ordering="status__health")
    def health(self, obj: Device) -> str:
        return obj.status.get_health_display()

    @admin.display(description=_("dal"), ordering="status__health_since")
    def since(self, obj: Device) -> Any:
        return obj.status.health_since

    @admin.display(description=_("causa"))
    def why(self, obj: Device) -> str:
        return cause_text(obj.status.cause)


class ReadOnlyAdmin:
    """Rows that processes write and people only read."""

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False


@admin.register(DeviceStatus)
class DeviceStatusAdmin(ReadOnlyAdmin, StatusBase):
    list_display = ("device", "health", "health_since", "why", "presence", "last_seen_at", "clock_bad")
    list_filter = ("health", "presence", "device__kind", "clock_bad")
    list_select_related = ("device",)
    search_fields = ("device__devid", "device__name_it")

    @admin.display(description=_("causa"))
    def why(self, obj: DeviceStatus) -> str:
        return cause_text(obj.cause)


@admin.register(StateInterval)
class StateIntervalAdmin(ReadOnlyAdmin, IntervalBase):
    list_display = ("device", "health", "why", "started_at", "ended_at")
    list_filter = ("health", "device__kind")
    list_select_related = ("device",)
    search_fields = ("device__devid", "device__name_it")
    date_hierarchy = "started_at"

    @admin.display(description=_("causa"))
    def why(self, obj: StateInterval) -> str:
        return cause_text(obj.cause)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin, LetterBase):
    list_display = ("received_at", "reason", "topic", "payload_bytes", "detail")
    list_filter = ("reason", "received_at")
    search_fields = ("topic", "detail")
    fields = ("received_at", "reason", "topic", "detail", "payload_bytes", "beginning")
    readonly_fields = ("beginning",)

    @admin.display(description=_("inizio del messaggio"))
    def beginning(self, obj: DeadLetter) -> str:
        """The kept bytes as text; what is no text shows as an escape."""
        return bytes(obj.payload).decode("utf-8", "backslashreplace")
