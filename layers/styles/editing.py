"""Named styles of a layer written, made the first one, taken away. Triggers tell every process that they changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils.text import slugify
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.errors import LayersError
from layers.models import Layer, Style
from layers.rights import Audience
from layers.styles.classify import NUMBERS
from layers.styles.geometry import drawn_as
from layers.styles.model import StyleError, StyleSpec, dump, fields_of, parse
from layers.styles.points import POINT_KINDS

MAX_STYLES = 50
BY_COLUMN = frozenset({"categorised", "graduated", "proportional"})
"""Kinds of style that say nothing without a column."""
RESERVED = frozenset({"default", "nuovo"})


class StyleRefused(LayersError):
    """A style that cannot be kept; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a steward wants kept. `name` is empty for a new style, which gets one from its title."""

    name: str
    title_it: str
    title_en: str
    is_default: bool
    spec: StyleSpec


def checked(layer: LayerEntry, audience: Audience, spec: dict[str, object]) -> StyleSpec:
    """A style that this layer can have and this steward may make. Raises StyleRefused."""
    if spec.get("kind") in BY_COLUMN and not spec.get("field"):
        numbers = spec["kind"] == "categorised" or any(one.type in NUMBERS for one in layer.visible_fields(audience))
        raise StyleRefused(
            _("Scegliere la colonna secondo cui disegnare.")
            if numbers
            else _("Questo livello non ha colonne di numeri: scegliere le categorie o un altro modo di disegnare.")
        )
    try:
        style = parse(spec)
    except StyleError as error:
        raise StyleRefused(_("Lo stile non segue il modello: %(error)s") % {"error": error}) from error
    open_to = {entry.name for entry in layer.visible_fields(audience)}
    wanted = {*fields_of(style), *([style.label.field] if style.label else [])}
    missing = sorted(wanted - open_to)
    if missing:
        raise StyleRefused(_("Il livello non ha la colonna «%(name)s».") % {"name": missing[0][:63]})
    if style.kind in POINT_KINDS and drawn_as(layer.geometry_type) != ("point",):
        raise StyleRefused(_("Densità, gruppi e simboli proporzionali valgono per livelli di punti."))
    if style.raster is not None and layer.kind != "raster":
        raise StyleRefused(_("Scale di colore e ombreggiature valgono per i raster."))
    return style


def save_style(layer: LayerEntry, draft: Draft) -> Style:
    """Keep a style, new or old. The first style of a layer is its default. Raises StyleRefused."""
    if not draft.title_it.strip() or not (draft.title_it + draft.title_en).isprintable():
        raise StyleRefused(_("Dare un titolo allo stile."))
    with transaction.atomic():
        row = Layer.objects.select_for_update().get(pk=layer.id)
        held = {style.name: style for style in row.styles.all()}
        name = draft.name or _new_name(draft.title_it, set(held))
        style = held.get(name)
        if draft.name and style is None:
            raise StyleRefused(_("Lo stile «%(name)s» non c'è più: salvarlo come nuovo.") % {"name": name[:63]})
        if style is None:
            if len(held) >= MAX_STYLES:
                raise StyleRefused(_("Un livello ha al massimo %(most)s stili.") % {"most": MAX_STYLES})
            style = Style(layer=row, name=name, is_default=False)
        drawn_before = _fields(held.values())
        style.title_it, style.title_en = draft.title_it.strip()[:200], draft.title_en.strip()[:200]
        style.spec = dump(draft.spec)
        style.is_default = style.is_default or draft.is_default or not held
        if style.is_default:
            row.styles.exclude(name=name).update(is_default=False)
        style.save()
        _refresh_tiles(row, drawn_before, _fields([*held.values(), style]))
    return style


def delete_style(layer: LayerEntry, name: str) -> None:
    """Take a style away; when it was the default the first of the others takes its place. Raises StyleRefused."""
    with transaction.atomic():
        row = Layer.objects.select_for_update().get(pk=layer.id)
        style = row.styles.filter(name=name).first()
        if style is None:
            raise StyleRefused(_("Lo stile «%(name)s» non c'è più.") % {"name": name[:63]})
        was_default = style.is_default
        style.delete()
        heir = row.styles.order_by("name").first()
        if was_default and heir is not None:
            Style.objects.filter(pk=heir.pk).update(is_default=True)


def _new_name(title: str, taken: set[str]) -> str:
    stem = slugify(title)[:56].strip("-_").replace("_", "-") or "stile"
    names = [stem, *(f"{stem}-{number}" for number in range(2, MAX_STYLES + 3))]
    return next(name for name in names if name not in taken | RESERVED)


def _fields(styles: Iterable[Style]) -> frozenset[str]:
    """Attributes that tiles must carry for these styles."""
    found: set[str] = set()
    for style in styles:
        try:
            spec = parse(style.spec)
        except StyleError:
            continue
        found |= {*fields_of(spec), *([spec.label.field] if spec.label else [])}
    return frozenset(found)


def _refresh_tiles(row: Layer, before: frozenset[str], after: frozenset[str]) -> None:
    """Tiles carry what styles draw by, and browsers keep them under the data's version: new attributes raise it."""
    if not after <= before:
        Layer.objects.filter(pk=row.pk).update(data_version=F("data_version") + 1)
