"""Forms of the account pages, and the log-in form with its brakes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from geoportal.accounts.throttle import LOGIN_ACCOUNT, LOGIN_ADDRESS, LOGIN_ANYWHERE, client_address


class _Braked:
    """Refuses an attempt, right or wrong, while its account or address has failed too often."""

    request: Any
    cleaned_data: dict[str, Any]

    def clean(self) -> dict[str, Any]:
        if self.request is None:
            return super().clean()  # type: ignore[misc, no-any-return]
        name = str(self.cleaned_data.get("username", "")).strip().casefold()
        address = client_address(self.request)
        keys = ((LOGIN_ACCOUNT, f"{name}\n{address}"), (LOGIN_ANYWHERE, name), (LOGIN_ADDRESS, address))
        wait_s = max(brake.wait_s(whose) for brake, whose in keys)
        if wait_s:
            minutes = -(-wait_s // 60)
            text = ngettext(
                "Troppi tentativi non riusciti: riprova tra %(count)d minuto.",
                "Troppi tentativi non riusciti: riprova tra %(count)d minuti.",
                minutes,
            )
            raise ValidationError(text % {"count": minutes}, code="too_many")
        try:
            cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        except ValidationError:
            for brake, whose in keys:
                brake.failed(whose)
            raise
        LOGIN_ACCOUNT.forgive(f"{name}\n{address}")
        return cleaned


class LoginForm(_Braked, AuthenticationForm):
    """The site's log-in."""


class AdminLoginForm(_Braked, AdminAuthenticationForm):
    """The administration's log-in."""


class TokenForm(forms.Form):
    """A name and a lifetime for a new token."""

    LIFETIMES = (
        ("30", gettext_lazy("30 giorni")),
        ("90", gettext_lazy("90 giorni")),
        ("365", gettext_lazy("un anno")),
        ("", gettext_lazy("senza scadenza")),
    )
    name = forms.CharField(label=gettext_lazy("Nome"), max_length=80, strip=True)
    days = forms.ChoiceField(label=gettext_lazy("Durata"), choices=LIFETIMES, required=False)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError(_("Il nome contiene caratteri che non si possono scrivere."))
        return name

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
