"""The two live layers of the catalogue: access points and totems with their current state.

Written after every migration, idempotently: what is missing is made, what a steward changed since stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import override

from geoportal.marks import MARKS
from geoportal.monitoring.causes import CAUSES
from geoportal.monitoring.models import Device, DeviceStatus, Health
from layers.importing.register import table_statistics
from layers.models import Field, Layer, Style, Theme
from layers.styles.model import Class, Label, StyleSpec, Symbol, dump

THEME = ("servizi", "Servizi ai cittadini", "Services", 90)


@dataclass(frozen=True, slots=True)
class LiveLayer:
    """One layer of devices; `fields` are name, type, Italian, English, unit."""

    slug: str
    table: str
    title_it: str
    title_en: str
    abstract_it: str
    abstract_en: str
    fields: tuple[tuple[str, str, str, str, str], ...]
    position: int


_COMMON = (
    ("devid", "string", "Codice", "Code", ""),
    ("nome", "string", "Nome", "Name", ""),
    ("luogo", "string", "Luogo", "Place", ""),
    ("stato", "string", "Stato", "Health", ""),
    ("stato_dal", "datetime", "Stato dal", "Health since", ""),
    ("causa", "string", "Causa", "Cause", ""),
    ("collegamento", "string", "Collegamento", "Connection", ""),
    ("ultimo_contatto", "datetime", "Ultimo contatto", "Last contact", ""),
)
_INVENTORY = (
    ("gestore", "string", "Gestore", "Operator", ""),
    ("stato_di_vita", "string", "Stato di vita", "Lifecycle", ""),
    ("qualita_posizione", "string", "Qualità della posizione", "Quality of the position", ""),
    ("dati_di_esempio", "boolean", "Dati di esempio", "Sample data", ""),
)
_STATES_IT = (
    "Lo stato attuale e il suo perché, in codici di cui è dato il significato. "
    "Le posizioni approssimate sono indicate come tali."
)
_STATES_EN = (
    "The current state and its reason, in codes whose meaning is given. Approximate positions are marked as such."
)

LIVE_LAYERS = (
    LiveLayer(
        slug="punti-accesso-wifi",
        table="punti_accesso_wifi",
        title_it="Punti di accesso Wi-Fi",
        title_en="Wi-Fi access points",
        abstract_it=f"I punti di accesso del Wi-Fi pubblico. {_STATES_IT}",
        abstract_en=f"The access points of the public Wi-Fi. {_STATES_EN}",
        fields=(
            *_COMMON,
            ("rete", "string", "Nome della rete", "Network name", ""),
            ("all_aperto", "boolean", "All'aperto", "Outdoor", ""),
            ("capienza", "integer", "Utenti contemporanei", "Simultaneous users", ""),
            ("raggio_m", "integer", "Raggio di copertura", "Coverage radius", "m"),
            *_INVENTORY,
        ),
        position=10,
    ),
    LiveLayer(
        slug="totem",
        table="totem",
        title_it="Totem interattivi",
        title_en="Interactive totems",
        abstract_it=f"I totem informativi della città. {_STATES_IT}",
        abstract_en=f"The city's information totems. {_STATES_EN}",
        fields=(
            *_COMMON,
            ("modello", "string", "Modello", "Model", ""),
            ("altezza_mm", "integer", "Altezza dello schermo", "Height of the screen", "mm"),
            *_INVENTORY,
        ),
        position=20,
    ),
)

_WORDS: dict[str, tuple[tuple[str, str | Promise], ...]] = {
    "stato": tuple(Health.choices),
    "causa": tuple(CAUSES.items()),
    "collegamento": tuple(DeviceStatus.Presence.choices),
    "stato_di_vita": tuple(Device.Lifecycle.choices),
    "qualita_posizione": tuple(Device.PositionQuality.choices),
}
"""Columns that hold codes: what each means, for readers of the layers."""

_SHAPES = {"critical": "cross", "problem": "triangle", "unknown": "diamond", "maintenance": "square", "ok": "circle"}
_ENGLISH = {
    "critical": "Fault",
    "problem": "Problem",
    "unknown": "Unknown",
    "maintenance": "Maintenance",
    "ok": "Working",
}
_ITALIAN = {
    "critical": "Guasto",
    "problem": "Problema",
    "unknown": "Sconosciuto",
    "maintenance": "Manutenzione",
    "ok": "Funziona",
}


def health_style() -> StyleSpec:
    """Devices by health: a shape and a colour each, as on the map."""
    classes = tuple(
        Class(symbol=_symbol(health), value=health, label_it=_ITALIAN[health], label_en=_ENGLISH[health])
        for health in MARKS
    )
    return StyleSpec(
        kind="categorised",
        symbol=_symbol("unknown"),
        field="stato",
        classes=classes,
        label=Label(field="nome", min_zoom=16),
    )


def write_live_layers(**_: Any) -> None:
    """Make the catalogue rows of devices where they are missing, and measure count and extent. A signal's receiver."""
    if not _is_migrated():
        return
    for live in LIVE_LAYERS:
        with transaction.atomic():
            layer, made = Layer.objects.get_or_create(slug=live.slug, defaults=_values(live))
            if made:
                Style.objects.create(
                    layer=layer, name="stato", title_it="Stato", title_en="Health", spec=dump(health_style())
                )
            _write_fields(layer, live)
            refresh_extent(layer)


def refresh_extents(**_: Any) -> None:
    """Measure the live layers again; called when devices are added, moved or removed. A signal's receiver."""
    for layer in Layer.objects.filter(slug__in=[live.slug for live in LIVE_LAYERS]):
        refresh_extent(layer)


def refresh_extent(layer: Layer) -> None:
    """Measure one live layer, and write only what changed, so that the catalogue keeps its version."""
    found = table_statistics(layer.table_name, layer.srid, layer.geometry_field)
    bbox = list(found.degrees) if found.degrees else None
    bounds = list(found.bounds) if found.bounds else None
    if (layer.feature_count, layer.bbox, layer.storage_bbox) != (found.features, bbox, bounds):
        layer.feature_count, layer.bbox, layer.storage_bbox = found.features, bbox, bounds
        layer.save(update_fields=["feature_count", "bbox", "storage_bbox", "updated_at"])


def _symbol(health: str) -> Symbol:
    return Symbol(
        fill=MARKS[health].colour,
        fill_opacity=1,
        stroke="#ffffff",
        stroke_width=1.5,
        size=9,
        shape=_SHAPES[health],  # type: ignore[arg-type]
    )


def _values(live: LiveLayer) -> dict[str, Any]:
    slug, title_it, title_en, position = THEME
    theme, _made = Theme.objects.get_or_create(
        slug=slug, defaults={"title_it": title_it, "title_en": title_en, "position": position}
    )
    return {
        "theme": theme,
        "position": live.position,
        "title_it": live.title_it,
        "title_en": live.title_en,
        "abstract_it": live.abstract_it,
        "abstract_en": live.abstract_en,
        "table_name": live.table,
        "geometry_type": "POINT",
        "srid": 32632,
        "is_live": True,
        "update_frequency": Layer.Frequency.CONT,
        "lineage": "Inventario dei dispositivi e messaggi MQTT dei dispositivi stessi.",
        "shown_by_default": True,
    }


def _codes(name: str) -> list[dict[str, str]]:
    """The code list of a column, as the catalogue holds it."""
    return [{"code": code, "it": _in("it", text), "en": _in("en", text)} for code, text in _WORDS.get(name, ())]


def _in(language: str, text: str | Promise) -> str:
    with override(language):
        return str(text)


def _write_fields(layer: Layer, live: LiveLayer) -> None:
    held = set(layer.fields.values_list("name", flat=True))
    for field in layer.fields.filter(name__in=_WORDS, codes=[]):
        field.codes = _codes(field.name)
        field.save(update_fields=["codes"])
    for position, (name, kind, title_it, title_en, unit) in enumerate(live.fields):
        if name not in held:
            Field.objects.create(
                layer=layer,
                name=name,
                type=kind,
                title_it=title_it,
                title_en=title_en,
                unit=unit,
                codes=_codes(name),
                position=position,
                is_searchable=name in ("nome", "luogo", "devid"),
            )


def _is_migrated() -> bool:
    # post_migrate also comes after a migration to some older state, and while tests set up.
    wanted = ["layers_layer", "layers_field", "layers_style", *(f"geodata.{live.table}" for live in LIVE_LAYERS)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s) AS wanted(name)", [wanted])
        (complete,) = cursor.fetchone()
    return bool(complete)
