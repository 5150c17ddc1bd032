"""How completely a layer is described, and what is missing. The list is what RNDT and DCAT-AP_IT want, and readers."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry

SHORTEST_ABSTRACT = 40


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a good description has. `place` is the name of the input where it is written."""

    place: str
    text: str
    is_there: bool
    is_mandatory: bool
    """Without it the metadata of the layer are not valid by the national profile."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """All points of a layer."""

    points: tuple[Point, ...]

    @property
    def missing(self) -> tuple[Point, ...]:
        """What is not there, mandatory things first."""
        return tuple(sorted((one for one in self.points if not one.is_there), key=lambda one: not one.is_mandatory))

    @property
    def percent(self) -> int:
        """Mandatory points count twice; 100 only when nothing is missing."""
        weights = [(2 if one.is_mandatory else 1, one.is_there) for one in self.points]
        return sum(weight for weight, there in weights if there) * 100 // sum(weight for weight, _there in weights)

    @property
    def is_valid(self) -> bool:
        return not any(one.is_mandatory for one in self.missing)


def completeness(layer: LayerEntry) -> Completeness:
    """What the catalogue says of a layer, held against what it should say."""
    said = layer.described
    has_place = bool(layer.geometry_field) or layer.kind != "vector"
    labelled = all(entry.title_it.casefold() != entry.name.replace("_", " ") for entry in layer.fields)
    translated = all(entry.title_en != entry.title_it for entry in layer.fields)
    found = [
        Point("abstract_it", _("Descrizione di almeno %(count)s caratteri") % {"count": SHORTEST_ABSTRACT},
              len(layer.abstract_it) >= SHORTEST_ABSTRACT, True),
        Point("keywords", _("Almeno una parola chiave"), bool(layer.keywords), True),
        Point("steward_office", _("Ufficio responsabile"), bool(layer.steward_office), True),
        Point("contact_email", _("Indirizzo e-mail del contatto"),
              bool(layer.contact_email or settings.BODY["email"]), True),
        Point("lineage", _("Provenienza: da dove vengono i dati e come sono stati fatti"), bool(layer.lineage), True),
        Point("licence", _("Licenza"), bool(layer.licence), True),
        Point("topic_category", _("Categoria ISO"), bool(said.topic_category), True),
        Point("inspire_theme", _("Tema INSPIRE"), bool(said.inspire_theme), has_place),
        Point("update_frequency", _("Frequenza di aggiornamento"), layer.update_frequency != "UNKNOWN", False),
        Point("theme", _("Tema nell'albero dei livelli"), layer.theme is not None, False),
        Point("title_en", _("Titolo in inglese"), layer.title_en != layer.title_it, False),
        Point("abstract_en", _("Descrizione in inglese"), layer.abstract_en != layer.abstract_it, False),
        Point("attribution", _("Attribuzione"), bool(layer.attribution), False),
        Point("review_on", _("Data in cui rivedere la scheda"), said.review_on is not None, False),
    ]  # fmt: skip
    if has_place and layer.kind == "vector":
        found.append(Point("scale_denominator", _("Scala di riferimento"), said.scale_denominator is not None, True))
    if has_place:
        found.append(Point("accuracy_m", _("Accuratezza posizionale"), said.accuracy_m is not None, True))
    if layer.fields:
        found.append(Point("fields", _("Nomi leggibili per le colonne"), labelled, False))
        found.append(Point("fields", _("Nomi delle colonne in inglese"), translated, False))
    return Completeness(tuple(found))
