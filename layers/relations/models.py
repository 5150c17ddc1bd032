"""A relation of two layers, by place or by a key."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

slug_validator = RegexValidator(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", _("Solo lettere minuscole, cifre e trattini."))


class Relation(models.Model):
    """What of `other` belongs to a feature of `one`, and the other way round. Both ways have a name."""

    class Kind(models.TextChoices):
        WITHIN = "within", _("Il primo sta nel secondo")
        OVERLAPS = "overlaps", _("Si sovrappongono")
        NEAR = "near", _("Sono vicini")
        KEY = "key", _("Hanno la stessa chiave")

    slug = models.CharField(max_length=63, unique=True, validators=[slug_validator])
    one = models.ForeignKey("layers.Layer", models.CASCADE, related_name="+", verbose_name=_("primo livello"))
    other = models.ForeignKey("layers.Layer", models.CASCADE, related_name="+", verbose_name=_("secondo livello"))
    kind = models.CharField(_("come"), max_length=8, choices=Kind)
    forward_it = models.CharField(_("dal primo al secondo, in italiano"), max_length=120)
    forward_en = models.CharField(_("dal primo al secondo, in inglese"), max_length=120, blank=True)
    backward_it = models.CharField(_("dal secondo al primo, in italiano"), max_length=120)
    backward_en = models.CharField(_("dal secondo al primo, in inglese"), max_length=120, blank=True)
    one_field = models.CharField(_("chiave nel primo"), max_length=63, blank=True)
    other_field = models.CharField(_("chiave nel secondo"), max_length=63, blank=True)
    distance_m = models.FloatField(
        _("distanza massima (m)"), default=10, validators=[MinValueValidator(0), MaxValueValidator(5000)]
    )
    share_pct = models.FloatField(
        _("parte minima sovrapposta (%)"),
        default=1,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Della più piccola delle due aree: quelle che si toccano appena non contano."),
    )

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("relazione"), _("relazioni")
        ordering = ["slug"]

    def __str__(self) -> str:
        return f"{self.one_id} {self.get_kind_display()} {self.other_id}"

    def clean(self) -> None:
        """The two layers and what the kind needs of them."""
        if self.one_id and self.one_id == self.other_id and self.kind != self.Kind.NEAR:
            raise ValidationError({"other": _("Un livello non è in relazione con sé stesso.")})
        if self.kind == self.Kind.KEY:
            for name, layer in (("one_field", self.one), ("other_field", self.other)):
                known = set(layer.fields.values_list("name", flat=True))
                if getattr(self, name) not in known:
                    raise ValidationError(
                        {name: _("Un campo fra questi: %(names)s.") % {"names": ", ".join(sorted(known))}}
                    )
            return
        for name, layer in (("one", self.one), ("other", self.other)):
            if not layer.geometry_type:
                raise ValidationError({name: _("Questo livello non ha geometrie: la relazione può essere per chiave.")})
