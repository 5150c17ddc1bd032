"""The review page's form: what the steward chose for each layer, read and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from layers.catalogue import ThemeEntry, catalogue
from layers.importing.errors import ImportRefused
from layers.importing.options import Mode, moment_of
from layers.models import Access, Layer
from layers.publishing.models import Upload
from layers.publishing.services import LayerChoice
from layers.rights import Audience, may_keep

ENCODINGS = ("utf-8", "cp1252", "iso8859-15", "cp850", "cp437", "mac-roman")


def choices_of(data: QueryDict, upload: Upload, audience: Audience, *, only_ticked: bool) -> list[LayerChoice]:
    """One choice for each layer of the last look (`only_ticked`: of those to be imported). Raises ImportRefused."""
    slugs = [slug for slug, _title in replaceable(audience)]
    themes = [theme.slug for theme in kept_themes(audience)]
    looked = upload.inspection.result if upload.inspection else {}
    found = []
    for number, file in enumerate(looked.get("files", [])):
        for place, layer in enumerate(file["layers"]):
            prefix = f"{number}-{place}-"
            if not only_ticked or data.get(f"{prefix}take"):
                found.append(_choice(data, prefix, number, layer, slugs, themes))
    return found


def _choice(
    data: QueryDict, prefix: str, number: int, layer: dict[str, Any], slugs: list[str], themes: list[str]
) -> LayerChoice:
    chosen = layer.get("chosen", {})
    slug = _known(data.get(f"{prefix}slug", ""), slugs, _("livello"))
    theme = _known(data.get(f"{prefix}theme", ""), themes, _("tema"))
    access = _known(data.get(f"{prefix}access", ""), Access.values, _("accesso"))
    return LayerChoice(
        file=number,
        layer=str(layer["name"]),
        slug=slug,
        # A layer there is keeps its words and rights: the form proposes those of a new one.
        title="" if slug else data.get(f"{prefix}title", "").strip()[:200],
        theme="" if slug else theme,
        access="" if slug else access,
        srid=srid_of(data.get(f"{prefix}srid", str(chosen.get("srid") or ""))),
        encoding=_known(data.get(f"{prefix}encoding", chosen.get("encoding", "")), ENCODINGS, _("codifica")),
        swap=bool(data.get(f"{prefix}swap")) if f"{prefix}form" in data else bool(chosen.get("swap")),
        is_table=bool(data.get(f"{prefix}table")) if f"{prefix}form" in data else bool(chosen.get("is_table")),
        **update_of(lambda name: data.get(f"{prefix}{name}", "")),
    )


def update_of(given: Callable[[str], str]) -> dict[str, Any]:
    """How the data meets that of a layer there is: `mode`, `key`, `tolerance` … as texts. Raises ImportRefused."""
    return {
        "mode": _known(given("mode"), [mode.value for mode in Mode], _("modo")) or Mode.REPLACE.value,
        "tolerance": _metres(given("tolerance")),
        "where": _conditions(given("where")),
        "valid_from": _date(given("as-of")),
        **{name: [one.strip() for one in given(name).split(",") if one.strip()] for name in ("key", "match", "ignore")},
    }


def _metres(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        found = float("nan")
    if not 0 < found <= 1000:
        raise ImportRefused(_("La tolleranza %(text)r non è un numero di metri tra 0 e 1000.") % {"text": text[:40]})
    return found


def _conditions(text: str) -> dict[str, str]:
    found = {}
    for part in text.split(";"):
        if part.strip():
            name, sign, value = part.partition("=")
            if not sign or not name.strip():
                raise ImportRefused(_("Filtro %(text)r: scrivere colonna=valore.") % {"text": part.strip()[:80]})
            found[name.strip()] = value.strip()
    return found


def _date(text: str) -> str:
    try:
        return moment_of(text).isoformat() if text.strip() else ""
    except ValueError as error:
        raise ImportRefused(
            _("%(text)r non è una data: scrivere ad esempio 2025-10-10.") % {"text": text[:40]}
        ) from error


def srid_of(text: str) -> int | None:
    """An EPSG code: "3003", "EPSG:3003"; None for an empty text. Raises ImportRefused."""
    digits = text.strip().upper().removeprefix("EPSG:").strip()
    if not digits:
        return None
    if not digits.isdecimal() or not 1024 <= int(digits) <= 999_999:
        raise ImportRefused(
            _("%(text)r non è un codice EPSG: scrivere un numero come 32632 o 3003.") % {"text": text[:40]}
        )
    return int(digits)


def _known(value: str, allowed: Any, what: str) -> str:
    value = value.strip()
    if value and value not in set(allowed):
        raise ImportRefused(_("«%(value)s»: %(what)s che non esiste.") % {"value": value[:80], "what": what})
    return value


def replaceable(audience: Audience) -> list[tuple[str, str]]:
    """Slug and title of the layers whose data an import of this steward may replace."""
    visible = {entry.slug for entry in catalogue().visible(audience) if may_keep(audience, entry)}
    rows = Layer.objects.filter(imports__isnull=False, is_live=False).distinct().order_by("title_it")
    return [(layer.slug, layer.title) for layer in rows if layer.slug in visible]


def kept_themes(audience: Audience) -> list[ThemeEntry]:
    """The themes into which this steward may bring layers."""
    return [theme for theme in catalogue().themes if may_keep(audience, theme)]
