"""What a steward writes about a layer and its columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from layers.catalogue import LayerEntry, catalogue
from layers.metadata.codes import LICENCES
from layers.models import Access, Field, Layer, Theme
from layers.rights import Audience, may_keep

if TYPE_CHECKING:
    LayerForm = forms.ModelForm[Layer]
else:
    LayerForm = forms.ModelForm

TEXTS = ("title_it", "title_en", "abstract_it", "abstract_en", "keywords")
PLACE = ("theme", "inspire_theme", "topic_category")
ANSWERING = ("steward_office", "contact_email", "attribution", "licence", "use_limitation")
QUALITY = ("lineage", "accuracy_m", "scale_denominator", "update_frequency", "review_on")
RIGHTS = ("access", "groups")
MOST_KEYWORDS = 30


class DescriptionForm(LayerForm):
    """The description of one layer. Themes are those that the steward keeps."""

    keywords = forms.CharField(
        label=gettext_lazy("Parole chiave"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Separate da virgole."),
    )
    licence = forms.ChoiceField(label=gettext_lazy("Licenza"))

    class Meta:
        model = Layer
        fields = (*TEXTS, *PLACE, *ANSWERING, *QUALITY, *RIGHTS)
        widgets = {
            "abstract_it": forms.Textarea(attrs={"rows": 4}),
            "abstract_en": forms.Textarea(attrs={"rows": 4, "lang": "en"}),
            "title_en": forms.TextInput(attrs={"lang": "en"}),
            "lineage": forms.Textarea(attrs={"rows": 3}),
            "use_limitation": forms.Textarea(attrs={"rows": 2}),
            "review_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, audience: Audience, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = [theme.slug for theme in catalogue().themes if may_keep(audience, theme)]
        self.fields["theme"].queryset = Theme.objects.filter(slug__in=kept)  # type: ignore[attr-defined]
        known = [(code, name) for code, (name, _address) in LICENCES.items()]
        held = self.instance.licence
        self.fields["licence"].choices = known + ([(held, held)] if held and held not in LICENCES else [])  # type: ignore[attr-defined]
        self.initial["keywords"] = ", ".join(self.instance.keywords)

    def clean_keywords(self) -> list[str]:
        words = [word.strip() for word in self.cleaned_data["keywords"].replace("\n", ",").split(",")]
        found = list(dict.fromkeys(word for word in words if word))
        if len(found) > MOST_KEYWORDS or any(len(word) > 80 for word in found):
            raise forms.ValidationError(
                _("Al massimo %(most)s parole, di 80 caratteri l'una.") % {"most": MOST_KEYWORDS}
            )
        return found

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned and cleaned.get("access") == Access.RESTRICTED and not cleaned.get("groups"):
            self.add_error("groups", _("Un livello riservato ha bisogno di almeno un gruppo che lo veda."))
        return cleaned


class Label:
    """One column in the form: what is written, and what is wrong with it."""

    def __init__(self, row: Field, data: QueryDict | None) -> None:
        self.row = row
        self.error = ""
        if data is not None:
            row.title_it = data.get(f"field-{row.name}-it", "").strip()
            row.title_en = data.get(f"field-{row.name}-en", "").strip()
            row.unit = data.get(f"field-{row.name}-unit", "").strip()
            if not (row.title_it + row.title_en + row.unit).isprintable():
                self.error = _("I testi della colonna %(name)s hanno segni che non si possono tenere.") % {
                    "name": row.name
                }
            elif not row.title_it:
                self.error = _("La colonna %(name)s ha bisogno di un nome.") % {"name": row.name}
            elif len(row.title_it) > 200 or len(row.title_en) > 200 or len(row.unit) > 20:
                self.error = _("I testi della colonna %(name)s sono troppo lunghi.") % {"name": row.name}


def labels_of(layer: LayerEntry, audience: Audience, data: QueryDict | None = None) -> list[Label]:
    """The columns this steward sees, as stored or as sent."""
    names = [entry.name for entry in layer.visible_fields(audience)]
    return [Label(row, data) for row in Field.objects.filter(layer_id=layer.id, name__in=names)]


def keep(form: DescriptionForm, labels: list[Label]) -> None:
    """Write the description and the names of the columns, or nothing."""
    with transaction.atomic():
        # The store and the data version are not the form's: an import may change them meanwhile.
        row = form.save(commit=False)
        row.save(update_fields=[*(name for name in form.fields if name != "groups"), "updated_at"])
        form.save_m2m()
        Field.objects.bulk_update([label.row for label in labels], ["title_it", "title_en", "unit"])
