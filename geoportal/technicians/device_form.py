"""The form of a new device: what the inventory must know before the device can speak."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from geoportal.monitoring.forms import PositionField
from geoportal.monitoring.models import Device, devid_validator
from kiosks.models import Totem
from wifi.models import AccessPoint

MODELS: dict[str, type[Device]] = {Device.Kind.ACCESS_POINT: AccessPoint, Device.Kind.TOTEM: Totem}


class DeviceForm(forms.Form):
    """The common part of the inventory; what belongs to one kind alone is added in the administration."""

    kind = forms.ChoiceField(label=gettext_lazy("genere"), choices=Device.Kind.choices)
    devid = forms.CharField(
        label=gettext_lazy("codice"),
        max_length=32,
        validators=[devid_validator],
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "totem-piazza-roma"}),
    )
    name_it = forms.CharField(label=gettext_lazy("nome"), max_length=120)
    name_en = forms.CharField(label=gettext_lazy("nome in inglese"), max_length=120, required=False)
    place = forms.CharField(label=gettext_lazy("luogo"), max_length=200, required=False)
    geom = PositionField()
    area = forms.CharField(label=gettext_lazy("area"), max_length=60, required=False)
    operator = forms.CharField(label=gettext_lazy("gestore"), max_length=120, required=False)
    cabinet = forms.CharField(label=gettext_lazy("armadio"), max_length=60, required=False)
    feeder = forms.CharField(label=gettext_lazy("linea elettrica"), max_length=60, required=False)
    interval_s = forms.IntegerField(
        label=gettext_lazy("intervallo dei campioni in secondi"), min_value=5, max_value=3600, initial=30
    )

    def clean_devid(self) -> str:
        devid: str = self.cleaned_data["devid"]
        if Device.objects.filter(devid=devid).exists():
            raise forms.ValidationError(_("Il codice «%(devid)s» è già in uso.") % {"devid": devid})
        if devid in ("nuovo", "rifiuti", "allarmi", "regole", "manutenzione", "disponibilita"):
            raise forms.ValidationError(_("«%(devid)s» è il nome di una pagina.") % {"devid": devid})
        return devid

    def device(self) -> Device:
        """The device of a valid form, not saved: installed, not yet in service."""
        values: dict[str, Any] = dict(self.cleaned_data)
        return MODELS[values["kind"]](lifecycle=Device.Lifecycle.INSTALLED, **values)
