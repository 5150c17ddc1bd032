"""The form of a source: what its kind needs, checked before anything is asked of the other side."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from geoportal.map_page import in_language
from layers.catalogue import Catalogue
from layers.importing.register import slug_from
from layers.models import Access, Source, Theme, slug_validator
from layers.rights import Audience, may_keep
from layers.sources.foreign import DRIVERS

_OPTIONS = ("id_field", "geometry_field", "srid", "encoding", "swap", "format", "style", "copy")
_EVERY = [(5, _("ogni 5 minuti")), (60, _("ogni ora")), (360, _("ogni 6 ore")), (1440, _("ogni giorno")),
          (10_080, _("ogni settimana")), (43_200, _("ogni mese"))]  # fmt: skip


class SourceForm(forms.Form):
    """One source; `values` and `secret` are what the service takes."""

    title = forms.CharField(label=_("titolo"), max_length=200)
    slug = forms.CharField(
        label=_("nome del livello nell'indirizzo"), max_length=50, required=False, validators=[slug_validator],
        help_text=_("Vuoto: dal titolo."),
    )  # fmt: skip
    office = forms.CharField(label=_("ufficio o ente"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("genere"), choices=Source.Kind.choices)
    address = forms.CharField(
        label=_("indirizzo"), max_length=1000,
        help_text=_(
            "https://… di un file o servizio; host:porta/database di un PostgreSQL; /cartella/file o server:nome."
        ),
    )  # fmt: skip
    remote_name = forms.CharField(
        label=_("nome all'origine"), max_length=255, required=False,
        help_text=_("Livello, collezione o feature type; schema.tabella di un PostgreSQL."),
    )  # fmt: skip
    user_name = forms.CharField(label=_("utente"), max_length=200, required=False)
    secret = forms.CharField(
        label=_("password o gettone"), max_length=500, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Si conserva cifrata. Vuota: resta quella che c'è."),
    )  # fmt: skip
    theme = forms.ChoiceField(label=_("tema"), required=False)
    access = forms.ChoiceField(label=_("chi vede il livello"), choices=Access.choices, initial=Access.INTERNAL)
    every_minutes = forms.TypedChoiceField(label=_("quanto spesso"), choices=_EVERY, coerce=int, initial=1440)
    timeout_ms = forms.IntegerField(
        label=_("tempo massimo di una lettura (ms)"), min_value=100, max_value=60_000, initial=3000
    )
    copy = forms.BooleanField(
        label=_("copia la tabella a ogni scadenza"), required=False,
        help_text=_(
            "Di un PostgreSQL o di GDAL: le mappe leggono la copia, e un database lento non le rallenta. Senza, si "
            "legge a ogni richiesta."
        ),
    )  # fmt: skip
    id_field = forms.CharField(
        label=_("campo che identifica le righe"), max_length=200, required=False,
        help_text=_(
            "Con esso una raccolta confronta le righe una per una: chi non è cambiato resta lo stesso elemento, e la "
            "storia dice aggiunti, cambiati e tolti. Più campi si separano con virgole."
        ),
    )  # fmt: skip
    geometry_field = forms.CharField(label=_("campo geometria"), max_length=63, required=False)
    srid = forms.IntegerField(
        label=_("codice EPSG, se la fonte non lo dice"), min_value=1024, max_value=999_999, required=False
    )
    encoding = forms.CharField(label=_("codifica dei testi"), max_length=40, required=False)
    swap = forms.BooleanField(label=_("nord prima di est"), required=False)
    format = forms.CharField(
        label=_("formato"), max_length=40, required=False, help_text=", ".join(("csv, geojson, zip", *DRIVERS))
    )
    style = forms.CharField(label=_("stile del servizio"), max_length=200, required=False)

    def __init__(
        self, *args: Any, held: Catalogue, audience: Audience, source: Source | None = None, **kwargs: Any
    ) -> None:
        self.source = source
        if source is not None:
            kwargs.setdefault("initial", _initial(source))
        super().__init__(*args, **kwargs)
        kept = [(one.slug, in_language(one.title_it, one.title_en)) for one in held.themes if may_keep(audience, one)]
        theme = self.fields["theme"]
        assert isinstance(theme, forms.ChoiceField)  # noqa: S101
        theme.choices = [("", "–"), *kept]
        if source is not None:
            # Their layer is made by them: with another one it would be another source.
            for name in ("slug", "kind", "copy"):
                self.fields[name].disabled = True
            if source.layer_id:
                for name in ("theme", "access"):
                    del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("slug") and data.get("title"):
            data["slug"] = slug_from(str(data["title"]))
        if data.get("kind") != Source.Kind.FILE and not data.get("remote_name") and "remote_name" not in self.errors:
            self.add_error("remote_name", _("Questo genere di fonte vuole il nome all'origine."))
        if data.get("copy") and data.get("kind") not in {Source.Kind.POSTGRES, Source.Kind.OGR}:
            self.add_error(
                "copy", _("Si copiano le tabelle di PostgreSQL e di GDAL; gli altri generi hanno il loro modo.")
            )
        return data

    @property
    def values(self) -> dict[str, Any]:
        """For `layers.sources.services`."""
        data = self.cleaned_data
        found = {
            name: data[name]
            for name in ("title", "office", "address", "remote_name", "user_name", "every_minutes", "timeout_ms")
        }
        found["options"] = {name: data[name] for name in _OPTIONS if data.get(name)}
        if self.source is None:
            found |= {"slug": data["slug"], "kind": data["kind"]}
        if "theme" in self.fields:
            found |= {"access": data["access"], "theme": Theme.objects.filter(slug=data["theme"]).first()}
        return found


def _initial(source: Source) -> dict[str, Any]:
    names = (
        "title",
        "slug",
        "office",
        "kind",
        "address",
        "remote_name",
        "user_name",
        "access",
        "every_minutes",
        "timeout_ms",
    )
    return {name: getattr(source, name) for name in names} | {
        "theme": source.theme.slug if source.theme else "", **source.options
    }  # fmt: skip
