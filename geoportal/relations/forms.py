"""The form of a relation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from layers.catalogue import Catalogue
from layers.models import Layer, Relation
from layers.rights import Audience, may_keep, may_see

if TYPE_CHECKING:
    RelationFormBase = forms.ModelForm[Relation]
else:
    # Django's classes take type arguments in its stubs only.
    RelationFormBase = forms.ModelForm


class RelationForm(RelationFormBase):
    """One relation; a steward relates layers of which they keep at least the first and see both."""

    class Meta:
        model = Relation
        fields = (
            "slug", "one", "other", "kind", "forward_it", "forward_en", "backward_it", "backward_en", "one_field",
            "other_field", "distance_m", "share_pct",
        )  # fmt: skip

    def __init__(self, *args: Any, held: Catalogue, audience: Audience, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        seen = [entry for entry in held.layers.values() if entry.kind == "vector" and may_see(audience, entry)]
        choices = {"one": [entry.id for entry in seen if may_keep(audience, entry)], "other": [one.id for one in seen]}
        for name, ids in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
            field.queryset = Layer.objects.filter(pk__in=ids).order_by("title_it")
            field.empty_label = "–"
        kind = self.fields["kind"]
        assert isinstance(kind, forms.TypedChoiceField)  # noqa: S101
        kind.choices = [("", "–"), *Relation.Kind.choices]
        self.fields["slug"].label = _("nome nell'indirizzo")
        self.fields["slug"].help_text = _(
            "Lettere minuscole, cifre e trattini: con esso la chiede il processo «related»."
        )
        for name in ("one_field", "other_field"):
            self.fields[name].help_text = _("Solo per «Hanno la stessa chiave»: il nome di una colonna.")
